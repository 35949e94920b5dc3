"""Manifests of the store: pure functions of its key. It is hardened as the stacks' own pods are.

Only pods of databases and of their copies may speak to it, of any stack of the cluster. Not goals: TLS,
several keys, more than one node's disk: it stands for a bucket where none can be reached.
"""

from collections.abc import Mapping
from typing import Any

from tools.toolchain import pins

Object = dict[str, Any]

NAMESPACE, NAME, PORT = "feastflow-store", "store", 7070
IMAGE = f"ghcr.io/versity/versitygw:v{pins.VERSITYGW}"
ENDPOINT = f"http://{NAME}.{NAMESPACE}.svc:{PORT}"
SECRET, ID, KEY = "backup-store", "ACCESS_KEY_ID", "ACCESS_SECRET_KEY"
BUCKET = "backups"
_LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "feastflow"}
# The stacks' admission policies want a Secret immutable, but for one that pods read as files.
_FILES = {"kubernetes-namespace.policies/read-as": "files"}
_USER = 10001
_DATA, _META = "/data/buckets", "/data/metadata"
_SIZE = "4Gi"
# Labels of the pods that are let in, whatever their namespace: components/postgres.
_CLIENTS: tuple[Mapping[str, str], ...] = (
    {"component": "database"},
    {"component": "backups"},
    {"component": "proofs"},
    {"cnpg.io/cluster": "postgres"},
)


def objects(key: Mapping[str, str]) -> list[Object]:
    """Return everything of the store; `key` is the access key: id and secret by their names in the Secret."""
    return [
        {
            **_object("v1", "Namespace", NAMESPACE),
            "metadata": {
                "name": NAMESPACE,
                "labels": {**_LABELS, "pod-security.kubernetes.io/enforce": "restricted"},
            },
        },
        _object("v1", "Secret", SECRET) | {"stringData": dict(key)},
        _object("v1", "ServiceAccount", NAME) | {"automountServiceAccountToken": False},
        _object("v1", "PersistentVolumeClaim", NAME)
        | {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _SIZE}}}},
        _object("v1", "Service", NAME)
        | {"spec": {"selector": _LABELS, "ports": [{"name": "s3", "port": PORT, "targetPort": "s3"}]}},
        _object("networking.k8s.io/v1", "NetworkPolicy", NAME) | {"spec": _paths()},
        _object("apps/v1", "Deployment", NAME) | {"spec": _deployment()},
    ]


def secret(namespace: str, key: Mapping[str, str]) -> Object:
    """Return the Secret of the access key, as `database.backup.credentials.secretName` names it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": namespace, "labels": {**_LABELS, **_FILES}},
        "stringData": dict(key),
    }


def settings(stack: str) -> Object:
    """Return the settings of a stack that is backed up to the store, below `feastflow:database`."""
    return {
        "backup": {
            "destination": f"s3://{BUCKET}/{stack}",
            "endpoint": ENDPOINT,
            "allowHttp": True,
            "region": "us-east-1",
            "credentials": {"secretName": SECRET},
        }
    }


def _object(version: str, kind: str, name: str) -> Object:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": _LABELS},
    }


def _paths() -> Object:
    peers = [{"namespaceSelector": {}, "podSelector": {"matchLabels": dict(labels)}} for labels in _CLIENTS]
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": peers, "ports": [{"port": PORT, "protocol": "TCP"}]}],
        "egress": [],
    }


def _deployment() -> Object:
    probe = {"tcpSocket": {"port": "s3"}, "periodSeconds": 5}
    container = {
        "name": NAME,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--port", f":{PORT}", "--health", "/health", "posix", "--sidecar", _META, _DATA],
        "env": [_variable("ROOT_ACCESS_KEY", ID), _variable("ROOT_SECRET_KEY", KEY)],
        "ports": [{"name": "s3", "containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": probe,
        "livenessProbe": {**probe, "periodSeconds": 10},
        "resources": {
            "requests": {"cpu": "20m", "memory": "64Mi", "ephemeral-storage": "32Mi"},
            "limits": {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # The kubelet makes the folders of these, with the modes of the volume's own; one is the bucket.
        "volumeMounts": [
            {"name": "data", "mountPath": "/data/bucket", "subPath": f"buckets/{BUCKET}"},
            {"name": "data", "mountPath": _DATA, "subPath": "buckets"},
            {"name": "data", "mountPath": _META, "subPath": "metadata"},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 - in the container
        ],
    }
    pod = {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": NAME}},
            {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
        ],
    }
    return {
        "replicas": 1,
        # Two would write the same files.
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": pod},
    }


def _variable(name: str, key: str) -> Object:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": SECRET, "key": key}}}
