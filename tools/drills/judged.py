"""A canary that is judged under load: it passes its probes, fails 5 % of its requests, and loses them all."""

from collections.abc import Mapping
from typing import Any

from tools.drills.journal import Facts
from tools.drills.releases import Release
from tools.drills.stage import Stage
from tools.drills.verdict import ANY, Promise
from tools.telemetry import canary, judging
from tools.telemetry.asking import AwayError, RefusedError, Source
from tools.telemetry.canary import UnjudgedError, WorseError
from tools.telemetry.judging import Judging
from tools.telemetry.stores import Stores
from tools.toolchain.errors import UserError

# The API as it is, but for every twentieth look at the menu or order.
FAILS = """
import itertools, runpy
from feastflow_api import server
whole, number = server.create_app, itertools.count(1)
def create_app(*given, **named):
    app = whole(*given, **named)
    async def failing(scope, receive, send):
        if scope.get("path") in ("/api/menu", "/api/orders") and next(number) % 20 == 0:
            await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)
    return failing
server.create_app = create_app
runpy.run_module("feastflow_api", run_name="__main__")
"""
# The listener's port is that of the local Traefik's own entry point.
_GATEWAY: Mapping[str, Any] = {
    "feastflow:edge": {"mode": "gateway", "listenerPort": 8000},
    "policies:levels": {"gateway-tls": {"level": "disabled", "reason": "a drill on loopback"}},
}
_WEIGHT = 25
# Latencies are not what is drilled, and a machine that does all of it at once is slow.
_LIMITS: Mapping[str, Any] = {"maxErrorPercent": 1, "maxLatencyMs": 10_000, "seconds": 60}
_WANTED_SECONDS = 90


class CanaryJudged(Release):
    """As `make up` does it: deployed with its weight, watched, and left without requests."""

    name = "canary-judged"
    what = "a canary fails 5 % of its requests and no probe: seconds from its first ones to its last failure"
    promise = Promise(wanted=_WANTED_SECONDS)
    # Without TLS alone is the edge changed so easily.
    stacks = ("dev",)
    relief = True
    measured_by = ANY

    def lacking(self, stage: Stage) -> UserError | None:
        """Return that nothing measures the edge."""
        try:
            canary.known(_store(stage))
        except (AwayError, RefusedError, UnjudgedError) as problem:
            return UserError(
                f"the store of metrics has no figures of the edge: {problem}",
                "a canary is judged by them",
                "begin with make observe, or leave this drill out: make drill DRILL=release-good",
            )
        return None

    def prepare(self, stage: Stage) -> None:
        """Have a Gateway, which divides by weight."""
        self.begin_with(stage, _GATEWAY)

    def changes(self, stage: Stage) -> Mapping[str, Any]:
        """Return the canary, behind the Gateway."""
        version = {"command": ["python3", "-c", FAILS], "weight": _WEIGHT, "judge": dict(_LIMITS)}
        return {**_GATEWAY, "feastflow:backend": {"release": {"strategy": "canary", "canary": version}}}

    def relieve(self, stage: Stage, facts: Facts) -> None:
        """Judge it, and take its requests back.

        Raises:
            UserError: when it was not found worse, or could not be judged.
        """
        config = stage.config()
        found = Judging(source=_store(stage), watched=judging.canaries(config))
        try:
            said = judging.watch(found, stage.note, "")
        except WorseError as worse:
            facts["said"] = str(worse)
            stage.note(str(worse))
            stage.deploy(judging.without_requests(config, found), judged=False)
            return
        except UnjudgedError as problem:
            said = str(problem)
        raise UserError(
            f"the canary was not found worse than its limits: {said}",
            f"every twentieth of its requests failed, and {_LIMITS['maxErrorPercent']} % may",
            "look at the figures of its Service in the store of metrics: docs/observability.md",
        )

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether it was found worse, and all pods are there: they stay."""
        return "said" in facts and super().restored(stage, facts)


def _store(stage: Stage) -> Source:
    return Stores(port=stage.cluster.port).metrics(judging.SECONDS)


DRILLS = (CanaryJudged,)
