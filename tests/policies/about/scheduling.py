"""Cases of the rules about scheduling and confinement."""

from ..manifests import DELETE
from .shape import About, at

_TERMS = "pod/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution"


def _wanted(key: str, operator: str) -> dict[str, object]:
    return {"nodeSelectorTerms": [{"matchExpressions": [{"key": key, "operator": operator}]}]}


ABOUT: dict[str, About] = {
    "priority-class": About(
        kind="Deployment",
        field="pod/priorityClassName",
        wrong=["web"],
        allowed=at("pod/priorityClassName", "web", DELETE),
        denied=at("pod/priorityClassName", "system-node-critical", "system-cluster-critical"),
    ),
    "priority-class-bounds": About(
        kind="PriorityClass",
        field="value",
        allowed=at("value", -10, 99_999_999),
        denied=(*at("value", 1_000_000_000), {"globalDefault": True}),
    ),
    "node-choice": About(
        kind="Deployment",
        field="pod/nodeName",
        wrong=["node-1"],
        allowed=(
            {"pod/nodeSelector": {"topology.kubernetes.io/zone": "a"}},
            {_TERMS: _wanted("node-role.kubernetes.io/control-plane", "DoesNotExist")},
        ),
        denied=(
            *at("pod/nodeName", "control-plane"),
            {"pod/nodeSelector": {"node-role.kubernetes.io/control-plane": ""}},
            {_TERMS: _wanted("node-role.kubernetes.io/master", "Exists")},
            {
                _TERMS: {
                    "nodeSelectorTerms": [
                        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}
                    ]
                }
            },
        ),
    ),
    "tolerations": About(
        kind="Deployment",
        field="pod/tolerations",
        allowed=at(
            "pod/tolerations",
            [],
            [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
        ),
        denied=at(
            "pod/tolerations",
            [{"operator": "Exists"}],
            [{"operator": "Exists", "effect": "NoSchedule"}],
            [{"key": "", "operator": "Exists"}],
            [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}],
        ),
    ),
    "pod-neighbours": About(
        kind="Deployment",
        field="pod/hostAliases",
        allowed=(
            *at("pod/dnsConfig", {"options": [{"name": "ndots", "value": "1"}]}),
            {"pod/shareProcessNamespace": True},
        ),
        denied=(
            *at("pod/hostAliases", [{"ip": "192.0.2.1", "hostnames": ["db"]}]),
            {"pod/dnsPolicy": "None", "pod/dnsConfig": {"nameservers": ["192.0.2.1"]}},
            {"pod/dnsConfig": {"nameservers": ["192.0.2.1"]}},
            {"pod/shareProcessNamespace": True, "pod/initContainers/0/restartPolicy": "Always"},
        ),
    ),
    "confinement-annotations": About(
        kind="CronJob",
        field="spec/jobTemplate/spec/template/metadata/annotations",
        allowed=(
            *at(
                "spec/jobTemplate/spec/template/metadata",
                {"annotations": {"container.apparmor.security.beta.kubernetes.io/work": "runtime/default"}},
            ),
        ),
        denied=(
            *at(
                "spec/jobTemplate/spec/template/metadata",
                {"annotations": {"container.apparmor.security.beta.kubernetes.io/work": "unconfined"}},
                {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}},
                {"annotations": {"k8s.v1.cni.cncf.io/networks": "open"}},
            ),
        ),
    ),
}
