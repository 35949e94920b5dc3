"""Which objects the rules mean by a kind's name: others may call theirs `Service` or `Cluster` too."""

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

GROUPS: Mapping[str, str] = {
    # CloudNativePG's.
    "Cluster": "postgresql.cnpg.io",
    "ClusterRole": "rbac.authorization.k8s.io",
    "ConfigMap": "",
    "CronJob": "batch",
    "DaemonSet": "apps",
    "Deployment": "apps",
    "Gateway": "gateway.networking.k8s.io",
    "HTTPRoute": "gateway.networking.k8s.io",
    "HorizontalPodAutoscaler": "autoscaling",
    "Ingress": "networking.k8s.io",
    "Job": "batch",
    "LimitRange": "",
    "Namespace": "",
    "NetworkPolicy": "networking.k8s.io",
    "PersistentVolumeClaim": "",
    "Pod": "",
    "PodDisruptionBudget": "policy",
    "ReplicaSet": "apps",
    "ReplicationController": "",
    "ResourceQuota": "",
    "Role": "rbac.authorization.k8s.io",
    "RoleBinding": "rbac.authorization.k8s.io",
    "Secret": "",
    "Service": "",
    "ServiceAccount": "",
    "StatefulSet": "apps",
}


def kind_of(manifest: Mapping[str, Any]) -> str:
    """The object's kind, or `group/Kind` where it is not the one that the rules mean."""
    name = str(manifest.get("kind"))
    group = str(manifest.get("apiVersion") or "").rpartition("/")[0]
    return name if GROUPS.get(name) == group else f"{group}/{name}"
