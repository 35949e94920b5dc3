"""Releases under load: a good one, three kinds of bad luck, a rotation. Each ends as it began."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from components.settings.model.tiers import Backend
from components.settings.values import names
from components.tiers import OF_APPLICATION
from tools.drills import objects, under_way
from tools.drills.drill import Drill
from tools.drills.journal import Facts
from tools.drills.stage import Stage
from tools.drills.verdict import Failures, Promise
from tools.drills.waiting import until
from tools.stacks.workspace import Config

_ROTATION = "feastflow:rotation"
_STUCK_SECONDS = 20
_P99 = 2.0
# The API as it is, but for its end.
_CRASHES = (
    "import os, threading; "
    "late = threading.Timer(60, os._exit, [1]); late.daemon = True; late.start(); "
    "import runpy; runpy.run_module('feastflow_api', run_name='__main__')"
)
_LOCK = """
SELECT format('ALTER ROLE %I NOLOGIN PASSWORD NULL', rolname) FROM pg_authid
    WHERE rolname ~ '_[ab]$' AND rolcanlogin AND rolname <> ALL (string_to_array(:'kept', ',')) \\gexec
"""
_LOGINS = "SELECT rolname FROM pg_authid WHERE rolname ~ '_[ab]$' AND rolcanlogin"


class Release(Drill):
    """Other settings are deployed, and those from before again at the end."""

    rate = 100
    within: ClassVar[float] = 300
    # The settings that `prepare` has replaced: a drill is aimed once more after it.
    _before: Config | None = None

    def aim(self, stage: Stage) -> Facts:
        """Note the settings to come back to, those from before `prepare`."""
        return {"config": dict(self._before or stage.config())}

    def begin_with(self, stage: Stage, changes: Mapping[str, Any]) -> None:
        """Deploy these in `prepare`, as settings that the drill itself needs."""
        self._before = stage.config()
        stage.deploy(stage.changed(changes))

    def changes(self, stage: Stage) -> Mapping[str, Any]:
        """Return what changes the pod template and nothing else, like a new version of both tiers."""
        return {
            f"feastflow:{tier}": {"env": {"DRILL": datetime.now(UTC).isoformat()}} for tier in OF_APPLICATION
        }

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Deploy them, to the end."""
        stage.deploy(stage.changed(self.changes(stage)))

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether only pods of what was deployed last are left, in full number."""
        return all(objects.rolled_out(each) for each in stage.all("deployments"))

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Deploy the settings from before, where they are not."""
        if stage.config() != facts["config"]:
            stage.deploy(facts["config"], judged=False)


class GoodRelease(Release):
    """A version that works."""

    name = "release-good"
    what = "a good version of both tiers is rolled out: seconds until only it is left"
    promise = Promise(seed="no downtime", failures=Failures.NONE, p99_at_most=_P99)


class _Awaited(Release):
    """`up` runs during the drill, and is cut off."""

    def replacing(self, stage: Stage) -> bool:
        """Return whether pods of two versions are there."""
        return len({pod.template for pod in stage.pods("backend")}) > 1

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Begin it."""
        stage.stack.workspace.put(stage.name, stage.changed(self.changes(stage)))
        under_way.begin(stage)

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Stop waiting for it; then do as after any release."""
        under_way.interrupt()
        super().undo(stage, facts)


class NeverReady(_Awaited):
    """A version whose pods start and never take requests."""

    relief = True
    name = "release-unready"
    what = "a version never gets ready: seconds from `up` interrupted to the old one alone"
    promise = Promise(failures=Failures.NONE)

    def changes(self, stage: Stage) -> Mapping[str, Any]:
        """Ask for readiness where nothing is."""
        return {"feastflow:backend": {"probes": {"readiness": "/api/never"}}}

    def relief_due(self, stage: Stage, facts: Facts, seconds: float) -> bool:
        """Return whether a new pod has been there for a while, and is not ready."""
        if self.replacing(stage):
            facts.setdefault("stuck", seconds)
        return seconds >= float(facts.get("stuck", seconds)) + _STUCK_SECONDS


