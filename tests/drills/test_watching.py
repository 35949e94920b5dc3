"""A run as the observers know it: where they are, what they answer, and what is known without them."""

import json
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tools.drills import observed, watching
from tools.drills.annotations import Subject
from tools.drills.samples import Second
from tools.telemetry.stores import Stores
from tools.telemetry.traces import Span

from ..tools.edge import Edge, Reply, serving
from .fakes import run

_SUBJECT = Subject(drill="backend-killed", what="SIGKILL", stack="dev", namespace="shop-dev")
_MOMENT = 1_796_020_260.0
_RUN = run(
    moment=_MOMENT,
    begun=_MOMENT - 10,
    restored=_MOMENT + 3,
    course=[Second(at=at, sent=50, failed=0, p50=0.01, p99=0.02) for at in range(-10, 20)],
)
_IMPORT, _RANGE = ("metrics", "/api/v1/import/prometheus"), ("metrics", "/api/v1/query_range")
_INSERT, _COUNTS = ("logs", "/insert/jsonline"), ("logs", "/select/logsql/stats_query_range")
_TRACES = ("traces", "/api/v2/traces")


@pytest.fixture
def edge() -> Iterator[Edge]:
    """Yield an edge that routes nowhere yet."""
    with serving() as edge:
        yield edge


def _matrix(**series: list[tuple[float, float]]) -> Reply:
    result = [
        {"metric": {"figure": name, "__name__": name}, "values": [[at, str(value)] for at, value in points]}
        for name, points in series.items()
    ]
    document = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return Reply(body=json.dumps(document).encode())


def _span(identity: str, at: float, service: str, **tags: str) -> dict[str, object]:
    return {
        "id": identity,
        "name": "get",
        "timestamp": round((_MOMENT + at) * 1e6),
        "duration": 25_000,
        "localEndpoint": {"serviceName": service},
        "tags": tags,
    }


@pytest.fixture
def stores(edge: Edge) -> Stores:
    """Return stores that know a run."""
    own = {"k8s.namespace.name": "shop-dev"}
    every = [
        [_span("a", 1, "traefik"), _span("b", 1.001, "feastflow-backend", **own)],
        [_span("c", 2, "feastflow-backend", **own, **{"db.query.text": "SELECT 1", "error": "57P01"})],
        [_span("d", 2, "traefik", **{"http.response.status_code": "503"})],
        [_span("e", 3, "traefik"), _span("f", 3, "feastflow-backend", **{"k8s.namespace.name": "shop-prod"})],
    ]
    edge.replies |= {
        _IMPORT: Reply(status=204),
        _INSERT: Reply(),
        _RANGE: _matrix(requests=[(_MOMENT + 5, 50.0)], errors=[(_MOMENT + 5, 2.5)]),
        _COUNTS: _matrix(lines=[(_MOMENT, 120), (_MOMENT + 2, 80)], errors=[(_MOMENT + 2, 4)]),
        _TRACES: Reply(body=json.dumps(every).encode()),
    }
    return Stores(port=edge.port)


def test_the_same_time_is_known_in_metrics_logs_and_traces(stores: Stores) -> None:
    found = watching.watched(stores, _SUBJECT, _RUN)

    assert found is not None
    assert found.unknown == []
    # The middle of the ten seconds that end there.
    assert (found.requests, found.errors) == ([(0.0, 50.0)], [(0.0, 2.5)])
    assert found.lines == [(0.0, 120.0), (1.0, 0.0), (2.0, 80.0)]
    assert found.error_lines == [(2.0, 4.0)]
    spans = [(each.at, each.service, each.failed) for each in found.spans]
    assert spans == [
        (1.0, "traefik", False),
        (1.001, "feastflow-backend", False),
        (2.0, "SQL", True),
        (2.0, "traefik", True),
    ]


def test_the_moments_are_written_and_the_stacks_own_figures_asked_for(stores: Stores, edge: Edge) -> None:
    watching.watched(stores, _SUBJECT, _RUN)

    lines, samples = edge.sent
    assert [json.loads(line)["moment"] for line in lines.splitlines()] == [
        "steady load",
        "broken",
        "restored",
    ]
    assert samples.count(b"\n") == 3
    counted, asked = (each["query"] for each in edge.asked if "query" in each)
    assert counted.startswith('kubernetes.pod_namespace:="shop-dev" | stats count() as lines')
    (pattern,) = set(re.findall(r'service=~"(.+?)"', asked))
    assert re.fullmatch(pattern, "shop-dev-feastflow-backend-canary-8000@kubernetes")
    assert re.fullmatch(pattern, "shop-dev-feastflow-frontend-http-3000@kubernetesgateway")
    assert not re.fullmatch(pattern, "shop-dev-2-feastflow-backend-8000@kubernetes")
    spans = [each for each in edge.asked if "endTs" in each]
    assert len(spans) == 20
    assert spans[-1]["endTs"] == f"{(_MOMENT + 20) * 1000:.0f}"


