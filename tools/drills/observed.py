"""Figures of a run that the cluster's observers know, in seconds from its failure. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tools.telemetry import plain
from tools.telemetry.prometheus import Point
from tools.telemetry.traces import Span

SQL = "SQL"
MOST_SPANS = 600
_NAMESPACE = "k8s.namespace.name"
_NAME = 24


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A span: when it began, where, how many seconds it took, whether it failed."""

    at: float
    service: str
    seconds: float
    failed: bool


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The same time in metrics, logs and traces; points are (seconds from the failure, how many a second).

    `requests` and `errors` are those that the edge counted, `lines` and `error_lines` those of the stack's
    logs. `unknown` says of each store that gave no answer why.
    """

    requests: list[Point] = field(default_factory=list)
    errors: list[Point] = field(default_factory=list)
    lines: list[Point] = field(default_factory=list)
    error_lines: list[Point] = field(default_factory=list)
    spans: list[Dot] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def from_failure(points: Iterable[Point], moment: float) -> list[Point]:
    """Return points of seconds since 1970 as ones of seconds from the moment of failure."""
    return [(round(at - moment, 3), round(value, 3)) for at, value in points]


def dots(traces: Iterable[Sequence[Span]], namespace: str, moment: float) -> list[Dot]:
    """Return the spans of traces that touch no other namespace than the stack's, in order, evenly bounded.

    The edge's spans name no namespace: a request that it could not give to any pod may be of any stack. A
    trace at the border of two questions is in both answers, and shown once.
    """
    own = {
        (span.identity, span.service, span.begins): span
        for trace in traces
        if {each.tags.get(_NAMESPACE, namespace) for each in trace} == {namespace}
        for span in trace
        if span.begins
    }
    found = sorted((_dot(span, moment) for span in own.values()), key=lambda each: each.at)
    # Every so-many-th: the first ones alone would show the beginning of the run and nothing else.
    return found[:: max(1, -(-len(found) // MOST_SPANS))]


def _dot(span: Span, moment: float) -> Dot:
    return Dot(
        at=round(span.begins - moment, 3),
        service=SQL if span.of_sql else plain.line(span.service, _NAME),
        seconds=round(span.seconds, 6),
        failed=span.failed,
    )
