"""Counters of the edge as a store of metrics tells them, and a clock that goes on with each pause."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tools.telemetry.asking import Source
from tools.telemetry.canary import CANARY, Outcome, Watched
from tools.telemetry.prometheus import Value
from tools.telemetry.watch import Watch

from .edge import Edge, Reply

QUERY = ("metrics", "/api/v1/query")


def value(number: float, side: str = CANARY, **labels: str) -> Value:
    figure = "seconds" if "le" in labels else "requests"
    return Value(labels={"side": side, "figure": figure, **labels}, number=number)


def counters(good: float, bad: float = 0, side: str = CANARY, fast: float = 1.0) -> list[Value]:
    """Return counters of these requests, of which a part was answered within 0.1 s, the rest within 1 s."""
    every = good + bad
    return [
        value(good, side, code="200"),
        *([value(bad, side, code="500")] if bad else []),
        value(every * fast, side, le="0.1"),
        value(every, side, le="1"),
        value(every, side, le="+Inf"),
    ]


def vector(*values: Value) -> Reply:
    """Return a store's answer with these values."""
    result = [{"metric": dict(each.labels), "value": [0, str(each.number)]} for each in values]
    document = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return Reply(body=json.dumps(document).encode())


def times(now: float = 1000, read: float = 1000) -> list[Value]:
    """Return what a store tells with every answer: that it knows the edge, its time, and when it read it."""
    told = {"edge": 700, "now": now, "read": read}
    return [Value(labels={"figure": figure}, number=number) for figure, number in told.items()]


@dataclass
class Counting:
    """A clock that goes on with each pause, and gives the edge its next counters."""

    edge: Edge
    counters: Iterator[list[Value] | None]
    now: float = 0.0
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._next()

    def pause(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds
        self._next()

    def _next(self) -> None:
        values = next(self.counters)
        if values is None:
            self.edge.replies[QUERY] = Reply(status=503)
            return
        self.edge.replies[QUERY] = vector(*times(), *values)

    def watch(self, *watched: Watched) -> list[Outcome]:
        source = Source(url=f"http://metrics.localhost:{self.edge.port}")
        watch = Watch(source=source, watched=watched, clock=lambda: self.now, pause=self.pause)
        watch.begin()
        return watch.run(self.notes.append)


Clock = Callable[[Iterator[list[Value] | None]], Counting]
