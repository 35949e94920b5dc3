"""Autoscaling by requests: three times the load brings as many pods as the target says, until it ends."""

import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.settings.model.tiers import Backend
from components.settings.model.workload import HTTP_REQUESTS
from components.settings.values import names, quantities
from tools.drills import load, objects
from tools.drills.journal import Facts
from tools.drills.load import Load
from tools.drills.releases import Release
from tools.drills.samples import Sample
from tools.drills.stage import Stage
from tools.drills.verdict import Failures, Promise
from tools.observe.parts import ADAPTER
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError

_API = f"/apis/{ADAPTER.serves}"
# The steady load is one part of three.
_MORE = 2
_LOADED, _SCALED = "three times the load", "the pods that it takes"


class ScaledByLoad(Release):
    """Requests a second at the edge decide the number of backend pods, and nothing else does.

    A pod is to serve as many as the steady load of all tiers has. Of three times that, eight in ten are for
    the API (see the load generator); the drill reads how many the edge counts, and derives the pods from it.
    """

    relief = True
    name = "scaled-by-load"
    what = "three times the load: seconds from its end until the pods that it took are gone"
    promise = Promise(failures=Failures.NONE)
    stacks = ("dev",)
    rate = 100

    def __init__(self) -> None:
        """Begin without any load of its own."""
        self._more: Load | None = None
        self._found: list[Sample] = []

    def lacking(self, stage: Stage) -> UserError | None:
        """Return that nothing serves the metric."""
        try:
            stage.kubectl("get", "--raw", _API)
        except CommandError:
            return UserError(
                "the cluster serves no requests a second to autoscalers",
                "without that metric CPU and memory alone add pods, and this drill is about requests",
                "have it served: make observe",
            )
        return None

    def changes(self, stage: Stage) -> Mapping[str, Any]:
        """Return requests a second as the only target, and no patience when they get fewer."""
        targets = {"requestsPerSecond": math.ceil(stage.rate), "cpuPercent": None, "memoryPercent": None}
        return {"feastflow:backend": {"autoscaling": {**targets, "scaleDownSeconds": 0}}}

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Have pods follow requests, and make more of them."""
        super().inject(stage, facts)
        self._more = _added(stage)
        self._more.__enter__()
        facts[_LOADED] = time.time()

    def relief_due(self, stage: Stage, facts: Facts, seconds: float) -> bool:
        """Return whether there are as many pods as the requests take now, and more than at rest."""
        if self._more is not None:
            self._more.alive()
        wanted = math.ceil(_requests(stage) / math.ceil(stage.rate))
        ready = sum(pod.ready for pod in stage.pods("backend"))
        if wanted <= _least(stage) or ready != wanted:
            return False
        facts["most"] = wanted
        facts[_SCALED] = time.time()
        return True

    def relieve(self, stage: Stage, facts: Facts) -> None:
        """End the load that was added."""
        self._end()

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether pods were added, and none of them is left, nor terminating any more."""
        pods = stage.all("pods", labels="component=backend")
        gone = len(pods) == len(objects.pods(pods)) == _least(stage)
        return "most" in facts and gone and super().restored(stage, facts)

    def moments(self, stage: Stage, facts: Facts) -> dict[str, float]:
        """Return when the load came, and when the pods for it served."""
        named = {_LOADED: _LOADED, _SCALED: f"{facts.get('most')} pods, as many as it takes,"}
        return {words: float(facts[key]) for key, words in named.items() if key in facts}

    def stands(self, stage: Stage, facts: Facts) -> str:
        """Describe what the edge counts, and the pods."""
        try:
            counted = f"{_requests(stage):.0f}"
        except (LookupError, OSError):
            counted = "no"
        return f"{counted} requests/s of the API are known, {len(stage.pods('backend'))} pods are there"

    def samples(self) -> list[Sample]:
        """Return the requests that were added. The runner looks for orders of its own load alone."""
        return [replace(each, number="") for each in self._found]

    def undo(self, stage: Stage, facts: Facts) -> None:
        """End the load that was added, and go back to the settings from before."""
        self._end()
        super().undo(stage, facts)

    def _end(self) -> None:
        if self._more is not None:
            self._found += self._more.stop()
            self._more.__exit__()
            self._more = None


def _added(stage: Stage) -> Load:
    program = load.program(Step("load", "looking for the load generator"))
    return Load(program, url=stage.url, rate=_MORE * stage.rate, run=f"more-{uuid.uuid4().hex[:12]}")


def _least(stage: Stage) -> int:
    configured = (stage.config().get("feastflow:backend") or {}).get("autoscaling") or {}
    return int(configured.get("minReplicas", Backend().autoscaling.min_replicas))


def _requests(stage: Stage) -> float:
    """Return the API's requests a second as its autoscaler is told of them.

    Raises:
        LookupError: where it is told of none.
    """
    told = stage.api.raw(f"{_API}/namespaces/{stage.namespace}/services/{names.BACKEND}/{HTTP_REQUESTS}")
    return float(quantities.parse(str(told["items"][0]["value"])))


DRILLS = (ScaledByLoad,)
