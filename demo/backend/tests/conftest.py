"""Fixtures: one PostgreSQL for all tests, a migrated database, and an API process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

# The user's PGSERVICE or PGUSER would complete what a session does not name.
for name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[name]

from api_under_test import Api, Postgres, migrate, postgres_programs  # noqa: E402


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Yield a running server."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL found: initdb is neither on PATH nor in /usr/lib/postgresql/*/bin")
    server = Postgres(programs)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def database(postgres: Postgres) -> str:
    """Return the name of a migrated database."""
    postgres.create("feastflow")
    done = migrate(postgres.environment("feastflow"))
    assert done.returncode == 0, done.stdout + done.stderr
    return "feastflow"


@pytest.fixture
def start_api() -> Iterator[Callable[[dict[str, str]], Api]]:
    """Start API processes that end with the test."""
    started: list[Api] = []

    def start(environment: dict[str, str]) -> Api:
        started.append(Api(environment))
        return started[-1]

    yield start
    for one in started:
        one.remove()


@pytest.fixture(scope="session")
def api(postgres: Postgres, database: str) -> Iterator[Api]:
    """Yield an API that no test disturbs."""
    running = Api(postgres.environment(database, FRONTEND_URL="https://feastflow.example.org"))
    yield running
    running.remove()
