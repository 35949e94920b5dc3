"""Courses over a time, from each store: series of figures, counted lines, spans of several traces."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tools.telemetry import linecounts, prometheus, traces
from tools.telemetry.asking import AwayError
from tools.telemetry.stores import Stores

from .edge import Edge, Reply, serving

_BEGINS = 1_796_020_260.5


@pytest.fixture
def edge() -> Iterator[Edge]:
    """Yield an edge that routes nowhere yet."""
    with serving() as edge:
        yield edge


def _matrix(*result: dict[str, Any]) -> bytes:
    document = {"status": "success", "data": {"resultType": "matrix", "result": list(result)}}
    return json.dumps(document).encode()


def test_a_series_is_its_finite_values_in_the_order_of_their_moments(edge: Edge) -> None:
    values = [[20, "2.5"], [15, "NaN"], [10, "1"], [25, "+Inf"]]
    edge.replies["metrics", "/api/v1/query_range"] = Reply(
        body=_matrix({"metric": {"tier": "api"}, "values": values})
    )
    (course,) = prometheus.over(
        Stores(port=edge.port).metrics(), "up", begins=_BEGINS, ends=_BEGINS + 60, step=5
    )

    assert (course.labels, course.points) == ({"tier": "api"}, [(10.0, 1.0), (20.0, 2.5)])
    span = {"start": "1796020260.500", "end": "1796020320.500", "step": "5s"}
    assert edge.asked == [{"query": "up", **span, "nocache": "1"}]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        _matrix({"metric": {}, "values": [[1]]}),
        _matrix({"metric": {}, "values": 7}),
        _matrix({"metric": None, "values": []}),
        b'{"status":"success","data":{"resultType":"vector","result":[]}}',
    ],
)
def test_what_is_no_series_is_no_answer(body: bytes) -> None:
    with pytest.raises(AwayError):
        prometheus.read_courses(body)


def test_lines_are_counted_by_the_second_and_the_store_leaves_out_the_zeros(edge: Edge) -> None:
    lines = {"metric": {"__name__": "lines"}, "values": [[1_796_020_261, "3"], [1_796_020_263, "1"]]}
    far = {"metric": {"__name__": "errors"}, "values": [[0, "9"], [1_796_020_263, "1"], [4e12, "9"]]}
    edge.replies["logs", "/select/logsql/stats_query_range"] = Reply(body=_matrix(lines, far))
    found = linecounts.asked(Stores(port=edge.port).logs(), "pod:x", _BEGINS, _BEGINS + 60)

    assert [each for _, each in found.lines] == [3.0, 0.0, 1.0]
    # What is of another time would be seconds without end.
    assert found.errors == [(1_796_020_263.0, 1.0)]
    (asked,) = edge.asked
    assert (asked["start"], asked["end"]) == ("2026-11-30T06:31:00.500000Z", "2026-11-30T06:32:00.500000Z")
    assert asked["step"] == "1s"
    assert asked["query"].startswith("pod:x | stats count() as lines, count() if (level:~")


def test_a_long_time_is_counted_in_as_many_points_as_a_picture_has_room_for(edge: Edge) -> None:
    counts = {"metric": {"__name__": "lines"}, "values": [[1_796_020_260, "8"], [1_796_020_268, "4"]]}
    edge.replies["logs", "/select/logsql/stats_query_range"] = Reply(body=_matrix(counts))
    found = linecounts.asked(Stores(port=edge.port).logs(), "pod:x", _BEGINS, _BEGINS + 1200)

    assert edge.asked[0]["step"] == "4s"
    assert [each for _, each in found.lines] == [2.0, 0.0, 1.0]


def _span(identity: str, **tags: str) -> dict[str, Any]:
    return {"id": identity, "timestamp": 1_796_020_261_000_000, "duration": 5, "tags": tags}


def test_spans_are_those_of_the_newest_traces_of_a_time(edge: Edge) -> None:
    every = [[_span("a", error=""), _span("b", **{"db.query.text": "SELECT 1"})], [_span("c")]]
    every.append([_span("d", **{"http.response.status_code": "502"})])
    edge.replies["traces", "/api/v2/traces"] = Reply(body=json.dumps(every).encode())
    found = traces.between(Stores(port=edge.port).traces(), _BEGINS, _BEGINS + 2, 7)

    assert [[each.identity for each in trace] for trace in found] == [["a", "b"], ["c"], ["d"]]
    assert [each.failed for trace in found for each in trace] == [True, False, False, True]
    assert [each.of_sql for trace in found for each in trace] == [False, True, False, False]
    assert edge.asked == [{"endTs": "1796020262500", "lookback": "2000", "limit": "7"}]


@pytest.mark.parametrize("body", [b"<html>", b"{}x", b"[1]", b"[[1]]", b'[[{"name": "without an id"}]]'])
def test_what_are_no_traces_is_no_answer(edge: Edge, body: bytes) -> None:
    edge.replies["traces", "/api/v2/traces"] = Reply(body=body)

    with pytest.raises(AwayError):
        traces.between(Stores(port=edge.port).traces(), _BEGINS, _BEGINS + 2, 7)
