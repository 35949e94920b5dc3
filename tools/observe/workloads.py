"""Workloads of the parts: a hardened pod, its files and folders, and the Service in front of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from components.settings.model.scraped import Scraped
from tools.observe import part as parts
from tools.observe.part import CERTIFICATE, COPIES, FILES, Manifest, Part, Size
from tools.toolchain import cache

_CONFIGURATION = Path(__file__).parent / "configuration"
_USER = 65532
# The node's log files are the group root's to read.
_OF_LOG_FILES = 0
_LOG_FOLDERS = ("/var/log/containers", "/var/log/pods")
_PERIOD_SECONDS = 5
# The node of the edge: drills cut the power of others, and that is to be observed.
_NODE = {"ingress-ready": "true"}
_COMPANION_SIZE = Size(cpu=("5m", "100m"), memory=("12Mi", "32Mi"))
# In MiB: what a companion copies, and what a container logs until the kubelet rotates that.
_COPIES_ROOM, _LOGS_ROOM = 16, 64


def of(part: Part, images: Mapping[str, str], arguments: Sequence[str] = ()) -> list[Manifest]:
    """Return what runs the part; `images` are references by program, `arguments` are added to its own."""
    found = [_service(part)]
    if part.files:
        found.append(_config_map(part))
    if part.rights:
        found.append(_named(part, "v1", "ServiceAccount", automountServiceAccountToken=False))
    return [*found, _workload(part, images, arguments)]


def _named(part: Part, version: str, kind: str, **rest: object) -> Manifest:
    metadata = {"name": part.name, "namespace": part.namespace}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def _service(part: Part) -> Manifest:
    ports = [
        {"name": name, "port": number, "targetPort": name, "protocol": "TCP"}
        for name, number in part.ports.items()
    ]
    return _named(part, "v1", "Service", spec={"selector": part.selector, "ports": ports})


def _config_map(part: Part) -> Manifest:
    return _named(part, "v1", "ConfigMap", data=_files(part))


def _files(part: Part) -> dict[str, str]:
    return {name: (_CONFIGURATION / name).read_text(encoding="utf-8") for name in part.files}


def _workload(part: Part, images: Mapping[str, str], arguments: Sequence[str]) -> Manifest:
    template = {"metadata": _pod_metadata(part), "spec": _pod(part, images, arguments)}
    spec: Manifest = {"selector": {"matchLabels": part.selector}, "revisionHistoryLimit": 1}
    if part.every_node:
        return _named(part, "apps/v1", "DaemonSet", spec={**spec, "template": template})
    # Two of one store could not share its folder, and nothing waits for either.
    spec |= {"replicas": 1, "strategy": {"type": "Recreate"}}
    return _named(part, "apps/v1", "Deployment", spec={**spec, "template": template})


def _pod_metadata(part: Part) -> Manifest:
    annotations = {}
    if part.files:
        # A program that has read its files reads them again when its pod is another one.
        annotations["feastflow.dev/files"] = cache.key(repr(sorted(_files(part).items())))
    if part.metrics:
        name, number = part.port
        annotations |= Scraped(port=number, port_name=name, path=part.metrics).annotations
    return {"labels": part.selector, **({"annotations": annotations} if annotations else {})}


def _pod(part: Part, images: Mapping[str, str], arguments: Sequence[str]) -> Manifest:
    spec: Manifest = {
        "automountServiceAccountToken": bool(part.rights),
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 15,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _OF_LOG_FILES if part.every_node else _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(part, images[part.program], arguments)],
        "volumes": _volumes(part),
    }
    if part.rights:
        spec["serviceAccountName"] = part.name
    if part.companion:
        spec["containers"].append(_companion(part, images[parts.COMPANION]))
    if part.every_node:
        spec["tolerations"] = [{"operator": "Exists", "effect": "NoSchedule"}]
    else:
        spec["nodeSelector"] = _NODE
    return spec


def _container(part: Part, image: str, arguments: Sequence[str]) -> Manifest:
    mounts: list[Manifest] = [
        {"name": _volume(path), "mountPath": path} for path in [*part.stores, *_copies(part)]
    ]
    mounts += [{"name": "files", "mountPath": FILES, "readOnly": True}] if part.files else []
    mounts += [{"name": "certificate", "mountPath": CERTIFICATE, "readOnly": True}] if part.serves else []
    if part.every_node:
        mounts += [{"name": _volume(path), "mountPath": path, "readOnly": True} for path in _LOG_FOLDERS]
    scheme = {"scheme": "HTTPS"} if part.serves else {}
    ask = {"httpGet": {"path": part.health, "port": part.port[0], **scheme}, "timeoutSeconds": 3}
    return {
        "name": part.name,
        "image": image,
        "args": [*part.args, *arguments],
        "ports": [{"name": name, "containerPort": number} for name, number in part.ports.items()],
        "startupProbe": {**ask, "periodSeconds": 1, "failureThreshold": part.slow_start_seconds},
        "readinessProbe": {**ask, "periodSeconds": _PERIOD_SECONDS},
        "livenessProbe": {**ask, "periodSeconds": 2 * _PERIOD_SECONDS, "failureThreshold": 6},
        **_hardened(part.size, sum(part.stores.values())),
        "volumeMounts": mounts,
    }


def _companion(part: Part, image: str) -> Manifest:
    ask = {"httpGet": {"path": "/health", "port": "companion"}, "timeoutSeconds": 3}
    return {
        "name": parts.COMPANION,
        "image": image,
        "args": [*part.companion, f"-listen=:{parts.COMPANION_PORT}"],
        "ports": [{"name": "companion", "containerPort": parts.COMPANION_PORT}],
        "startupProbe": {**ask, "periodSeconds": 1, "failureThreshold": part.slow_start_seconds},
        "readinessProbe": {**ask, "periodSeconds": _PERIOD_SECONDS},
        **_hardened(_COMPANION_SIZE, _COPIES_ROOM),
        "volumeMounts": [{"name": _volume(COPIES), "mountPath": COPIES}],
    }


def _hardened(size: Size, room: int) -> Manifest:
    return {
        "imagePullPolicy": "IfNotPresent",
        "resources": {
            "requests": {"cpu": size.cpu[0], "memory": size.memory[0], "ephemeral-storage": "16Mi"},
            "limits": {
                "cpu": size.cpu[1],
                "memory": size.memory[1],
                "ephemeral-storage": f"{room + _LOGS_ROOM}Mi",
            },
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _volumes(part: Part) -> list[Manifest]:
    found: list[Manifest] = [
        {"name": _volume(path), "emptyDir": {"sizeLimit": f"{size}Mi"}}
        for path, size in {**part.stores, **dict.fromkeys(_copies(part), _COPIES_ROOM)}.items()
    ]
    if part.files:
        found.append({"name": "files", "configMap": {"name": part.name}})
    if part.serves:
        # Read as the group alone: the process is no owner of it.
        found.append({"name": "certificate", "secret": {"secretName": part.name, "defaultMode": 0o440}})
    if part.every_node:
        found += [
            {"name": _volume(path), "hostPath": {"path": path, "type": "Directory"}} for path in _LOG_FOLDERS
        ]
    return found


def _copies(part: Part) -> tuple[str, ...]:
    return (COPIES,) if part.companion else ()


def _volume(path: str) -> str:
    return path.strip("/").replace("/", "-")
