"""Objects that keep every rule: one of each kind the rules are about, for cases to change in one place."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from typing import Any

from policies.kinds import kind_of

Manifest = dict[str, Any]

DELETE = object()

_PROBE = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5, "failureThreshold": 2}
_CONTAINER: Manifest = {
    "name": "web",
    "image": f"registry.example.com/web:1.0.0@sha256:{'0123456789abcdef' * 4}",
    "imagePullPolicy": "IfNotPresent",
    "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
    "env": [
        {"name": "MODE", "value": "fast"},
        {
            "name": "DB_PASSWORD",
            "valueFrom": {"secretKeyRef": {"name": "web-1", "key": "password"}},
        },
    ],
    "resources": {
        "requests": {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "32Mi"},
        "limits": {"cpu": "1", "memory": "128Mi", "ephemeral-storage": "64Mi"},
    },
    "livenessProbe": {**_PROBE, "failureThreshold": 4},
    "readinessProbe": _PROBE,
    "startupProbe": {**_PROBE, "failureThreshold": 30},
    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
    },
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
}
_INIT: Manifest = {**_CONTAINER, "name": "prepare"}
for _served in ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"):
    del _INIT[_served]
_POD: Manifest = {
    "serviceAccountName": "web",
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "initContainers": [_INIT],
    "containers": [_CONTAINER],
    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": "web"}},
        }
    ],
}
_LABELS = {"app": "web"}
_TEMPLATE: Manifest = {"metadata": {"labels": _LABELS}, "spec": _POD}
_JOB_POD: Manifest = {
    **{key: value for key, value in _POD.items() if key != "topologySpreadConstraints"},
    "restartPolicy": "Never",
    "initContainers": [],
    "containers": [{**_INIT, "name": "work"}],
}
_SELECTOR = {"matchLabels": _LABELS}
_HOST = "web.example.com"


def _object(api_version: str, kind: str, **rest: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "labels": _LABELS}, **rest}


_BACKEND = {"service": {"name": "web", "port": {"number": 80}}}
_PATHS = {"paths": [{"path": "/", "pathType": "Prefix", "backend": _BACKEND}]}

BASES: dict[str, Manifest] = {
    kind_of(manifest): manifest
    for manifest in (
        _object(
            "apps/v1",
            "Deployment",
            spec={
                "selector": _SELECTOR,
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
                },
                "template": _TEMPLATE,
            },
        ),
        _object(
            "apps/v1",
            "StatefulSet",
            spec={
                "replicas": 3,
                "serviceName": "web",
                "selector": _SELECTOR,
                "updateStrategy": {"type": "RollingUpdate"},
                "template": _TEMPLATE,
            },
        ),
        _object(
            "apps/v1",
            "DaemonSet",
            spec={
                "selector": _SELECTOR,
                "updateStrategy": {"type": "RollingUpdate"},
                "template": _TEMPLATE,
            },
        ),
        _object("apps/v1", "ReplicaSet", spec={"selector": _SELECTOR, "template": _TEMPLATE}),
        _object("v1", "ReplicationController", spec={"selector": _LABELS, "template": _TEMPLATE}),
        _object("v1", "Pod", spec=_POD),
        _object(
            "batch/v1",
            "Job",
            spec={"activeDeadlineSeconds": 300, "backoffLimit": 2, "template": {"spec": _JOB_POD}},
        ),
        _object(
            "batch/v1",
            "CronJob",
            spec={
                "schedule": "0 3 * * *",
                "jobTemplate": {"spec": {"activeDeadlineSeconds": 300, "template": {"spec": _JOB_POD}}},
            },
        ),
        _object(
            "argoproj.io/v1alpha1",
            "Rollout",
            spec={"selector": _SELECTOR, "strategy": {"canary": {}}, "template": _TEMPLATE},
        ),
        _object("serving.knative.dev/v1", "Service", spec={"template": _TEMPLATE}),
        _object(
            "jobset.x-k8s.io/v1alpha2",
            "JobSet",
            spec={
                "replicatedJobs": [{"name": "work", "template": {"spec": {"template": {"spec": _JOB_POD}}}}]
            },
        ),
        _object(
            "keda.sh/v1alpha1",
            "ScaledJob",
            spec={"jobTargetRef": {"template": {"spec": _JOB_POD}}, "triggers": []},
        ),
        _object(
            "postgresql.cnpg.io/v1",
            "Pooler",
            spec={
                "cluster": {"name": "web"},
                "instances": 2,
                "type": "rw",
                "pgbouncer": {"poolMode": "session"},
                "template": {
                    "metadata": {"labels": _LABELS},
                    "spec": {
                        "containers": [
                            {
                                "name": "pgbouncer",
                                "image": _CONTAINER["image"],
                                "ports": [{"containerPort": 5432}],
                                "readinessProbe": {"tcpSocket": {"port": 5432}},
                            }
                        ],
                        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}],
                    },
                },
            },
        ),
        _object(
            "scheduling.k8s.io/v1", "PriorityClass", value=1000, globalDefault=False, preemptionPolicy="Never"
        ),
        _object("discovery.k8s.io/v1", "EndpointSlice", addressType="IPv4", endpoints=[], ports=[]),
        _object("v1", "ConfigMap", data={"MODE": "fast", "HOST": "db"}),
        _object("v1", "Secret", immutable=True, type="Opaque", data={"password": "c2VjcmV0"}),
        _object("v1", "ServiceAccount", automountServiceAccountToken=False),
        _object(
            "v1",
            "Service",
            spec={
                "type": "ClusterIP",
                "selector": _LABELS,
                "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
            },
        ),
        _object(
            "networking.k8s.io/v1",
            "Ingress",
            spec={
                "rules": [{"host": _HOST, "http": _PATHS}],
                "tls": [{"hosts": [_HOST], "secretName": "web-tls"}],
            },
        ),
        _object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            spec={
                "podSelector": _SELECTOR,
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"from": [{"podSelector": _SELECTOR}], "ports": [{"port": 8080}]}],
                "egress": [{"to": [{"podSelector": _SELECTOR}], "ports": [{"port": 5432}]}],
            },
        ),
        _object("policy/v1", "PodDisruptionBudget", spec={"maxUnavailable": 1, "selector": _SELECTOR}),
        _object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 2,
                "maxReplicas": 4,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "target": {"type": "Utilization", "averageUtilization": 70},
                        },
                    }
                ],
            },
        ),
        _object(
            "rbac.authorization.k8s.io/v1",
            "Role",
            rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        ),
        _object(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"},
            subjects=[
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "developers"},
            ],
        ),
        _object(
            "gateway.networking.k8s.io/v1",
            "Gateway",
            spec={
                "gatewayClassName": "traefik",
                "listeners": [
                    {
                        "name": "https",
                        "protocol": "HTTPS",
                        "port": 443,
                        "hostname": _HOST,
                        "tls": {"mode": "Terminate", "certificateRefs": [{"name": "web"}]},
                    }
                ],
            },
        ),
        _object(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            spec={
                "parentRefs": [{"name": "web"}],
                "hostnames": [_HOST],
                "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
            },
        ),
        _object(
            "postgresql.cnpg.io/v1",
            "Cluster",
            spec={
                "instances": 3,
                "imageName": "registry.example.com/postgresql:15.14",
                "resources": {
                    "requests": {"cpu": "250m", "memory": "512Mi"},
                    "limits": {"cpu": "1", "memory": "512Mi"},
                },
                "storage": {"size": "1Gi"},
                "backup": {"barmanObjectStore": {"destinationPath": "s3://backups/shop"}},
            },
        ),
    )
}
BASES["Namespace"] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "web", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
}

_TEMPLATES = {
    "Pod": "",
    "CronJob": "spec/jobTemplate/spec/template/",
    "JobSet": "spec/replicatedJobs/0/template/spec/template/",
    "ScaledJob": "spec/jobTargetRef/template/",
}


def changed(kind: str, changes: dict[str, Any]) -> Manifest:
    """Return the object of this kind with some fields set or deleted.

    A path has its steps between slashes. `pod` and `container` stand for where a workload has them.
    """
    manifest = deepcopy(BASES[kind])
    for path, value in changes.items():
        *parents, last = _steps(kind, path)
        place: Any = manifest
        for step, after in pairwise([*parents, last]):
            made: Any = [{}] if after == "0" else {}
            place = place.setdefault(step, made) if isinstance(place, dict) else place[int(step)]
        if isinstance(place, list):
            place[int(last)] = deepcopy(value)
        elif value is DELETE:
            place.pop(last, None)
        else:
            place[last] = deepcopy(value)
    return manifest


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every field and every element below a value, from the top down."""
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from paths(below, (*path, key))


def _steps(kind: str, path: str) -> list[str]:
    pod = f"{_TEMPLATES.get(kind, 'spec/template/')}spec"
    for word, place in (
        ("init", f"{pod}/initContainers/0"),
        ("container", f"{pod}/containers/0"),
        ("pod", pod),
    ):
        if path.split("/", maxsplit=1)[0] == word:
            path = place + path.removeprefix(word)
    return path.split("/")