def test_what_is_on_its_way_yet_is_not_asked_for(stores: Stores, edge: Edge) -> None:
    now = time.time()
    watching.watched(stores, _SUBJECT, replace(_RUN, moment=now - 20, begun=now - 40, restored=now))

    (asked,) = (each for each in edge.asked if each.get("step") == "5s")
    assert float(asked["end"]) <= time.time() - watching._LATE


def test_where_nothing_observes_the_cluster_nothing_is_known_after_one_question(edge: Edge) -> None:
    assert watching.watched(Stores(port=edge.port), _SUBJECT, _RUN) is None
    assert len(edge.asked) == 1


@pytest.mark.parametrize(
    ("away", "why", "left"),
    [
        (_IMPORT, "metrics: it answered 503", {"lines", "spans"}),
        (_RANGE, "metrics: it answered 503", {"lines", "spans"}),
        (_INSERT, "logs: it answered 503", {"requests", "spans"}),
        (_COUNTS, "logs: it answered 503", {"requests", "spans"}),
        (_TRACES, "traces: it answered 503", {"requests", "lines"}),
    ],
)
def test_a_store_that_is_away_hides_nothing_of_the_others(
    stores: Stores, edge: Edge, away: tuple[str, str], why: str, left: set[str]
) -> None:
    edge.replies[away] = Reply(status=503)
    found = watching.watched(stores, _SUBJECT, _RUN)

    assert found is not None
    assert found.unknown == [why]
    assert {name for name in ("requests", "lines", "spans") if getattr(found, name)} == left


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[[1]]", b'{"status":"success","data":{}}', b"null", b"[null]"]
)
def test_an_answer_of_another_program_is_none(stores: Stores, edge: Edge, body: bytes) -> None:
    for path in (_RANGE, _COUNTS, _TRACES):
        edge.replies[path] = Reply(body=body)
    found = watching.watched(stores, _SUBJECT, _RUN)

    assert found is not None
    assert [why.partition(":")[0] for why in found.unknown] == ["traces", "logs", "metrics"]
    assert (found.requests, found.lines, found.spans) == ([], [], [])


def test_a_store_that_has_nothing_of_the_run_says_so(stores: Stores, edge: Edge) -> None:
    # Without a request at the edge the query's zero of errors is no figure.
    edge.replies |= {_RANGE: _matrix(errors=[(_MOMENT, 0.0)]), _COUNTS: _matrix(), _TRACES: Reply(body=b"[]")}
    found = watching.watched(stores, _SUBJECT, _RUN)

    assert found is not None
    assert found.unknown == [
        f"{store}: it has nothing of this time" for store in ("traces", "logs", "metrics")
    ]
    assert found.errors == []


def test_stores_that_never_answer_cost_a_few_seconds(
    stores: Stores, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SECONDS", 0.2)
    for path in (_IMPORT, _INSERT, _TRACES):
        edge.replies[path] = Reply(drip=True)
    started = time.monotonic()
    found = watching.watched(stores, _SUBJECT, _RUN)

    assert time.monotonic() - started < 5
    assert found is not None
    assert [why.partition(":")[0] for why in found.unknown] == ["traces", "logs", "metrics"]


def test_a_store_of_traces_that_is_slow_is_left_with_what_it_gave(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    found = watching.watched(stores, _SUBJECT, _RUN)

    assert found is not None
    assert found.spans
    assert found.unknown == ["traces: only 2 of 20 parts of the time within 5 s"]


def test_an_edge_that_is_away_ends_no_drill() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    found = watching.watched(Stores(port=port), _SUBJECT, _RUN)

    assert found is not None
    assert found.unknown == [f"{store}: nothing listens there" for store in ("traces", "logs", "metrics")]


def test_of_many_spans_some_of_the_whole_time_are_kept() -> None:
    many = [
        [
            Span(
                identity=f"{at}",
                parent="",
                name="get",
                service="api",
                begins=_MOMENT + at,
                seconds=1,
                tags={},
            )
        ]
        for at in range(5000)
    ]
    found = observed.dots(many, "shop-dev", _MOMENT)

    assert len(found) <= observed.MOST_SPANS
    assert found[0].at == 0
    assert found[-1].at > 4900
