"""Nodes simulated by kwok: three in three zones, and the stages of their pods, volumes and databases.

https://kwok.sigs.k8s.io/docs/user/stages-configuration/
"""

import functools
from pathlib import Path

from tools.toolchain import golang, pins

_MODULE = "sigs.k8s.io/kwok"
_OWN = Path(__file__).parent / "stages.yaml"
# kwok's own stages, of the pinned version; none of them delays.
_UPSTREAM = (
    "node/fast/node-initialize.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
    *(f"volume/fast/{name}.yaml" for name in ("pv-bind", "pv-delete", "pvc-provision", "pvc-delete")),
)
_STORAGE_CLASS = "volume/fast/storage-class.yaml"
_ZONES = ("zone-a", "zone-b", "zone-c")
# As large as the nodes that the stacks are sized for; nothing is used of it.
_ROOM = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}


def configuration() -> str:
    """Return the stages, as kwok reads them from a file."""
    return "\n---\n".join(path.read_text(encoding="utf-8") for path in (*map(_upstream, _UPSTREAM), _OWN))


def storage_class() -> str:
    """Return the default StorageClass, whose claims the stages bind."""
    return _upstream(_STORAGE_CLASS).read_text(encoding="utf-8")


def nodes() -> list[dict[str, object]]:
    """Return the nodes, each the only one of its zone as on the local cluster."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"node-{zone[-1]}",
                "labels": {
                    "kubernetes.io/hostname": f"node-{zone[-1]}",
                    "kubernetes.io/os": "linux",
                    "topology.kubernetes.io/zone": zone,
                },
            },
            "status": {"allocatable": _ROOM, "capacity": _ROOM},
        }
        for zone in _ZONES
    ]


def _upstream(name: str) -> Path:
    return _source() / "kustomize" / "stage" / name


@functools.cache
def _source() -> Path:
    return golang.source(pins.KWOK_BUILD.module, _MODULE)
