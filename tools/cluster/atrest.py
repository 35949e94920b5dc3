"""Encryption at rest: how the local cluster's API server writes Secrets into etcd, and what others say of it.

https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
"""

import base64
import re
import secrets
from pathlib import Path

import yaml

from tools.cluster import record
from tools.toolchain import private, process
from tools.toolchain.kubectl import Kubectl

FLAG = "--encryption-provider-config"
# What begins each value in etcd that the API server has encrypted.
PREFIX = "k8s:enc:"
# In the node and, as kubeadm mounts it, in the API server's container.
_PLACE = "/etc/kubernetes/encryption"
_FILE = "configuration.yaml"
_KEY_BYTES = 32
_TRANSFORMED = re.compile(
    r'^apiserver_storage_transformation_operations_total\{.*transformer_prefix="(k8s:enc:[^"]+)"',
    re.MULTILINE,
)
_NOT_KNOWN = "cannot be known from here: the API server shows neither its arguments nor its metrics"


def configuration(key: bytes) -> str:
    """Return an EncryptionConfiguration: Secrets by secretbox; plain ones, which are older, can be read."""
    own = {"secretbox": {"keys": [{"name": "own", "secret": base64.b64encode(key).decode()}]}}
    document = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": [own, {"identity": {}}]}],
    }
    return yaml.safe_dump(document, sort_keys=False)


def ensure(name: str, mark: str) -> Path:
    """Return the folder of the cluster's configuration, with a key of its own; `mark` is its nodes'.

    Nodes of another mark keep theirs: with another key nothing that they hold could be read.
    """
    folder = private.folder(record.home(name) / "encryption" / mark)
    if not (folder / _FILE).exists():
        private.write(folder / _FILE, configuration(secrets.token_bytes(_KEY_BYTES)), durable=True)
    return folder


def mount(folder: Path) -> dict[str, object]:
    """Return what mounts the folder into the control plane's node, in kind's words."""
    return {"hostPath": str(folder), "containerPath": _PLACE, "readOnly": True}


def patch() -> str:
    """Return what kubeadm must be told, in words that kind translates for each of kubeadm's versions."""
    volume = {"name": "encryption", "hostPath": _PLACE, "mountPath": _PLACE, "readOnly": True}
    server = {"extraArgs": {FLAG.removeprefix("--"): f"{_PLACE}/{_FILE}"}, "extraVolumes": [volume]}
    return yaml.safe_dump({"kind": "ClusterConfiguration", "apiServer": server}, sort_keys=False)


def told(kubectl: Kubectl) -> str:
    """Return in a few words whether a cluster encrypts Secrets at rest, as far as it lets that be known.

    Its own API servers' arguments say so; where a provider hides those, the metrics of what they encrypted.
    """
    selector = ("--namespace", "kube-system", "--selector", "component=kube-apiserver")
    arguments = '{range .items[*]}{.spec.containers[*].command}{"\\n"}{end}'
    servers = _asked(kubectl, "get", "pods", *selector, "--output", f"jsonpath={arguments}").splitlines()
    if servers:
        if all(FLAG in server for server in servers):
            return f"the API server is given {FLAG}"
        return f"not encrypted: the API server lacks {FLAG}, and Secrets are in plain text in etcd"
    used = sorted(set(_TRANSFORMED.findall(_asked(kubectl, "get", "--raw", "/metrics"))))
    return f"encrypted, as {', '.join(used)}" if used else _NOT_KNOWN


def _asked(kubectl: Kubectl, *question: str) -> str:
    """Return the answer, empty where the user may not ask."""
    try:
        return kubectl.output(*question, timeout=30)
    except process.CommandError:
        return ""