class CrashesLater(Release):
    """A version that is rolled out as if it were good, and dies a minute after each start."""

    relief = True
    name = "release-crashes"
    what = "a version crashes after a minute: seconds from the first crash, seen, to the old one alone"
    promise = Promise()

    def changes(self, stage: Stage) -> Mapping[str, Any]:
        """Return the same API with a clock in it."""
        return {"feastflow:backend": {"command": ["python3", "-c", _CRASHES]}}

    def relief_due(self, stage: Stage, facts: Facts, seconds: float) -> bool:
        """Return whether one of them has died."""
        return any(pod.restarts for pod in stage.pods("backend"))


class Interrupted(_Awaited):
    """`up` loses its power in the middle and is run again."""

    name = "up-interrupted"
    what = "`up` is killed in the middle of a rollout and run again: seconds of both"
    promise = Promise(failures=Failures.NONE)

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Kill it once pods are being replaced, then run it again to its end."""
        super().inject(stage, facts)
        until(lambda: not under_way.runs() or self.replacing(stage), self.within)
        under_way.lose_power()
        stage.deploy(stage.config())


class Rotation(Release):
    """New password and JWT secret; then, to come back, another rotation to the number from before."""

    name = "rotation"
    what = "the database password and the JWT secret are rotated"
    promise = Promise(failures=Failures.NONE)
    rate = 50

    def aim(self, stage: Stage) -> Facts:
        """Note also who may log in."""
        return {**super().aim(stage), "logins": [row[0] for row in stage.sql(_LOGINS) if row[0]]}

    def changes(self, stage: Stage) -> Mapping[str, Any]:
        """Return one more rotation."""
        return {_ROTATION: int(stage.config().get(_ROTATION, 1)) + 1}

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Go back, and lock the login that the drill opened: a rotation back retires none."""
        super().undo(stage, facts)
        stage.sql(_LOCK, kept=",".join(facts["logins"]))


class Scaled(Release):
    """Two more backend pods, and two fewer again, by the settings; the autoscaler does both."""

    name = "scaled"
    what = "the backend is scaled up by two pods and down again: seconds of both"
    promise = Promise(failures=Failures.NONE)
    rate = 50

    def changes(self, stage: Stage) -> Mapping[str, Any]:
        """Return at least two more than there are, and no five minutes of patience afterwards."""
        (present,) = (each for each in stage.all("deployments") if each["metadata"]["name"] == names.BACKEND)
        replicas = int(present["spec"]["replicas"])
        configured = (stage.config().get("feastflow:backend") or {}).get("autoscaling") or {}
        most = configured.get("maxReplicas", Backend().autoscaling.max_replicas)
        # Another maximum may take another number of connections, and so a restart of the database.
        limits = {
            "minReplicas": replicas + 2,
            "maxReplicas": max(most, replicas + 3),
            "scaleDownSeconds": 0,
        }
        return {"feastflow:backend": {"autoscaling": limits}}

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Scale up, and when all of them serve, down."""
        changes = self.changes(stage)
        limits = changes["feastflow:backend"]["autoscaling"]
        most = facts["most"] = limits["minReplicas"]
        stage.deploy(stage.changed(changes))
        until(lambda: sum(pod.ready for pod in stage.pods("backend")) >= most, self.within)
        limits["minReplicas"] = most - 2
        stage.deploy(stage.changed(changes))

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether fewer pods than at the most are left, and none is terminating any more."""
        pods = stage.all("pods", labels="component=backend")
        staying = len(objects.pods(pods))
        return len(pods) == staying < int(facts["most"]) and super().restored(stage, facts)


DRILLS = (GoodRelease, NeverReady, CrashesLater, Rotation, Scaled, Interrupted)
