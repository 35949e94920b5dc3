"""A node fails, its zone with it, or it is emptied in time."""

import datetime as dt

from components.tiers import OF_APPLICATION
from tools.cluster import handle, nodes
from tools.drills import objects
from tools.drills.drill import Drill
from tools.drills.journal import Facts
from tools.drills.stage import EVERYWHERE, Stage
from tools.drills.verdict import ANY, Failures, Promise
from tools.drills.waiting import until
from tools.toolchain.errors import UserError

_BOOT_SECONDS = 180
_MOVE_SECONDS = 120
_NOT_READY = "NotReady"


def switch_on(stage: Stage, node: str) -> None:
    """Start a node that has no power, and wait until the API server knows of its pods' new containers.

    Before, what the cluster says of node and pods is what it last heard: all Ready.
    """
    if handle.is_running(stage.cluster, node):
        return
    since = dt.datetime.now(dt.UTC)
    nodes.start(stage.cluster, node)
    on_it = f"spec.nodeName={node}"
    until(
        lambda: objects.started_since(stage.all("pods", namespace=EVERYWHERE, fields=on_it), since),
        _BOOT_SECONDS,
    )


class _OfAWorker(Drill):
    """Workers alone: the edge and the API server of the local cluster are on its control plane."""

    within = 300

    def aim(self, stage: Stage) -> Facts:
        """Take a worker without the primary, and best one without another stack's only server."""
        home = stage.get("pods", stage.primary())["spec"]["nodeName"]
        servers = stage.all("pods", namespace=EVERYWHERE, labels="app.kubernetes.io/name=postgres")
        others = {server["spec"].get("nodeName") for server in servers}
        workers = [node for node in stage.workers() if node != home]
        if not workers:
            raise UserError(
                "every worker has the database's primary on it",
                "the drill is about a node that has not",
                "see what nodes there are: make status",
            )
        return {"nodes": [min(workers, key=lambda node: node in others)]}

    def prepare(self, stage: Stage) -> None:
        """Have a pod of each tier on it: the loss of an empty node would say nothing."""
        victims = self.aim(stage)["nodes"]
        tiers = [stage.pods(tier) for tier in OF_APPLICATION]
        moved = [pods[0].name for pods in tiers if pods and not any(pod.node in victims for pod in pods)]
        if not moved:
            return
        stage.note(f"moving {', '.join(moved)} to it")
        nodes.cordon(stage.cluster, *(node for node in stage.cluster.nodes() if node not in victims))
        stage.kubectl("delete", "pod", *moved, timeout=_MOVE_SECONDS)
        until(lambda: not stage.missing(), _MOVE_SECONDS)
        nodes.uncordon(stage.cluster, *stage.cluster.nodes())

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether every tier has its full number of pods on the other nodes."""
        pods = objects.pods(stage.all("pods"))
        return objects.elsewhere(pods, stage.all("deployments"), facts["nodes"])

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Let pods on every node."""
        nodes.uncordon(stage.cluster, *stage.cluster.nodes())


class WorkerKilled(_OfAWorker):
    """A worker loses its power."""

    name = "worker-killed"
    what = "a worker's container is killed: every tier in full number on the others"
    promise = Promise(seed="~2 min", wanted=75, over_with=_NOT_READY)

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Cut the power: no process on it gets to say goodbye."""
        for node in facts["nodes"]:
            nodes.stop(stage.cluster, node)

    def moments(self, stage: Stage, facts: Facts) -> dict[str, float]:
        """Return when the control plane gave the nodes up."""
        away = [node for node in stage.all("nodes") if node["metadata"]["name"] in facts["nodes"]]
        given_up = [objects.changed(node, "Ready") for node in away if not objects.condition(node, "Ready")]
        return {_NOT_READY: max(given_up)} if given_up else {}

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Switch it on again."""
        for node in facts["nodes"]:
            switch_on(stage, node)
        super().undo(stage, facts)


class ZoneGone(WorkerKilled):
    """Every node of a zone loses its power; the database keeps its quorum."""

    name = "zone-gone"
    what = "all nodes of a zone are killed: seconds until the last failed request"
    promise = Promise(seed="immediate", wanted=5)
    stacks = ("prod",)
    measured_by = ANY

    def aim(self, stage: Stage) -> Facts:
        """Take all nodes of the zone in which a single failure would find its victim."""
        (worker,) = super().aim(stage)["nodes"]
        zones = objects.zones(stage.all("nodes"))
        gone = sorted(node for node, zone in zones.items() if zone and zone == zones[worker])
        if any(node not in stage.workers() for node in gone):
            raise UserError(
                f"the zone {zones[worker]} holds the control plane too",
                "without the edge and the API server nothing could be measured",
                "label the nodes as tools/cluster/kind.yaml does, a zone each",
            )
        return {"nodes": gone}

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether a standby is left that confirms commits."""
        states = stage.sql("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
        return ["quorum"] in states


class NodeDrained(_OfAWorker):
    """Maintenance that was announced."""

    name = "node-drained"
    what = "a worker is drained"
    promise = Promise(failures=Failures.NONE)
    stacks = ("prod", "dev")

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Drain it, to the end."""
        for node in facts["nodes"]:
            nodes.drain(stage.cluster, node)


DRILLS = (WorkerKilled, ZoneGone, NodeDrained)
