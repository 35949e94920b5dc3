"""Observers away: metrics, logs, traces and alerts end at once, and the site goes on as if nothing had."""

import time

from tools.drills.journal import Facts
from tools.drills.objects import Object
from tools.drills.releases import Release
from tools.drills.stage import Stage
from tools.drills.verdict import Failures, Promise
from tools.observe.part import NAMESPACE, OTLP_ENDPOINT
from tools.toolchain.errors import UserError

_SECONDS = 60.0
_AWAY = "all of it is away"


class ObservabilityGone(Release):
    """Every store, the collector and whatever asks for figures are gone for a minute; senders stay.

    The tiers are told of the collector before, so that there is something which they cannot send. The agents
    of the logs run on, on every node: theirs is a file, and what they cannot deliver they keep.
    """

    name = "observability-gone"
    what = "every store and the collector are away: a minute of it"
    # To end nine pods takes a small machine some seconds, with or without what ran in them.
    promise = Promise(failures=Failures.NONE, p99_at_most=1.1, p99_from=_AWAY)
    stacks = ("dev", "prod")
    # Ten percent of a p99 cannot be told from chance by the thousand requests of ten seconds.
    steady = _SECONDS
    within = 2 * _SECONDS

    def lacking(self, stage: Stage) -> UserError | None:
        """Return that nothing observes the cluster."""
        if any(each["spec"].get("replicas", 1) for each in _parts(stage)):
            return None
        return UserError(
            "nothing observes the cluster",
            "this drill takes away what does, and looks whether the site minds",
            "begin with: make observe",
        )

    def prepare(self, stage: Stage) -> None:
        """Have the tiers send their spans."""
        told = {"feastflow:observability": {"otlpEndpoint": OTLP_ENDPOINT}}
        if stage.changed(told) != stage.config():
            self.begin_with(stage, told)

    def aim(self, stage: Stage) -> Facts:
        """Note what runs, in which number, and the settings to come back to."""
        running = {
            str(each["metadata"]["name"]): int(each["spec"].get("replicas", 1)) for each in _parts(stage)
        }
        return {**super().aim(stage), "running": running}

    def inject(self, stage: Stage, facts: Facts) -> None:
        """End all of it."""
        parts = [f"deployment/{name}" for name in facts["running"]]
        stage.kubectl("--namespace", NAMESPACE, "scale", "--replicas=0", *parts)

    def begun(self, stage: Stage, facts: Facts) -> bool:
        """Return whether all of it is away, and note since when."""
        if stage.all("pods", namespace=NAMESPACE):
            return False
        facts.setdefault(_AWAY, time.time())
        return True

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether a minute is over since then."""
        return self.begun(stage, facts) and time.time() >= float(facts[_AWAY]) + _SECONDS

    def moments(self, stage: Stage, facts: Facts) -> dict[str, float]:
        """Return since when all of it was away."""
        return {_AWAY: float(facts[_AWAY])} if _AWAY in facts else {}

    def stands(self, stage: Stage, facts: Facts) -> str:
        """Describe what did not end."""
        left = [str(pod["metadata"]["name"]) for pod in stage.all("pods", namespace=NAMESPACE)]
        return f"still there: {', '.join(left)}"

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Bring all of it back, and the settings from before."""
        for name, replicas in facts["running"].items():
            stage.kubectl("--namespace", NAMESPACE, "scale", f"--replicas={replicas}", f"deployment/{name}")
        super().undo(stage, facts)


def _parts(stage: Stage) -> list[Object]:
    return stage.all("deployments", namespace=NAMESPACE)


DRILLS = (ObservabilityGone,)
