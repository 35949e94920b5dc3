"""The kinds that rules judge, with their API groups: other groups have a `Service` or a `Cluster` too."""

from collections.abc import Mapping
from typing import Any

CONTROLLERS = (
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
)
PODS = ("Pod", *CONTROLLERS)
# Other projects' kinds with a whole pod template at a known path; the pack searches any other kind for one
# (templates.py).
TEMPLATES = ("JobSet", "Rollout", "ScaledJob", "serving.knative.dev/Service")
# Whatever has a whole pod template.
TEMPLATED = (*PODS, *TEMPLATES)
# Kinds whose operator completes the template: only the fields that are set are judged.
PARTIAL = ("Pooler",)

GROUPS: Mapping[str, str] = {
    # CloudNativePG's.
    "Cluster": "postgresql.cnpg.io",
    "ClusterRole": "rbac.authorization.k8s.io",
    "ClusterRoleBinding": "rbac.authorization.k8s.io",
    "ConfigMap": "",
    "CronJob": "batch",
    "DaemonSet": "apps",
    "Deployment": "apps",
    "EndpointSlice": "discovery.k8s.io",
    "Endpoints": "",
    "GRPCRoute": "gateway.networking.k8s.io",
    "Gateway": "gateway.networking.k8s.io",
    "HTTPRoute": "gateway.networking.k8s.io",
    "HorizontalPodAutoscaler": "autoscaling",
    "Ingress": "networking.k8s.io",
    "Job": "batch",
    "JobSet": "jobset.x-k8s.io",
    "LimitRange": "",
    "Namespace": "",
    "NetworkPolicy": "networking.k8s.io",
    "PersistentVolumeClaim": "",
    "Pod": "",
    "PodDisruptionBudget": "policy",
    # CloudNativePG's.
    "Pooler": "postgresql.cnpg.io",
    "PriorityClass": "scheduling.k8s.io",
    "ReferenceGrant": "gateway.networking.k8s.io",
    "ReplicaSet": "apps",
    "ReplicationController": "",
    "ResourceQuota": "",
    "Role": "rbac.authorization.k8s.io",
    "RoleBinding": "rbac.authorization.k8s.io",
    "Rollout": "argoproj.io",
    "ScaledJob": "keda.sh",
    "Secret": "",
    "Service": "",
    "ServiceAccount": "",
    "StatefulSet": "apps",
    "TCPRoute": "gateway.networking.k8s.io",
    "TLSRoute": "gateway.networking.k8s.io",
    "UDPRoute": "gateway.networking.k8s.io",
}


def kind_of(manifest: Mapping[str, Any]) -> str:
    """Return the object's kind, or `group/Kind` where it is not the one that the rules mean."""
    name = str(manifest.get("kind"))
    group = str(manifest.get("apiVersion") or "").rpartition("/")[0]
    return name if GROUPS.get(name) == group else f"{group}/{name}"
