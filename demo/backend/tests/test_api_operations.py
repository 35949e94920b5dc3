"""Probes, metrics, logs and the end of the process: what operators and Kubernetes rely on."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
from api_under_test import PASSWORD, SECRET, Api, Postgres, until

Start = Callable[[dict[str, str]], Api]


def test_status_tells_database_version_and_time(api: Api) -> None:
    answer = api.client.get("/api/status")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["status"], body["database"], body["version"]) == ("ok", "up", "9.9.9")
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None


def test_probes_answer_and_are_not_cached(api: Api) -> None:
    for path in ("/api/health", "/api/ready"):
        answer = api.client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


def test_an_answer_on_an_open_connection_does_not_wait_for_an_acknowledgement(api: Api) -> None:
    durations = []
    for _ in range(10):
        began = time.perf_counter()
        api.client.get("/api/health")
        durations.append(time.perf_counter() - began)
    assert min(durations) < 0.03


def test_metrics_count_requests_by_route_and_never_by_path(api: Api) -> None:
    api.client.get("/api/orders/FF-1?x=1")
    api.client.get(f"/made-up-{uuid4()}")
    text = api.client.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/api/orders/{number}",status="401"}' in text
    assert 'route="unmatched",status="404"' in text
    assert "made-up" not in text
    assert 'http_request_duration_seconds_bucket{le="0.1",method="GET",' in text
    for line in ("circuit_breaker_state 0.0", "database_up 1.0", 'feastflow_build_info{version="9.9.9"} 1.0'):
        assert line in text


def requests_logged(api: Api, identity: str) -> list[dict[str, Any]]:
    """Return the lines about this request; they may come a moment after its answer."""
    return [line for line in api.logs() if line.get("request_id") == identity and "route" in line]


def test_logs_are_json_with_the_requests_id_and_no_secrets(api: Api) -> None:
    identity = uuid4().hex
    answer = api.client.get("/api/menu", headers={"X-Request-Id": identity})
    assert answer.headers["x-request-id"] == identity
    receipt = api.order().json()["receipt"]
    (line,) = until(lambda: requests_logged(api, identity), "the request is logged")
    assert line.keys() >= {
        "timestamp",
        "level",
        "service",
        "message",
        "method",
        "route",
        "status",
        "duration_ms",
    }
    for secret in (PASSWORD, SECRET, receipt):
        assert secret not in api.text()


def test_a_request_id_that_could_forge_log_lines_is_replaced(api: Api) -> None:
    answer = api.client.get("/api/menu", headers={"X-Request-Id": "x y{}"})
    assert answer.headers["x-request-id"] != "x y{}"


def test_probes_do_not_fill_the_log(api: Api) -> None:
    probe, other = uuid4().hex, uuid4().hex
    for path in ("/api/health", "/api/ready", "/metrics"):
        api.client.get(path, headers={"X-Request-Id": probe})
    api.client.get("/api/menu", headers={"X-Request-Id": other})
    until(lambda: requests_logged(api, other), "the later request is logged")
    assert requests_logged(api, probe) == []


def test_sigterm_turns_readiness_off_then_ends_with_0_although_clients_are_connected(
    start_api: Start, postgres: Postgres, database: str
) -> None:
    api = start_api(postgres.environment(database, DRAIN_NOTICE_SECONDS="1"))
    api.becomes("/api/ready", 200)
    with socket.create_connection(("127.0.0.1", api.port)):
        api.process.send_signal(signal.SIGTERM)
        answer = api.becomes("/api/ready", 503)
        assert answer.json() == {"status": "draining"}
        assert answer.headers["connection"] == "close"
        assert api.order().status_code == 201
        assert api.process.wait(60) == 0
    assert api.logs()[-1]["message"] == "stopped"


def test_a_request_in_flight_is_answered_after_sigterm(
    start_api: Start, postgres: Postgres, database: str
) -> None:
    api = start_api(postgres.environment(database))
    with postgres.connect(database) as blocker, blocker.transaction():
        blocker.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        answers: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: answers.append(api.order()))
        thread.start()
        with postgres.connect(database) as watcher:
            until(lambda: _waiting(watcher), "the order waits for the lock")
        api.process.send_signal(signal.SIGTERM)
        until(lambda: not _listens(api.port), "the API refuses new connections")
    thread.join(10)
    assert [answer.status_code for answer in answers] == [201]
    assert api.process.wait(60) == 0


def _waiting(link: object) -> bool:
    row = link.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()  # type: ignore[attr-defined]
    return bool(row[0])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
