"""The cases of the rules across a stack: a small stack that keeps them all, changed in one place each."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from policies.expression import Unknown
from policies.references import MADE_ELSEWHERE, READ_ELSEWHERE

from .manifests import BASES, Manifest

Stack = dict[str, Manifest]

_SPACE = "shop"
_UNKNOWN = Unknown(path=("name",))


@dataclass(frozen=True, kw_only=True)
class StackCase:
    """A stack; `denied` is the object that breaks the rule, empty where none does."""

    rule: str
    says: str
    change: Callable[[Stack], object]
    denied: str = ""

    def stack(self) -> Stack:
        """Return the small stack with the change."""
        made = _small()
        self.change(made)
        return made


def _small() -> Stack:
    made = {
        kind: deepcopy(BASES[kind])
        for kind in (
            "Deployment",
            "Job",
            "Service",
            "ServiceAccount",
            "Secret",
            "PodDisruptionBudget",
            "HorizontalPodAutoscaler",
            "Ingress",
            "NetworkPolicy",
        )
    }
    made["Secret"]["metadata"]["name"] = "web-1"
    made["tls"] = {
        **deepcopy(BASES["Secret"]),
        "metadata": {"name": "web-tls"},
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": "YQ==", "tls.key": "YQ=="},
        "immutable": False,
    }
    made["Job"]["spec"]["template"]["metadata"] = {"labels": {"app": "web"}}
    made["Namespace"] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _SPACE}}
    for kind in ("ResourceQuota", "LimitRange"):
        made[kind] = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "guard"}, "spec": {}}
    made["deny"] = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    for name, manifest in made.items():
        if name != "Namespace":
            manifest["metadata"]["namespace"] = _SPACE
    return made


def _set(kind: str, path: str, value: Any) -> Callable[[Stack], object]:
    def change(stack: Stack) -> None:
        place: Any = stack[kind]
        *parents, last = path.split("/")
        for step in parents:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[int(last) if isinstance(place, list) else last] = value

    return change


def _without(*kinds: str) -> Callable[[Stack], object]:
    return lambda stack: [stack.pop(kind) for kind in kinds]


def _all(*changes: Callable[[Stack], object]) -> Callable[[Stack], object]:
    return lambda stack: [change(stack) for change in changes]


def _nothing(_: Stack) -> None:
    pass


def _certificate(secret: str) -> Callable[[Stack], object]:
    made = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "web", "namespace": _SPACE},
        "spec": {"secretName": secret, "issuerRef": {"name": "letsencrypt"}, "dnsNames": ["web.example.com"]},
    }
    return lambda stack: stack.update(Certificate=made)


def _left_over(kind: str, reader: str) -> Callable[[Stack], object]:
    metadata = {"name": "left", "namespace": _SPACE, "annotations": {READ_ELSEWHERE: reader}}
    return lambda stack: stack.update(left={"apiVersion": "v1", "kind": kind, "metadata": metadata})


def _of_operator(component: str) -> Callable[[Stack], object]:
    made = {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "db", "namespace": _SPACE},
        "spec": {"inheritedMetadata": {"labels": {"component": component}}},
    }

    def change(stack: Stack) -> None:
        stack["Cluster"] = made
        stack["NetworkPolicy"]["spec"]["podSelector"] = {"matchLabels": {"component": "web"}}

    return change


_CONTAINER = "spec/template/spec/containers/0"
_REFERENCE = f"{_CONTAINER}/env/1/valueFrom/secretKeyRef"
_WHOLE = [{"name": "all", "secret": {"secretName": "web-1"}}]

CASES = (
    StackCase(rule="workload-network-policy", says="of both types", change=_nothing),
    StackCase(
        rule="workload-network-policy",
        says="by default",
        change=_all(_without("deny"), _set("NetworkPolicy", "spec/policyTypes", [])),
    ),
    StackCase(
        rule="workload-network-policy",
        says="one way",
        change=_all(_without("deny"), _set("NetworkPolicy", "spec/policyTypes", ["Ingress"])),
        denied="Deployment",
    ),
    StackCase(
        rule="workload-network-policy",
        says="elsewhere",
        change=_all(_without("NetworkPolicy"), _set("deny", "metadata/namespace", "other")),
        denied="Deployment",
    ),
    StackCase(rule="workload-disruption-budget", says="one", change=_nothing),
    StackCase(
        rule="workload-disruption-budget",
        says="a single pod needs none",
        change=_without("PodDisruptionBudget", "HorizontalPodAutoscaler"),
    ),
    StackCase(
        rule="workload-disruption-budget",
        says="none",
        change=_without("PodDisruptionBudget"),
        denied="Deployment",
    ),
    StackCase(
        rule="workload-disruption-budget",
        says="of others",
        change=_set("PodDisruptionBudget", "spec/selector/matchLabels/app", "other"),
        denied="Deployment",
    ),
    StackCase(rule="workload-service", says="by name", change=_nothing),
    StackCase(
        rule="workload-service",
        says="by number",
        change=_set("Service", "spec/ports/0/targetPort", 8080),
    ),
    StackCase(
        rule="workload-service",
        says="a port that is not there",
        change=_set("Service", "spec/ports/0/targetPort", "metrics"),
        denied="Service",
    ),
    StackCase(
        rule="workload-service",
        says="another label",
        change=_set("Service", "spec/selector/app", "other"),
        denied="Deployment",
    ),
    StackCase(rule="reference", says="what exists", change=_nothing),
    StackCase(
        rule="reference",
        says="another resource's output",
        change=_set("Deployment", f"{_REFERENCE}/name", _UNKNOWN),
    ),
    StackCase(
        rule="reference",
        says="what may be missing",
        change=_set("Deployment", _REFERENCE, {"name": "else", "key": "password", "optional": True}),
    ),
    StackCase(
        rule="reference",
        says="a Secret misspelt",
        change=_set("Deployment", f"{_REFERENCE}/name", "web-2"),
        denied="Deployment",
    ),
    StackCase(rule="reference", says="no account", change=_without("ServiceAccount"), denied="Deployment"),
    StackCase(rule="reference", says="no Service", change=_without("Service"), denied="Ingress"),
    StackCase(
        rule="reference",
        says="a claim that is not made",
        change=_set(
            "Deployment", "spec/template/spec/volumes/0", {"persistentVolumeClaim": {"claimName": "data"}}
        ),
        denied="Deployment",
    ),
    StackCase(
        rule="reference",
        says="a target that is not there",
        change=_set("HorizontalPodAutoscaler", "spec/scaleTargetRef/name", "wbe"),
        denied="HorizontalPodAutoscaler",
    ),
    StackCase(
        rule="reference",
        says="a certificate that is not made",
        change=_set("Ingress", "spec/tls/0/secretName", "cert"),
        denied="Ingress",
    ),
    *(
        StackCase(
            rule="reference",
            says=f"a certificate that {says}",
            change=_all(
                _set("Ingress", "spec/tls/0/secretName", "cert"),
                _set("deny", "metadata/annotations", {MADE_ELSEWHERE: named}),
            ),
            denied=denied,
        )
        for says, named, denied in (
            ("the stack says others make", "ConfigMap/web Secret/cert", ""),
            ("others make by a longer name", "Secret/cert-2", "Ingress"),
            ("is a ConfigMap elsewhere", "ConfigMap/cert", "Ingress"),
        )
    ),
    StackCase(
        rule="reference",
        says="a certificate that others make in another namespace",
        change=_all(
            _set("Ingress", "spec/tls/0/secretName", "cert"),
            _set("deny", "metadata/annotations", {MADE_ELSEWHERE: "Secret/cert"}),
            _set("deny", "metadata/namespace", "other"),
        ),
        denied="Ingress",
    ),
    StackCase(
        rule="reference",
        says="a certificate that cert-manager writes",
        change=_all(_set("Ingress", "spec/tls/0/secretName", "cert"), _certificate("cert")),
    ),
    StackCase(
        rule="reference",
        says="a certificate that cert-manager writes under another name",
        change=_all(_set("Ingress", "spec/tls/0/secretName", "cert"), _certificate("other")),
        denied="Ingress",
    ),
    StackCase(rule="secret-environment", says="one that cannot change", change=_nothing),
    StackCase(
        rule="secret-environment",
        says="one that changes, as files",
        change=_all(
            _set("Secret", "immutable", False),
            _set("Deployment", "spec/template/spec/volumes", _WHOLE),
            _set("Deployment", f"{_CONTAINER}/env", []),
            _set("Deployment", "spec/template/spec/initContainers", []),
            _set("Job", f"{_CONTAINER}/env", []),
        ),
    ),
    StackCase(
        rule="secret-environment",
        says="one that changes",
        change=_set("Secret", "immutable", False),
        denied="Secret",
    ),
    StackCase(
        rule="secret-environment",
        says="a certificate's key",
        change=_set("Deployment", f"{_REFERENCE}/name", "web-tls"),
        denied="tls",
    ),
    StackCase(rule="dangling", says="all used", change=_nothing),
    StackCase(
        rule="dangling",
        says="a name that is not known yet",
        change=_all(
            _set("Deployment", f"{_REFERENCE}/name", _UNKNOWN), _set("Secret", "metadata/name", _UNKNOWN)
        ),
    ),
    StackCase(
        rule="dangling",
        says="a Secret left over",
        change=_set("Secret", "metadata/name", "web-0"),
        denied="Secret",
    ),
    StackCase(
        rule="dangling", says="a ConfigMap that others read", change=_left_over("ConfigMap", "collectors")
    ),
    StackCase(
        rule="dangling",
        says="a ConfigMap that no reader is named of",
        change=_left_over("ConfigMap", ""),
        denied="left",
    ),
    StackCase(
        rule="dangling",
        says="a Secret that others read",
        change=_left_over("Secret", "collectors"),
        denied="left",
    ),
    StackCase(rule="dangling", says="a policy for an operator's pods", change=_of_operator("web")),
    StackCase(
        rule="dangling",
        says="a policy for an operator's pods, by labels that they have not",
        change=_of_operator("wbe"),
        denied="NetworkPolicy",
    ),
    StackCase(
        rule="dangling",
        says="a policy for no pod",
        change=_set("NetworkPolicy", "spec/podSelector/matchLabels/app", "wbe"),
        denied="NetworkPolicy",
    ),
    StackCase(rule="secret-narrow", says="one key, read", change=_nothing),
    StackCase(
        rule="secret-narrow",
        says="all of it for one",
        change=_all(
            _set("Deployment", f"{_CONTAINER}/env", []),
            _set("Deployment", "spec/template/spec/initContainers", []),
            _set("Job", f"{_CONTAINER}/env", []),
            _set("Deployment", "spec/template/spec/volumes", _WHOLE),
            _set("Secret", "data", {"password": "YQ==", "token": "Yg=="}),
        ),
    ),
    StackCase(
        rule="secret-narrow",
        says="all of it and another",
        change=_all(
            _set("Deployment", "spec/template/spec/volumes", _WHOLE),
            _set("Secret", "data", {"password": "YQ==", "token": "Yg=="}),
        ),
        denied="Deployment",
    ),
    StackCase(
        rule="secret-narrow",
        says="a key that is not read",
        change=_set("Secret", "data", {"password": "YQ==", "token": "Yg=="}),
        denied="Secret",
    ),
    StackCase(rule="autoscaled-replicas", says="none fixed", change=_nothing),
    StackCase(
        rule="autoscaled-replicas",
        says="fixed without an autoscaler",
        change=_all(_without("HorizontalPodAutoscaler"), _set("Deployment", "spec/replicas", 2)),
    ),
    StackCase(
        rule="autoscaled-replicas",
        says="fixed although there is one",
        change=_set("Deployment", "spec/replicas", 2),
        denied="Deployment",
    ),
    StackCase(rule="autoscaler-requests", says="of what it scales by", change=_nothing),
    StackCase(
        rule="autoscaler-requests",
        says="none of it",
        change=_set("Deployment", f"{_CONTAINER}/resources/requests", {"memory": "1Mi"}),
        denied="Deployment",
    ),
    StackCase(rule="account-own", says="one program's Job and Deployment", change=_nothing),
    StackCase(
        rule="account-own",
        says="another program",
        change=_set("Job", "spec/template/metadata/labels/app", "clerk"),
        denied="Job",
    ),
    StackCase(rule="namespace-guards", says="all three", change=_nothing),
    *(
        StackCase(rule="namespace-guards", says=f"no {kind}", change=_without(kind), denied="Namespace")
        for kind in ("ResourceQuota", "LimitRange", "deny")
    ),
)

# Objects that the API server would refuse: the rules must skip them without an error.
SHAPELESS: tuple[tuple[str, Callable[[Stack], object]], ...] = (
    ("a spec that is a text", _set("Deployment", "spec", "text")),
    ("a spec that is missing", lambda stack: stack["Service"].pop("spec")),
    ("a spec that is null", _set("Ingress", "spec", None)),
    ("a list where an object belongs", _set("PodDisruptionBudget", "spec/selector", [1])),
    ("a number where a list belongs", _set("Service", "spec/ports", 10**30)),
    ("containers that are texts", _set("Deployment", "spec/template/spec/containers", ["web"])),
    ("labels that are null", _set("Deployment", "spec/template/metadata/labels", None)),
    ("ten thousand objects", lambda stack: stack.update({str(n): BASES["ConfigMap"] for n in range(10_000)})),
)
