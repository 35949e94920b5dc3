"""Privileges: limits of what a Role allows, and of the accounts that it is bound to.

After https://kubernetes.io/docs/concepts/security/rbac-good-practices/: reading Secrets, making tokens,
running a command in a pod, making a pod and changing roles each lead to all that the namespace has.
"""

from ..rule import Rule, Severity
from ..vocabulary import (
    OBJECT,
    Default,
    Every,
    Matches,
    Not,
    Some,
    Variable,
    absent,
    anything,
    entries,
    every,
    if_,
    is_,
    items,
    items_or_null,
    some,
    text,
)

_CATEGORY = "access"
_ALLOWED, _WORD, _LABEL, _SUBJECT = (
    Variable("allowed"),
    Variable("word"),
    Variable("label"),
    Variable("subject"),
)
_ROLES = ("Role", "ClusterRole")
_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
_GROUP = "rbac.authorization.k8s.io"
# With any verb: each is a way to a secret, a token, or a program in another pod.
_NEVER = (
    "^(secrets|serviceaccounts/token|pods/(exec|attach|portforward|proxy|ephemeralcontainers)|services/proxy"
    "|nodes/.+|certificatesigningrequests/(approval|status)|tokenrequests)$"
)
# With a verb that writes: what makes pods, roles, accounts, or what judges them.
_MADE = (
    "^(pods|podtemplates|replicationcontrollers|deployments|daemonsets|statefulsets|replicasets|jobs|cronjobs"
    "|rollouts|jobsets|scaledjobs|workflows|cronworkflows|clusters|poolers|databases"
    "|roles|rolebindings|clusterroles|clusterrolebindings|serviceaccounts|certificatesigningrequests"
    "|externalsecrets|clusterexternalsecrets|pushsecrets|secretstores|clustersecretstores|sealedsecrets"
    "|namespaces|nodes|persistentvolumes|customresourcedefinitions|apiservices"
    "|(validating|mutating)(webhookconfigurations|admissionpolic.*))(/(status|finalize|finalizers))?$"
)
_READS = "^(get|list|watch)$"
_RAISES = (
    "^(escalate|bind|impersonate.*|approve|sign|attest|use|request-serviceaccounts-token-audience"
    "|create-token|proxy|connect)$"
)
# Paths that Kubernetes shows to every account, or that tell only how a server is.
_OPEN_URLS = "^/(healthz|livez|readyz|metrics|version)(/[a-z0-9/-]*)?$"
# Kubernetes' own roles that allow little, and names that say that a role allows a lot.
_MODEST = "^(view|system:(auth-delegator|basic-user|discovery|public-info-viewer))$"
_MIGHTY = (
    "(?i)^$|^system:|(^|[^a-z])(admin|administrator|edit|editor|owner|root|sudoer|superuser|master)([^a-z]|$)"
)
# Groups of every account, the cluster's own accounts, and those that are refused nothing.
_EVERYBODY = "^(system:.*|kubeadm:.*|\\*|)$"
_ACCOUNT = "^system:serviceaccount:[^:]+:[^:]+$"
_DEFAULT_ACCOUNT = "^system:serviceaccount:[^:]+:default$"

_name = Default(text(OBJECT, "roleRef", "name"), "")
_who = Default(text(_SUBJECT, "name"), "")


def _any(part: str, pattern: str) -> Some:
    return Some(items(_ALLOWED, part), _WORD, Matches(_WORD, pattern))


RULES = (
    Rule(
        id="role-privileges",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=_ROLES,
        holds=Every(
            items_or_null(OBJECT, "rules"),
            _ALLOWED,
            every(
                Not(_any("resources", _NEVER)),
                Not(_any("verbs", _RAISES)),
                if_(
                    Some(items(_ALLOWED, "verbs"), _WORD, Not(Matches(_WORD, _READS))),
                    Not(_any("resources", _MADE)),
                ),
            ),
        ),
        protects="A role leads to no secret, no token, no shell in a pod, and to no greater role.",
        remedy="leave out secrets, tokens, exec, what makes pods or roles, and escalate, bind, impersonate",
    ),
    Rule(
        id="role-patterns",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=_ROLES,
        holds=every(
            Every(
                items_or_null(OBJECT, "rules"),
                _ALLOWED,
                every(
                    *(
                        Not(_any(part, "\\*"))
                        for part in ("verbs", "resources", "apiGroups", "resourceNames")
                    ),
                    Every(items(_ALLOWED, "nonResourceURLs"), _WORD, Matches(_WORD, _OPEN_URLS)),
                ),
            ),
            absent(anything(OBJECT, "aggregationRule")),
            Every(
                entries(OBJECT, "metadata", "labels"),
                _LABEL,
                Not(Matches(_LABEL, "^rbac\\.authorization\\.k8s\\.io/aggregate-to-")),
            ),
        ),
        protects="What a role allows stands in it: no pattern, no path of the API, no other role's rules.",
        remedy="list resources and their parts by name, without *, nonResourceURLs or aggregation",
    ),
    Rule(
        id="binding-role",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=_BINDINGS,
        holds=some(Matches(_name, _MODEST), Not(Matches(_name, _MIGHTY))),
        protects="No account can do everything, here or in the whole cluster.",
        remedy="bind a Role of your own that lists what is needed, not cluster-admin, admin or edit",
    ),
    Rule(
        id="binding-subjects",
        category=_CATEGORY,
        severity=Severity.CRITICAL,
        kinds=_BINDINGS,
        holds=Every(
            items_or_null(OBJECT, "subjects"),
            _SUBJECT,
            every(
                if_(
                    is_(Default(text(_SUBJECT, "kind"), ""), "ServiceAccount"),
                    Not(is_(_who, "default")),
                ),
                some(
                    Not(Matches(_who, _EVERYBODY)),
                    every(
                        is_(Default(text(_SUBJECT, "kind"), ""), "User"),
                        Matches(_who, _ACCOUNT),
                        Not(Matches(_who, _DEFAULT_ACCOUNT)),
                    ),
                ),
            ),
        ),
        protects="A role is given to named accounts, and not to every account that can connect.",
        remedy="name users, groups of your own or a workload's ServiceAccount, not system: groups or default",
    ),
)
