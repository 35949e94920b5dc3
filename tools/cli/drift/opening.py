"""Drift that opens something: rights, network paths, Pod Security, admission, what a pod may do."""

import re
from collections.abc import Mapping
from typing import Any

from tools.cli.drift.compare import ADDED, CHANGED, REMOVED

_ANY = (ADDED, CHANGED, REMOVED)
_MORE = (ADDED, CHANGED)
_POD = r"spec\.(jobTemplate\.spec\.)?template\.spec\."
_CONTAINER = r"(c|initC)ontainers\[[^\]]*\]"
# Kind, field, and what has to happen to the field.
_TABLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"(Cluster)?Role", r"rules", _MORE),
    (r"(Cluster)?Role", r"aggregationRule", _ANY),
    (r"(Cluster)?RoleBinding", r"subjects", _MORE),
    (r"(Cluster)?RoleBinding", r"roleRef", _ANY),
    (r"NetworkPolicy", r"spec\.(in|e)gress", _MORE),
    (r"NetworkPolicy", r"spec\.policyTypes", (CHANGED, REMOVED)),
    (r"NetworkPolicy", r"spec\.podSelector", _ANY),
    (r"Namespace", r"metadata\.labels\[pod-security\.kubernetes\.io/", _ANY),
    (r"ValidatingAdmissionPolicy(Binding)?", r"spec", _ANY),
    (r"Service", r"spec\.(type|externalIPs|externalName|selector|ports)", _MORE),
    (r"Service", r"spec\.loadBalancerSourceRanges", _ANY),
    (r"Ingress|IngressRoute|Gateway|HTTPRoute", r"spec|metadata\.annotations", _MORE),
    (r"Ingress|IngressRoute|Gateway|HTTPRoute", r"spec\.tls", _ANY),
    (r"Certificate", r"spec\.(issuerRef|dnsNames|secretName)", _ANY),
    (r"ServiceAccount", r"automountServiceAccountToken", _ANY),
    # Clouds give an account their own rights by an annotation.
    (r"ServiceAccount", r"secrets|metadata\.annotations", _MORE),
    (
        r"Deployment|StatefulSet|(Cron)?Job",
        rf"{_POD}(host|shareProcessNamespace|serviceAccount|automountServiceAccountToken|volumes)",
        _ANY,
    ),
    (r"Deployment|StatefulSet|(Cron)?Job", rf"{_POD}({_CONTAINER}\.)?securityContext", _ANY),
    (r"Deployment|StatefulSet|(Cron)?Job", rf"{_POD}{_CONTAINER}(\.(image|command|args|envFrom))?$", _MORE),
    (r"Cluster", r"spec\.(enableSuperuserAccess|managed|postgresql\.pg_hba)", _ANY),
)
_COMPILED = tuple((re.compile(kind), re.compile(field), what) for kind, field, what in _TABLE)
_GUARDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def by_change(kind: str, field: str, what: str) -> bool:
    """Return whether adding, changing or removing `field` of an object of this kind opens something."""
    return any(
        what in among and name.fullmatch(kind) and place.match(field) for name, place, among in _COMPILED
    )


def by_absence(manifest: Mapping[str, Any]) -> bool:
    """Return whether the object's absence opens something: a policy that only denies, or admission."""
    if manifest.get("kind") == "NetworkPolicy":
        spec = manifest.get("spec") or {}
        return not spec.get("ingress") and not spec.get("egress")
    return manifest.get("kind") in _GUARDS
