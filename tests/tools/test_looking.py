"""The last hour in `make status`, `make logs` and `make trace`: refusals, and stores that are away."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.cli import looking
from tools.cluster.handle import Cluster
from tools.stacks import scope
from tools.stacks.options import Options
from tools.stacks.target import Target
from tools.toolchain.errors import UserError

from .edge import Edge, Reply, serving

_OPTIONS = Options(stack="dev", context=None, cluster="x", port=8080)
_CONFIG = {"feastflow:namespace": "shop-dev"}
_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
_QUERY, _LOGS, _TRACE = "/api/v1/query", "/select/logsql/query", f"/api/v2/trace/{_ID}"
_SPANS = [{"id": "a", "name": "get", "timestamp": 1_796_020_262_000_000, "duration": 1500}]
_LINE = {"_time": "2026-11-30T06:31:02Z", "_msg": "order placed", "trace_id": _ID}

Local = Callable[[int], Target]


@pytest.fixture
def edge() -> Iterator[Edge]:
    """Yield an edge that routes nowhere yet."""
    with serving() as edge:
        yield edge


@pytest.fixture
def local(standing: Cluster, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    """Return a function that has the local cluster run with its edge at a port."""
    (checkout / "Pulumi.dev.yaml").write_text("config: {feastflow:namespace: shop-dev}\n")
    for name in ("Q", "TIER", "ID", "ALL"):
        monkeypatch.delenv(name, raising=False)

    def at(port: int) -> Target:
        cluster = replace(standing, port=port)
        found = Target(
            context="kind-x", kubeconfig=None, kubectl=Path("kubectl"), identity="1", local=cluster
        )
        monkeypatch.setattr(scope, "present", lambda _: found)
        return found

    return at


def _vector(**labels: str) -> bytes:
    result = [{"metric": labels, "value": [0, "12"]}]
    document = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return json.dumps(document).encode()


def test_the_last_hour_ends_status(edge: Edge, local: Local) -> None:
    edge.replies["metrics", _QUERY] = Reply(body=_vector(figure="requests", tier="backend"))

    lines = looking.hour(local(edge.port), _CONFIG)
    assert f"http://metrics.localhost:{edge.port}/vmui/#/dashboards" in lines[0]
    assert "backend" in lines[2]
    assert 'namespace="shop-dev"' in edge.asked[0]["query"]


def test_where_nothing_observes_the_cluster_one_line_says_so(edge: Edge, local: Local) -> None:
    (line,) = looking.hour(local(edge.port), _CONFIG)

    assert "nothing observes this cluster" in line
    assert "make observe" in line


@pytest.mark.parametrize(
    "reply", [Reply(status=503, body=b"no"), Reply(status=422, body=b"\x1b[2J" * 90), Reply(body=b"<html>")]
)
def test_a_store_that_does_not_answer_is_one_line_that_fits(edge: Edge, local: Local, reply: Reply) -> None:
    edge.replies["metrics", _QUERY] = reply

    (line,) = looking.hour(local(edge.port), _CONFIG)
    assert line.startswith("the last hour is not known: the store of metrics: ")
    assert "\x1b" not in line
    assert len(line) <= 100


def test_of_a_cluster_of_the_users_nothing_is_asked() -> None:
    theirs = Target(context="theirs", kubeconfig=None, kubectl=Path("kubectl"), identity="1", local=None)

    (line,) = looking.hour(theirs, _CONFIG)
    assert "docs/observability.md" in line
    assert len(line) <= 100


@pytest.mark.parametrize(
    ("objectives", "availability"),
    [({}, 99.9), ({"backend": {"availability": 99}}, 99.0), ({"backend": {"availability": "x"}}, None)],
)
def test_the_promise_is_the_settings_and_none_where_they_cannot_be_read(
    objectives: object, availability: float | None
) -> None:
    found = looking.availability({"feastflow:observability": {"objectives": objectives}})

    assert found.get("backend") == availability


def test_lines_are_searched_in_the_stacks_namespace(
    edge: Edge, local: Local, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local(edge.port)
    edge.replies["logs", _LOGS] = Reply(body=json.dumps(_LINE).encode())
    monkeypatch.setenv("TIER", "database")
    looking.logs(_OPTIONS)

    (asked,) = edge.asked
    assert asked["query"] == "*"
    assert asked["extra_filters"] == 'kubernetes.pod_namespace:="shop-dev" kubernetes.pod_name:~"^postgres-"'
    told = capsys.readouterr().out
    assert "06:31:02.000 order placed" in told
    assert f"http://logs.localhost:{edge.port}/select/vmui/#/?query=" in told


def test_every_namespace_is_searched_where_that_is_asked(
    edge: Edge, local: Local, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local(edge.port)
    edge.replies["logs", _LOGS] = Reply()
    monkeypatch.setenv("ALL", "yes")
    monkeypatch.setenv("Q", 'receiver:="log-store"')
    looking.logs(_OPTIONS)

    assert "extra_filters" not in edge.asked[0]
    assert "no line was found in the last hour" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"TIER": "cache\x1b[2J"}, r"there is no tier cache\\x1b(.|\n)*backend, frontend, database"),
        ({"Q": "x" * 4001}, "Q has 4,001 characters"),
        ({"TIER": "backend", "ALL": "yes"}, "ALL=yes and TIER"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_a_store_is_asked(
    edge: Edge, local: Local, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    local(edge.port)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(UserError, match=words):
        looking.logs(_OPTIONS)
    assert edge.asked == []


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply(status=400, body=b"cannot parse query [level:]"),
            r"does not take(.|\n)*level:\](.|\n)*LogsQL",
        ),
        (Reply(status=503), r"gave no answer(.|\n)*make observe"),
        (Reply(status=404, body=b"404 page not found\n"), r"nothing keeps logs(.|\n)*make observe"),
    ],
)
def test_a_store_of_logs_that_gives_no_lines_is_told(
    edge: Edge, local: Local, reply: Reply, words: str
) -> None:
    local(edge.port)
    edge.replies["logs", _LOGS] = reply

    with pytest.raises(UserError, match=words):
        looking.logs(_OPTIONS)


@pytest.mark.parametrize("command", [looking.logs, looking.trace])
def test_another_clusters_stores_are_not_asked(
    local: Local, monkeypatch: pytest.MonkeyPatch, command: Callable[[Options], None]
) -> None:
    local(1)
    monkeypatch.setenv("ID", _ID)

    with pytest.raises(UserError, match="CONTEXT=theirs names a cluster of yours"):
        command(replace(_OPTIONS, context="theirs"))


def test_a_trace_is_shown_with_its_lines_and_the_pages_of_both(
    edge: Edge, local: Local, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local(edge.port)
    monkeypatch.setenv("ID", _ID.upper())
    edge.replies["traces", _TRACE] = Reply(body=json.dumps(_SPANS).encode())
    edge.replies["logs", _LOGS] = Reply(body=json.dumps(_LINE).encode())
    looking.trace(_OPTIONS)

    told = capsys.readouterr().out
    assert f"http://traces.localhost:{edge.port}/zipkin/traces/{_ID}" in told
    assert "1.5 ms  get" in told
    assert "1 lines of its logs: http://logs.localhost:" in told
    assert "order placed" in told
    asked = edge.asked[-1]
    assert asked["query"] == f'trace_id:="{_ID}"'
    assert asked["start"] == "2026-11-30T06:30:02Z"


@pytest.mark.parametrize("given", ["", "xyz\x1b[2J", "0" * 32, _ID + "0"])
def test_what_is_no_identity_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("ID", given)

    with pytest.raises(UserError, match=r"ID (is|names)(.|\n)*32 hexadecimal digits(.|\n)*make trace ID="):
        looking.trace(_OPTIONS)


def test_a_store_that_is_away_hides_nothing_of_the_other(
    edge: Edge, local: Local, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local(edge.port)
    monkeypatch.setenv("ID", _ID)
    edge.replies["traces", _TRACE] = Reply(status=503)
    edge.replies["logs", _LOGS] = Reply(body=json.dumps(_LINE).encode())
    looking.trace(_OPTIONS)
    without_spans = capsys.readouterr().out
    edge.replies["traces", _TRACE] = Reply(body=json.dumps(_SPANS).encode())
    edge.replies["logs", _LOGS] = Reply(status=503)
    looking.trace(_OPTIONS)
    without_lines = capsys.readouterr().out

    assert "the store of traces gave no trace: it answered 503" in without_spans
    assert "order placed" in without_spans
    assert "get" in without_lines
    assert "its lines are not known: the store of logs: it answered 503" in without_lines


def test_an_unknown_trace_is_refused_with_where_to_look(
    edge: Edge, local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    local(edge.port)
    monkeypatch.setenv("ID", _ID)
    edge.replies["traces", _TRACE] = Reply(status=404, body=f"{_ID} not found".encode())
    edge.replies["logs", _LOGS] = Reply()

    with pytest.raises(UserError, match=f"nothing is known of the trace {_ID}(.|\n)*make logs"):
        looking.trace(replace(_OPTIONS))


def test_without_a_store_of_traces_the_command_that_brings_it_is_named(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ID", _ID)
    with serving() as bare:
        local(bare.port)
        with pytest.raises(UserError, match=r"nothing keeps traces(.|\n)*make observe"):
            looking.trace(_OPTIONS)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    local(port)
    with pytest.raises(UserError, match="nothing is known of the trace"):
        looking.trace(_OPTIONS)
