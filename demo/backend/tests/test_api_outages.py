"""A database that is away, comes back, hangs, or changes its password under a running API."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from api_under_test import PASSWORD, Api, Postgres, migrate, until

END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'feastflow-api'"
)
Start = Callable[[dict[str, str]], Api]


@pytest.fixture
def fragile(postgres: Postgres) -> Iterator[Postgres]:
    """Yield the shared server, running again afterwards whatever the test did."""
    yield postgres
    postgres.stop()
    postgres.start()


def test_an_outage_is_told_survived_and_over_as_soon_as_the_database_is_back(
    start_api: Start, fragile: Postgres, database: str
) -> None:
    api = start_api(fragile.environment(database))
    key = str(uuid4())
    first = api.order(key).json()
    fragile.stop()

    api.becomes("/api/ready", 503)
    assert api.client.get("/api/health").status_code == 200
    status = api.client.get("/api/status")
    assert (status.status_code, status.json()["database"]) == (503, "down")
    with ThreadPoolExecutor(5) as threads:
        for answer in threads.map(lambda _: api.order(), range(5)):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
    assert "circuit_breaker_state 2.0" in api.client.get("/metrics").text
    began = time.monotonic()
    assert api.order().status_code == 503
    assert time.monotonic() - began < 0.5, "an open circuit refuses at once"

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(migrate, fragile.environment(database))
        fragile.start()
        api.becomes("/api/ready", 200)
        assert waiting.result().returncode == 0
    assert api.order(key).json()["number"] == first["number"]
    assert api.order().status_code == 201
    assert "circuit_breaker_state 0.0" in api.client.get("/metrics").text
    assert api.process.poll() is None


def test_sessions_that_the_server_ended_cost_no_request_however_busy(api: Api, postgres: Postgres) -> None:
    api.becomes("/api/ready", 200)
    with ThreadPoolExecutor(8) as threads, postgres.connect("postgres") as admin:
        for _ in range(3):
            answers = list(threads.map(lambda _: api.order(), range(32)))
            assert [answer.status_code for answer in answers] == [201] * 32
            assert admin.execute(END_SESSIONS).rowcount > 4


def test_the_api_starts_without_database_and_schema_and_serves_once_there_are_both(
    start_api: Start, fragile: Postgres
) -> None:
    fragile.create("empty")
    fragile.stop()
    environment = fragile.environment("empty")
    api = start_api(environment)
    assert api.client.get("/api/ready").status_code == 503
    fragile.start()
    api.becomes("/api/ready", 200)
    assert api.client.get("/api/menu").status_code == 503
    assert "run python -m feastflow_api.migrate" in api.text()
    assert migrate(environment).returncode == 0
    assert api.client.get("/api/menu").status_code == 200


def test_a_changed_password_leaves_open_sessions_serving_and_a_restored_one_reconnects(
    api: Api, postgres: Postgres
) -> None:
    api.becomes("/api/ready", 200)
    assert api.order().status_code == 201
    with postgres.connect("postgres") as admin:
        admin.execute("ALTER ROLE feast PASSWORD 'another'")
        try:
            assert api.order().status_code == 201
            admin.execute(END_SESSIONS)
            api.becomes("/api/ready", 503)
        finally:
            admin.execute(f"ALTER ROLE feast PASSWORD '{PASSWORD}'".encode())
    api.becomes("/api/ready", 200)
    assert api.client.get("/api/menu").status_code == 200
    assert api.process.poll() is None


def test_a_database_that_hangs_does_not_hang_the_probes(start_api: Start, postgres: Postgres) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = start_api(postgres.environment("any", DB_PORT=str(silent.getsockname()[1])))
        for path, status in (("/api/ready", 503), ("/api/health", 200)):
            began = time.monotonic()
            assert api.client.get(path).status_code == status
            assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("asked", [True, False])
def test_a_pool_without_a_free_connection_is_load_and_opens_no_circuit(
    start_api: Start, postgres: Postgres, database: str, *, asked: bool
) -> None:
    api = start_api(postgres.environment(database, DB_POOL_MAX="2"))
    if asked:
        api.becomes("/api/ready", 200)
    with ThreadPoolExecutor(12) as threads, postgres.connect(database) as admin:
        with admin.transaction():
            admin.execute("LOCK TABLE menu_items IN ACCESS EXCLUSIVE MODE")
            waiting = [threads.submit(api.client.get, "/api/menu") for _ in range(12)]
            # Two hold the pool; the others give up before the server ends the statements of these two.
            until(lambda: sum(each.done() for each in waiting) >= 10, "ten of twelve give up")
            if asked:
                assert api.client.get("/api/ready").status_code == 200, "readiness has its own connection"
        answers = [each.result() for each in waiting]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) >= 10
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert "database circuit changed" not in api.text()
    assert api.client.get("/api/menu").status_code == 200
