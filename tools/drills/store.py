"""The store of backups is away, for long or for too long; or a copy of the whole database is sent to it."""

import contextlib
import datetime as dt
import json
import time

from components.settings.values import names
from tools.drills import copied, disk
from tools.drills.database import DiskFull
from tools.drills.drill import Drill
from tools.drills.journal import Facts
from tools.drills.releases import Release
from tools.drills.stage import Stage
from tools.drills.verdict import Failures, Promise
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError

_NAMED = "%Y%m%d%H%M%S"
# What half an hour leaves, since a file is finished after a minute at the latest.
_KEPT_FILES = 30
# No further file of 16 MiB has room.
_FULL_MEBIBYTES = 16
_MEMORY = {"feastflow:database": {"resources": {"limits": {"memory": "1Gi"}}}}
_TAKEN_AWAY = "this drill takes the store away, and looks what becomes of the log"


class _StoreAway(Drill):
    """The local cluster's store is taken away."""

    def lacking(self, stage: Stage) -> UserError | None:
        """Return that there is no store that could be taken away."""
        return copied.lacking_here(stage, _TAKEN_AWAY)

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Take the store away."""
        copied.take_away(stage)


class BucketAway(_StoreAway):
    """The log of half an hour stays on the volume, and is sent when the store is back; no request fails."""

    name = "bucket-away"
    what = "the store is away for 30 files of the log: seconds from its return until all are sent"
    promise = Promise(wanted=180, failures=Failures.NONE)
    relief = True
    hold = 30
    within = 400

    def aim(self, stage: Stage) -> Facts:
        """Note nothing: there is one store."""
        return {}

    def relief_due(self, stage: Stage, facts: Facts, seconds: float) -> bool:
        """Have one more file wait; return whether they are as many as half an hour leaves."""
        if "kept" not in facts and copied.switched(stage) >= _KEPT_FILES:
            facts["kept"] = time.time()
        return "kept" in facts and seconds >= self.hold

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether every file has been sent."""
        return copied.sent(stage)

    def moments(self, stage: Stage, facts: Facts) -> dict[str, float]:
        """Return when so many files waited."""
        return {f"{_KEPT_FILES} files wait": float(facts["kept"])} if "kept" in facts else {}

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Bring the store back."""
        copied.bring_back(stage)


class LogFull(_StoreAway, DiskFull, Release):
    """The store is away until what waits for it has filled the disk. It comes back, and that is all.

    What would send the log is the server, and that has no room to start: its pod sends it before.
    """

    name = "log-full"
    what = "the store is away until the log fills the disk: seconds from its return to an order"
    promise = Promise(wanted=180)
    rate = 50
    within = 600
    # More than PostgreSQL's own share of the log (max_wal_size): what fills it is what waits.
    spare = 512

    def prepare(self, stage: Stage) -> None:
        """Give the server memory for what is on the small disk, which is memory, too; then have it there."""
        self.begin_with(stage, _MEMORY)
        super().prepare(stage)

    def aim(self, stage: Stage) -> Facts:
        """Note also the settings to come back to."""
        return {**DiskFull.aim(self, stage), **Release.aim(self, stage)}

    def relief_due(self, stage: Stage, facts: Facts, seconds: float) -> bool:
        """Have one more file wait; return whether there has been no room for another one for a while."""
        if disk.room(stage, facts) < _FULL_MEBIBYTES:
            facts.setdefault("full", time.time())
        else:
            # Until it has noticed, the server may be between two starts.
            with contextlib.suppress(CommandError):
                copied.switched(stage)
        return "full" in facts and time.time() - float(facts["full"]) >= self.hold

    def relieve(self, stage: Stage, facts: Facts) -> None:
        """Bring the store back. The disk stays as small and as full as it is."""
        copied.bring_back(stage)

    def moments(self, stage: Stage, facts: Facts) -> dict[str, float]:
        """Return when the disk was full."""
        return {"the disk is full": float(facts["full"])} if "full" in facts else {}

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Bring the store back, put the data on its own disk, and go back to the settings from before."""
        copied.bring_back(stage)
        DiskFull.undo(self, stage, facts)
        Release.undo(self, stage, facts)


class BackedUp(Drill):
    """Nothing fails: a copy of the whole database is made. Customers may notice a little of it."""

    name = "backed-up"
    what = "nothing: a copy of the whole database is sent to the store: seconds until it is there"
    promise = Promise(failures=Failures.NONE, p99_at_most=1.5)
    # A p99 of ten seconds' five hundred requests is that of five.
    steady = 60
    within = 900

    def lacking(self, stage: Stage) -> UserError | None:
        """Return that copies are not set."""
        return copied.lacking(stage, "this drill has a copy made, and looks what that costs")

    def aim(self, stage: Stage) -> Facts:
        """Name the copy's Job or Backup."""
        kind = "backups.postgresql.cnpg.io" if stage.replicated else "job"
        return {"kind": kind, "name": f"{names.BACKUPS}-{dt.datetime.now(tz=dt.UTC):{_NAMED}}"}

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Have it made now, as the clock has it made."""
        if stage.replicated:
            stage.kubectl("create", "--filename", "-", stdin=json.dumps(_backup(facts["name"])))
        else:
            stage.kubectl("create", "job", facts["name"], f"--from=cronjob/{names.BACKUPS}")

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether it is whole."""
        ended = "{.status.phase}{.status.conditions[?(@.status=='True')].type}"
        said = stage.kubectl("get", facts["kind"], facts["name"], "--output", f"jsonpath={ended}")
        return "completed" in said or "Complete" in said

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Delete the Job. The copy stays, and goes when it is as old as others that go."""
        if facts["kind"] == "job":
            stage.kubectl("delete", "job", facts["name"], "--ignore-not-found")


def _backup(name: str) -> dict[str, object]:
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Backup",
        "metadata": {"name": name},
        "spec": {
            "cluster": {"name": names.DATABASE},
            "method": "barmanObjectStore",
            "target": "prefer-standby",
        },
    }


DRILLS = (BucketAway, LogFull, BackedUp)
