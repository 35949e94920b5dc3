"""Events of nodes: a power failure, its end, and maintenance announced in time."""

import time

from tools.cluster import handle
from tools.cluster.handle import Cluster
from tools.toolchain import process
from tools.toolchain.errors import UserError

_BOOT_SECONDS = 60
_PAUSE_SECONDS = 0.5


def stop(cluster: Cluster, node: str) -> None:
    """Cut the node's power: no process on it gets to say goodbye."""
    cluster.engine.run("kill", _container(cluster, node))


def start(cluster: Cluster, node: str) -> None:
    """Switch a stopped node on again, and wait for its kubelet; its pods start by themselves."""
    name = _container(cluster, node)
    if not handle.switch_on(cluster, name) or not _boots(cluster, name):
        raise UserError(
            f"{name} does not start",
            "the cluster goes on without it",
            f"see why: {cluster.engine.command} logs {name}; or recreate the cluster: make down up",
        )


def _boots(cluster: Cluster, name: str) -> bool:
    """Return whether the started node comes to run its kubelet; one whose init gives up is off again."""
    ended = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < ended:
        if cluster.engine.has("exec", name, "systemctl", "is-active", "--quiet", "kubelet"):
            return True
        if not handle.is_running(cluster, name):
            return False
        time.sleep(_PAUSE_SECONDS)
    return False


def drain(cluster: Cluster, node: str) -> None:
    """Keep new pods off the node and move the present ones away, as far as disruption budgets allow."""
    name = _container(cluster, node)
    try:
        cluster.client.output(
            "drain", name, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s", timeout=200
        )
    except process.CommandError as failure:
        raise UserError(
            f"{name} cannot be drained: {failure.tail}",
            "a PodDisruptionBudget holds a pod there until another one can take over",
            f"let new pods back on it: python -m tools.cluster uncordon {node}",
        ) from failure


def cordon(cluster: Cluster, *nodes: str) -> None:
    """Keep new pods off the nodes; the present ones stay."""
    cluster.client.output("cordon", *(_container(cluster, node) for node in nodes))


def uncordon(cluster: Cluster, *nodes: str) -> None:
    """Let pods back on nodes that were drained or cordoned."""
    cluster.client.output("uncordon", *(_container(cluster, node) for node in nodes))


def _container(cluster: Cluster, node: str) -> str:
    """Return the node's full name, also from its last part: `worker2` for `feastflow-worker2`."""
    names = cluster.nodes()
    for name in names:
        if node in (name, name.removeprefix(f"{cluster.name}-")):
            return name
    ends = ", ".join(name.removeprefix(f"{cluster.name}-") for name in names)
    raise UserError(
        f"there is no node {node}",
        f"the cluster {cluster.name} has {', '.join(names) or 'none'}",
        f"name one of them, in full or by its end: {ends}"
        if names
        else "make them: python -m tools.cluster up",
    )
