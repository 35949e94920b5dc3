"""Queries by Prometheus' API, which VictoriaMetrics has too: what is now, and what was over a time.

https://prometheus.io/docs/prometheus/latest/querying/api/#expression-queries
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.telemetry.asking import AwayError, Source

_PATH = "/api/v1/query"
_RANGE = "/api/v1/query_range"

# Seconds since 1970, and the value then.
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Value:
    """A series' labels and its value, which may be infinite or no number."""

    labels: Mapping[str, str]
    number: float


@dataclass(frozen=True, kw_only=True)
class Course:
    """A series' labels and its values over a time, in the order of their moments; all are finite."""

    labels: Mapping[str, str]
    points: Sequence[Point]


def ask(source: Source, query: str) -> list[Value]:
    """Return the series that the query gives now.

    Raises:
        AwayError: when the store gives no answer that can be read.
        RefusedError: when it does not take the query.
    """
    # Else VictoriaMetrics answers what it knew up to some seconds ago.
    answer = source.get(_PATH, {"query": query, "nocache": "1"})
    return read(answer.body)


def over(source: Source, query: str, *, begins: float, ends: float, step: int) -> list[Course]:
    """Return the series that the query gives from one moment to another, each `step` seconds.

    Raises:
        AwayError, RefusedError: as `ask`.
    """
    span = {"start": f"{begins:.3f}", "end": f"{ends:.3f}", "step": f"{step}s"}
    return read_courses(source.get(_RANGE, {"query": query, **span, "nocache": "1"}).body)


def read(body: bytes) -> list[Value]:
    """Read an answer of the API.

    Raises:
        AwayError: when it is none.
    """
    try:
        return [
            Value(labels=_labels(each), number=float(each["value"][1])) for each in _results(body, "vector")
        ]
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        raise AwayError("its answer cannot be read") from problem


def read_courses(body: bytes) -> list[Course]:
    """Read an answer about a time; what is no finite number is left out. Errors are those of `read`."""
    try:
        return [
            Course(labels=_labels(each), points=sorted(_points(each["values"])))
            for each in _results(body, "matrix")
        ]
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        raise AwayError("its answer cannot be read") from problem


def _results(body: bytes, kind: str) -> list[dict[str, Any]]:
    document = json.loads(body)
    if document["status"] != "success" or document["data"]["resultType"] != kind:
        raise AwayError(f"it answered something else than a {kind}")
    found: list[dict[str, Any]] = document["data"]["result"]
    return found


def _labels(result: dict[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in result["metric"].items()}


def _points(values: list[list[Any]]) -> Iterator[Point]:
    for moment, value in values:
        point = float(moment), float(value)
        if all(math.isfinite(each) for each in point):
            yield point


def quoted(text: str) -> str:
    """Return the text as a string of PromQL or LogsQL."""
    return json.dumps(text, ensure_ascii=False)
