"""A person's mistake: a table is dropped under load, and `make restore` takes it back."""

import time

from tools.data import restoring
from tools.drills import copied
from tools.drills.drill import Drill
from tools.drills.journal import Facts
from tools.drills.samples import ORDER
from tools.drills.stage import Stage
from tools.drills.verdict import Promise
from tools.stacks.options import Options
from tools.toolchain.errors import UserError

# When it was dropped stands where the next run finds it. What was committed before the lock was given came
# before that moment, and nothing can be committed between it and the end.
_DROP = r"""
BEGIN;
LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;
CREATE TABLE drill_dropped AS SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC',
    'YYYY-MM-DD HH24:MI:SS.US+00:00') AS at;
SELECT format('ALTER TABLE drill_dropped OWNER TO %I', tableowner)
    FROM pg_tables WHERE tablename = 'orders' \gexec
DROP TABLE orders CASCADE;
COMMIT;
SELECT at FROM drill_dropped;
"""
_LEFT = "SELECT to_regclass('drill_dropped') IS NOT NULL"
_AT = "SELECT at FROM drill_dropped"


class TableDropped(Drill):
    """All orders are gone at once, on every standby too; the log has the moment before."""

    name = "table-dropped"
    what = "the table of orders is dropped, and restored from the log: seconds until an order is taken again"
    promise = Promise(wanted=180)
    stacks = ("dev", "prod")
    measured_by = ORDER
    within = 600

    def lacking(self, stage: Stage) -> UserError | None:
        """Return that the stack could not be restored."""
        return copied.lacking(stage, "this drill deletes every order, and takes them back from the store")

    def aim(self, stage: Stage) -> Facts:
        """Note nothing: when the table was dropped, the database itself says."""
        return {}

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Drop it, and run what `make restore` runs, with consent to what is there now."""
        ((at,),) = stage.sql(_DROP)
        facts["dropped"] = time.time()
        self._take_back(stage, at)
        facts["back"] = time.time()

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether the table is there; whether orders are taken, requests say."""
        return not _left(stage)

    def moments(self, stage: Stage, facts: Facts) -> dict[str, float]:
        """Return when the restore had ended."""
        return {"the table is back": float(facts["back"])}

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Take it back where that was cut off."""
        if _left(stage):
            ((at,),) = stage.sql(_AT)
            self._take_back(stage, at)

    def _take_back(self, stage: Stage, at: str) -> None:
        client = stage.cluster.client.within(stage.namespace)
        options = Options(stack=stage.name, context=None, cluster=stage.cluster.name, port=stage.cluster.port)
        stage.note("restoring the moment before, beside")
        _, now = restoring.beside(client, stage.config(), at, options)
        stage.note("bringing it over")
        lost = ",".join(name for name, rows in now.items() if rows)
        restoring.over(client, stage.config(), lost, stage.name)


def _left(stage: Stage) -> bool:
    return stage.sql(_LEFT) == [["t"]]


DRILLS = (TableDropped,)
