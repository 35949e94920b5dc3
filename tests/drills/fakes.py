"""Fake requests and drills."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.cluster.api import Api
from tools.drills.drill import Drill
from tools.drills.journal import Facts
from tools.drills.samples import Sample
from tools.drills.stage import Stage
from tools.drills.verdict import Failures, Measured, Promise, Row


class _NoApi(Api):
    """An API server that must not be asked."""

    def __init__(self) -> None:
        pass


NO_API = _NoApi()


def sample(due: float, code: int = 200, **changes: Any) -> Sample:
    """Return a request that took 10 ms and was asked once."""
    told = {"kind": "menu", "latency": 0.01, "total": 0.01, "attempts": 1, "first": code, "code": code}
    return Sample(due=due, **{**told, **changes})


def steady(begins: float, ends: float, each: float = 0.1, **changes: Any) -> Iterator[Sample]:
    """Yield requests from one time to another, `each` so many seconds."""
    for number in range(round((ends - begins) / each)):
        yield sample(begins + number * each, **changes)


def run(**changes: Any) -> Measured:
    """Return a run of 3 s in which nothing failed."""
    told = {
        "moment": 1000.0,
        "seconds": 3.0,
        "sent": 100,
        "failed": 0,
        "failed_for_good": 0,
        "acknowledged": 20,
        "lost": [],
        "twice": [],
        "steady_p99": 0.02,
        "p99": 0.03,
        "restored": 1003.0,
    }
    return Measured(**{**told, **changes})


def row(runs: Sequence[Measured], **changes: Any) -> Row:
    """Return the row of these runs, without problems."""
    told = {"drill": "backend-killed", "stack": "dev", "promise": Promise(), "problems": []}
    return Row(runs=list(runs), **{**told, **changes})


@dataclass
class Broken:
    """A fake drill that records its calls, in order; `fails` maps a call to the error that it raises."""

    calls: list[str] = field(default_factory=list)
    fails: dict[str, BaseException] = field(default_factory=dict)
    restored_after: int = 1

    def did(self, what: str) -> None:
        self.calls.append(what)
        if what in self.fails:
            raise self.fails[what]


def drill(broken: Broken, **attributes: Any) -> Drill:
    """Return a drill that only notes what it is asked to do."""

    class Pretended(Drill):
        name = "pretended"
        what = "nothing breaks"
        promise = Promise(failures=Failures.NONE)
        within = 0.3

        def prepare(self, stage: Stage) -> None:
            broken.did("prepare")

        def aim(self, stage: Stage) -> Facts:
            broken.did("aim")
            return {"victim": "pod-1"}

        def inject(self, stage: Stage, facts: Facts) -> None:
            broken.did("inject")

        def restored(self, stage: Stage, facts: Facts) -> bool:
            broken.did("restored")
            return broken.calls.count("restored") >= broken.restored_after

        def stands(self, stage: Stage, facts: Facts) -> str:
            return "as before"

        def undo(self, stage: Stage, facts: Facts) -> None:
            broken.did(f"undo {facts['victim']}")

    found = Pretended()
    for name, value in attributes.items():
        setattr(found, name, value)
    return found
