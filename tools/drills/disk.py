"""The single server's data on a disk that can be filled without filling the machine's.

The disk is a tmpfs over the volume's folder, a little larger than the data. What lay there before stays below
it until the data is copied back, so a node that loses its power meanwhile has the state before the drill.
"""

from collections.abc import Mapping
from typing import Any

from tools.drills.journal import Facts
from tools.drills.stage import Stage
from tools.drills.waiting import until
from tools.toolchain.errors import UserError

_SERVER, _CLAIM = "statefulset/postgres", "postgres-data"
_STOP_SECONDS = 120

_SHRINK = """
set -eu
mountpoint -q "$1" && exit 0
new=$(mktemp -d)
mount -t tmpfs -o "size=$(( $(du -sm "$1" | cut -f1) + $2 ))m" feastflow-drill "$new"
cp -a "$1/." "$new/"
chown --reference="$1" "$new"
chmod --reference="$1" "$new"
mount --bind "$new" "$1"
umount "$new"
rmdir "$new"
"""
_FILL = 'dd if=/dev/zero of="$1/feastflow-drill" bs=64k 2>/dev/null || true'
_CLEAR = 'rm -f "$1/feastflow-drill"'
# `.whole` says that the copy is: cut off afterwards, the next run goes on from there.
_RESTORE = """
set -eu
rm -f "$1/feastflow-drill"
if mountpoint -q "$1"; then
    below=$(mktemp -d)
    mount --bind "$(dirname "$1")" "$below"
    copy="$below/$(basename "$1").drill"
    rm -rf "$copy" "$copy.whole"
    cp -a "$1" "$copy"
    sync
    touch "$copy.whole"
    umount "$below"
    rmdir "$below"
    umount "$1"
fi
if [ -e "$1.drill.whole" ]; then
    if [ -e "$1.drill" ]; then
        rm -rf "$1"
        mv "$1.drill" "$1"
    fi
    rm -f "$1.drill.whole"
fi
"""


def place(stage: Stage) -> Facts:
    """Return the volume's folder and its node.

    Raises:
        UserError: when the volume is no folder of a node, as the local cluster's are.
    """
    volume = stage.get("persistentvolumeclaims", _CLAIM)["spec"]["volumeName"]
    source = stage.get("persistentvolumes", volume)["spec"]
    path = (source.get("hostPath") or source.get("local") or {}).get("path")
    if not path:
        raise UserError(
            f"the volume {volume} is no folder of a node",
            "only such a one can be put on a small disk and back",
            "leave this drill out: make drill DRILL=…",
        )
    return {"path": path, "node": _node(source)}


def shrink(stage: Stage, facts: Facts, spare: int) -> None:
    """Put the data on a small disk with `spare` MiB of room; its server is stopped meanwhile."""
    _stop(stage)
    _on(stage, facts, _SHRINK, str(spare))
    _start(stage)


def room(stage: Stage, facts: Facts) -> int:
    """Return how many MiB are left on it."""
    said = stage.on_node(facts["node"], "df", "--block-size=1M", "--output=avail", facts["path"])
    return int(said.split()[-1])


def fill(stage: Stage, facts: Facts) -> None:
    """Leave not a byte."""
    _on(stage, facts, _FILL)


def clear(stage: Stage, facts: Facts) -> None:
    """Give the room back."""
    _on(stage, facts, _CLEAR)


def restore(stage: Stage, facts: Facts) -> None:
    """Put the data back on its own disk; nothing where it is there."""
    small = stage.cluster.engine.has("exec", facts["node"], "mountpoint", "-q", facts["path"])
    half = stage.cluster.engine.has("exec", facts["node"], "test", "-e", f"{facts['path']}.drill.whole")
    if small or half:
        _stop(stage)
        _on(stage, facts, _RESTORE)
    _start(stage)


def _node(volume: Mapping[str, Any]) -> str:
    """Return the node that the volume's affinity names: where its folder is."""
    (term, *_) = volume["nodeAffinity"]["required"]["nodeSelectorTerms"]
    (expression, *_) = term["matchExpressions"]
    return str(expression["values"][0])


def _on(stage: Stage, facts: Facts, script: str, *more: str) -> None:
    stage.on_node(facts["node"], "sh", "-c", script, "sh", facts["path"], *more, timeout=300)


def _stop(stage: Stage) -> None:
    stage.kubectl("scale", _SERVER, "--replicas=0")
    if not until(lambda: not stage.all("pods", fields="metadata.name=postgres-0"), _STOP_SECONDS):
        raise UserError(
            f"PostgreSQL has not stopped within {_STOP_SECONDS} s",
            "its files cannot be put on another disk while it writes to them",
            "look why, and run the drill again, which goes on from here: make status",
        )


def _start(stage: Stage) -> None:
    stage.kubectl("scale", _SERVER, "--replicas=1")
