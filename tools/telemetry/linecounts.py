"""Lines of logs a second, all of them and those of errors, from VictoriaLogs.

https://docs.victoriametrics.com/victorialogs/querying/#querying-log-range-stats
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tools.telemetry import prometheus
from tools.telemetry.asking import Source
from tools.telemetry.prometheus import Point

_PATH = "/select/logsql/stats_query_range"
_MOST_POINTS = 300
_LINES, _ERRORS = "lines", "errors"
# As programs of many languages name the levels of what has gone wrong.
_BAD = 'level:~"(?i)^(error|critical|fatal|panic)$"'


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Lines a second by the moment at which that second begins; nothing where there was no line at all."""

    lines: Sequence[Point]
    errors: Sequence[Point]


def asked(source: Source, filters: str, begins: float, ends: float) -> Counts:
    """Return what the lines that the filters hold were from one moment to another.

    Raises:
        AwayError, RefusedError: as `Source.get`, or because the answer cannot be read.
    """
    # More points than columns of a picture show nothing; one is of whole seconds.
    step = max(1, math.ceil((ends - begins) / _MOST_POINTS))
    query = f"{filters} | stats count() as {_LINES}, count() if ({_BAD}) as {_ERRORS}"
    span = {"start": _moment(begins), "end": _moment(ends), "step": f"{step}s"}
    courses = prometheus.read_courses(source.get(_PATH, {"query": query, **span}).body)
    # What is not of this time was not asked for, and would be a picture's whole width.
    found = {
        course.labels.get("__name__", ""): [
            each for each in course.points if begins - step <= each[0] <= ends
        ]
        for course in courses
    }
    return Counts(
        lines=per_second(found.get(_LINES, ()), step), errors=per_second(found.get(_ERRORS, ()), step)
    )


def per_second(counted: Sequence[Point], step: int) -> list[Point]:
    """Return counts as lines a second, with the zeros between them that the store leaves out."""
    if not counted:
        return []
    known = {round(moment): count for moment, count in counted}
    return [
        (float(moment), known.get(moment, 0.0) / step) for moment in range(min(known), max(known) + 1, step)
    ]


def _moment(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
