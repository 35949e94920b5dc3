"""A namespace that is lost, with the database and its volume: settings and bucket bring it back."""

import re
from functools import partial

from tools.drills import copied
from tools.drills.drill import Drill
from tools.drills.journal import Facts
from tools.drills.samples import ORDER
from tools.drills.stage import Stage
from tools.drills.verdict import Promise
from tools.drills.waiting import until
from tools.stacks import workspace
from tools.store import keys
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

# A file of the log is sent after a minute at the latest, full or not (archive_timeout).
_POINT_SECONDS = 60
_SENT_SECONDS = 90
_DELETE_SECONDS = 180
_NUMBERED = re.compile(r"(.*)-(\d+)")


class NamespaceLost(Drill):
    """Another person deletes the namespace. The stack's file and two commands have it again.

    A restored server is another one, whose log may not be mixed with that of before: the stack is backed up
    to another path from then on. So its file has to be changed, as after any such loss, which no drill does.
    """

    name = "namespace-lost"
    what = (
        "the stack's namespace is deleted, and begun again from its backups: seconds until an order is taken"
    )
    promise = Promise(wanted=360, point=_POINT_SECONDS)
    stacks = ("dev", "prod")
    measured_by = ORDER
    # Something has been sent before the failure that the store did not have when the load began.
    steady = 90
    within = 900
    by_name = True

    def lacking(self, stage: Stage) -> UserError | None:
        """Return that nothing could bring it back."""
        return copied.lacking_here(stage, "this drill deletes the stack, and has it again from the store")

    def prepare(self, stage: Stage) -> None:
        """Refuse a stack whose log is not in the store: what is not there would be lost for good."""
        if not until(partial(copied.sent, stage), _SENT_SECONDS):
            raise UserError(
                f"the log of the stack {stage.name} has not been sent to its backups' destination",
                "this drill deletes the database, and has it again from there",
                f"look why: make backups STACK={stage.name}",
            )

    def aim(self, stage: Stage) -> Facts:
        """Note where it is backed up to, and where it will be."""
        now = str(copied.settings(stage)["destination"])
        return {"from": now, "to": successor(now)}

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Delete the namespace, to its end, and do what its owner has to do."""
        self._delete(stage)
        self._begin_again(stage, facts)

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether all of it is there; whether orders are taken, requests say."""
        return not stage.missing()

    def left(self, stage: Stage, facts: Facts) -> str:
        """Return what must be in the stack's file from now on."""
        return (
            f"the stack was restored from {facts['from']}, and is backed up to {facts['to']} from now on: "
            f"have feastflow:database.backup.destination say so in Pulumi.{stage.name}.yaml before the next "
            "make up"
        )

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Have it again where that was cut off."""
        phase = self._phase(stage)
        if phase == "Terminating":
            self._delete(stage)
        begun = copied.settings(stage).get("destination") == facts["to"]
        if phase != "Active" or (begun and stage.missing()):
            self._begin_again(stage, facts)

    def _delete(self, stage: Stage) -> None:
        stage.kubectl("delete", "namespace", stage.namespace, "--ignore-not-found", timeout=_DELETE_SECONDS)

    def _phase(self, stage: Stage) -> str:
        words = ("--ignore-not-found", "--output", "jsonpath={.status.phase}")
        return stage.kubectl("get", "namespace", stage.namespace, *words).strip()

    def _begin_again(self, stage: Stage, facts: Facts) -> None:
        database = workspace.section(stage.config(), "database")
        backup = {**copied.settings(stage), "destination": facts["to"]}
        restore = {"from": facts["from"], "at": "latest"}
        config = {**stage.config(), "feastflow:database": {**database, "backup": backup, "restore": restore}}
        stage.note("having the state know what is gone")
        stage.stack.refresh(Step("pulumi refresh", f"stack {stage.name}"))
        stage.note("deploying it, its database from the store")
        # The database's pod waits for the store's key, which only a namespace that is there can be given.
        with keys.offered(stage.cluster.client, config):
            stage.deploy(config)


def successor(destination: str) -> str:
    """Return the path that follows: `…/dev`, `…/dev-2`, `…/dev-3`."""
    found = _NUMBERED.fullmatch(destination)
    return f"{found[1]}-{int(found[2]) + 1}" if found else f"{destination}-2"


DRILLS = (NamespaceLost,)
