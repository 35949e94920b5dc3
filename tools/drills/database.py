"""The database fails: its primary, that one's node, its network, its operator, its disk."""

import contextlib
import time
from functools import partial

from tools.cluster import nodes
from tools.drills import disk, pathcut
from tools.drills.drill import Drill, kill_if_there
from tools.drills.journal import Facts
from tools.drills.nodes import switch_on
from tools.drills.samples import ORDER
from tools.drills.stage import Stage
from tools.drills.verdict import Promise
from tools.drills.waiting import until
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError

_OPERATOR, _OPERATORS = "deployment/cnpg-controller-manager", "cnpg-system"
_MOVES = 4
_HEALTHY_SECONDS = 300
_GONE_SECONDS = 60


class _OfThePrimary(Drill):
    """The instance that takes writes is the victim; measured is how long orders were not taken."""

    stacks = ("prod",)
    measured_by = ORDER

    def aim(self, stage: Stage) -> Facts:
        """Note which it is, and where."""
        primary = stage.primary()
        return {"primary": primary, "node": stage.get("pods", primary)["spec"]["nodeName"]}

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether another instance leads."""
        return stage.primary() != str(facts["primary"])


class PrimaryKilled(_OfThePrimary):
    """The primary's pod is deleted by force, and its processes are killed."""

    name = "primary-killed"
    what = "the database's primary is killed: seconds without an order"
    promise = Promise(wanted=10)

    def aim(self, stage: Stage) -> Facts:
        """Note also its container."""
        facts = super().aim(stage)
        pod = stage.pod(str(facts["primary"]))
        return {**facts, "container": pod.container if pod else ""}

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Delete it without a grace period: a kubelet would leave it 2 s even so."""
        stage.kubectl("delete", "pod", facts["primary"], "--force", "--grace-period", "0", "--wait=false")
        kill_if_there(stage, facts["node"], facts["container"], "SIGKILL")


class PrimaryNodeStopped(_OfThePrimary):
    """The node of the primary loses its power."""

    name = "primary-node"
    what = "the node of the database's primary is killed: seconds without an order"
    promise = Promise(seed="~2 min", wanted=75)
    within = 300

    def prepare(self, stage: Stage) -> None:
        """Have the primary on a worker: the control plane has the edge."""
        for _ in range(_MOVES):
            primary = stage.primary()
            if stage.get("pods", primary)["spec"]["nodeName"] in stage.workers():
                return
            stage.note(f"{primary} is on the control plane: letting another one lead")
            stage.kubectl("delete", "pod", primary, "--force", "--grace-period", "0")
            until(partial(self._moved, stage, primary), _HEALTHY_SECONDS)
        raise UserError(
            "the database's primary stays on the control plane",
            "that node has the edge, so the drill would measure its loss and nothing else",
            f"see where the instances are: make status STACK={stage.name}",
        )

    def _moved(self, stage: Stage, former: str) -> bool:
        return stage.primary() != former and not stage.missing()

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Cut its power."""
        nodes.stop(stage.cluster, facts["node"])

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Switch it on again."""
        switch_on(stage, facts["node"])


class PrimaryNodeDrained(PrimaryNodeStopped):
    """Maintenance of the primary's node, announced: another instance leads before the node is empty."""

    name = "primary-drained"
    what = "the node of the database's primary is drained: seconds without an order"
    promise = Promise(wanted=30)

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Drain it, to the end."""
        nodes.drain(stage.cluster, facts["node"])

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Let pods on every node."""
        nodes.uncordon(stage.cluster, *stage.cluster.nodes())


class ConnectionCut(_OfThePrimary):
    """The primary runs, and no packet reaches or leaves it."""

    name = "connection-cut"
    what = "the primary's pod loses its network: seconds without an order"
    promise = Promise(wanted=60)
    within = 240

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Drop all its packets."""
        pathcut.cut(stage, facts["node"], facts["primary"], pathcut.EVERYTHING)

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Let them through."""
        pathcut.repair(stage, facts["node"], facts["primary"], pathcut.EVERYTHING)


class PrimaryAndVolumeLost(PrimaryKilled):
    """The primary's pod and its volume are gone for good: another instance leads, and one more is copied."""

    name = "primary-and-volume-lost"
    what = "the primary is killed and its volume deleted: seconds without an order"

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Delete the claim first: it goes with the pod that uses it, and no pod comes back to it."""
        stage.kubectl("delete", "persistentvolumeclaim", facts["primary"], "--wait=false")
        super().inject(stage, facts)


class OperatorAway(PrimaryKilled):
    """The primary fails while no operator is there to let another one lead."""

    name = "operator-away"
    what = "the primary is killed while its operator is away: seconds from its return to an order"
    promise = Promise(wanted=30)
    relief = True
    hold = 20

    def aim(self, stage: Stage) -> Facts:
        """Note also how many operators there are."""
        template = "jsonpath={.spec.replicas}"
        replicas = stage.kubectl("--namespace", _OPERATORS, "get", _OPERATOR, "--output", template)
        return {**super().aim(stage), "replicas": replicas.strip()}

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Scale the operator to zero first."""
        self._scale(stage, "0")
        until(lambda: not stage.all("pods", namespace=_OPERATORS), _GONE_SECONDS)
        super().inject(stage, facts)
        facts["killed"] = time.monotonic()

    def relief_due(self, stage: Stage, facts: Facts, seconds: float) -> bool:
        """Return whether the operator was away for long enough after the primary was killed."""
        return time.monotonic() - float(facts["killed"]) >= self.hold

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Bring the operator back."""
        self._scale(stage, facts["replicas"])

    def _scale(self, stage: Stage, replicas: str) -> None:
        stage.kubectl("--namespace", _OPERATORS, "scale", _OPERATOR, f"--replicas={replicas}")


class DiskFull(Drill):
    """The volume has no room left; then it has again."""

    name = "disk-full"
    what = "the database's disk is full for 15 s: seconds from there being room to an order"
    promise = Promise(wanted=60)
    stacks = ("dev",)
    measured_by = ORDER
    relief = True
    hold = 15
    within = 240
    # Mebibytes of room on the small disk: a few files of the log.
    spare = 64

    def prepare(self, stage: Stage) -> None:
        """Put the data on a small disk: the local cluster's volumes are as large as the machine's."""
        stage.note("putting the data on a small disk")
        disk.shrink(stage, self.aim(stage), self.spare)

    def aim(self, stage: Stage) -> Facts:
        """Note where the volume is on its node."""
        return disk.place(stage)

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Fill it to the last byte."""
        disk.fill(stage, facts)

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether PostgreSQL takes writes; otherwise the measured orders would not come."""
        with contextlib.suppress(CommandError):
            return stage.sql("SELECT pg_is_in_recovery()") == [["f"]]
        return False

    def relieve(self, stage: Stage, facts: Facts) -> None:
        """Make room again, on the same disk."""
        disk.clear(stage, facts)

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Put the data back on its own disk."""
        disk.restore(stage, facts)


DRILLS = (
    PrimaryKilled,
    PrimaryNodeStopped,
    PrimaryNodeDrained,
    PrimaryAndVolumeLost,
    ConnectionCut,
    OperatorAway,
    DiskFull,
)
