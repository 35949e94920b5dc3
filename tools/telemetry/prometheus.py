"""Instant queries by Prometheus' API, which VictoriaMetrics has too.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tools.telemetry.asking import AwayError, Source

_PATH = "/api/v1/query"


@dataclass(frozen=True, kw_only=True)
class Value:
    """A series' labels and its value, which may be infinite or no number."""

    labels: Mapping[str, str]
    number: float


def ask(source: Source, query: str) -> list[Value]:
    """Return the series that the query gives now.

    Raises:
        AwayError: when the store gives no answer that can be read.
        RefusedError: when it does not take the query.
    """
    # Else VictoriaMetrics answers what it knew up to some seconds ago.
    answer = source.get(_PATH, {"query": query, "nocache": "1"})
    return read(answer.body)


def read(body: bytes) -> list[Value]:
    """Read an answer of the API.

    Raises:
        AwayError: when it is none.
    """
    try:
        document = json.loads(body)
        if document["status"] != "success" or document["data"]["resultType"] != "vector":
            raise AwayError("it answered something else than a vector")
        return [
            Value(
                labels={str(key): str(value) for key, value in each["metric"].items()},
                number=float(each["value"][1]),
            )
            for each in document["data"]["result"]
        ]
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        raise AwayError("its answer cannot be read") from problem


def quoted(text: str) -> str:
    """Return the text as a string of PromQL or LogsQL."""
    return json.dumps(text, ensure_ascii=False)
