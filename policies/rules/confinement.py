"""Confinement by annotations: profiles of AppArmor and seccomp in their old form, and second networks."""

from ..kinds import PARTIAL, TEMPLATED
from ..logic import Matches
from ..rule import Rule, Severity
from ..vocabulary import ANNOTATIONS, At, Every, Not, Variable, every, if_

_ANNOTATED, _KEY = Variable("annotated"), Variable("key")
_APPARMOR = "^container\\.apparmor\\.security\\.beta\\.kubernetes\\.io/"
_SECCOMP = "^(container\\.)?seccomp\\.security\\.alpha\\.kubernetes\\.io/"
# A second network has none of this namespace's NetworkPolicies.
_NETWORKS = "^(k8s\\.v1\\.cni\\.cncf\\.io|v1\\.multus-cni\\.io)/"
_PROFILES = "^$|^runtime/default$|^docker/default$|^localhost/"

RULES = (
    Rule(
        id="confinement-annotations",
        category="pod-security",
        severity=Severity.MEDIUM,
        kinds=(*TEMPLATED, *PARTIAL),
        holds=Every(
            ANNOTATIONS,
            _ANNOTATED,
            Every(
                _ANNOTATED,
                _KEY,
                every(
                    Not(Matches(_KEY, _NETWORKS)),
                    *(
                        if_(Matches(_KEY, system), Matches(At(_ANNOTATED, _KEY, str), _PROFILES))
                        for system in (_APPARMOR, _SECCOMP)
                    ),
                ),
            ),
        ),
        protects="AppArmor, seccomp and NetworkPolicies stay in force, wherever a template is.",
        remedy="leave the annotations out, or let profiles be runtime/default or localhost/…",
    ),
)
