"""The command that deletes old orders: those, with their lines, and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from api_under_test import Postgres, free_port
from feastflow_api import purge
from feastflow_api.migrate import migrate, shipped
from feastflow_api.settings import load_migration_settings, load_purge_settings


@pytest.fixture
def aged(postgres: Postgres) -> str:
    """Return the name of a database with an order of each of these ages, in hours."""
    name = f"aged_{uuid4().hex}"
    postgres.create(name)
    migrate(load_migration_settings(postgres.environment(name)), shipped())
    with postgres.connect(name) as link:
        for hours in (1, 47, 49, 24 * 400):
            row = link.execute(
                "INSERT INTO orders (id, idempotency_key, fingerprint, customer_name, note, total_cents,"
                " created_at) VALUES (gen_random_uuid(), %s, '', '', %s, 1,"
                " now() - make_interval(hours => %s)) RETURNING id",
                (str(hours), str(hours), hours),
            ).fetchone()
            assert row is not None
            link.execute("INSERT INTO order_items VALUES (%s, 1, 'margherita', '', 1, 1)", row)
    return name


def kept(postgres: Postgres, database: str) -> list[str]:
    with postgres.connect(database) as link:
        rows = link.execute(
            "SELECT note FROM orders JOIN order_items ON order_id = id ORDER BY created_at DESC"
        ).fetchall()
        lines = link.execute("SELECT count(*) FROM order_items").fetchone()
    assert lines == (len(rows),)
    return [note for (note,) in rows]


def ran(environment: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "feastflow_api.purge"],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_orders_older_than_the_days_that_are_set_are_deleted_with_their_lines_and_no_others(
    postgres: Postgres, aged: str
) -> None:
    code, said = ran(postgres.environment(aged, ORDERS_KEPT_DAYS="2"))
    assert (code, said["message"], said["deleted"]) == (0, "old orders deleted", 2)
    assert kept(postgres, aged) == ["1", "47"]


def test_what_takes_more_than_one_batch_is_deleted_to_the_end_and_again_nothing(
    postgres: Postgres, aged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 1)
    settings = load_purge_settings(postgres.environment(aged, ORDERS_KEPT_DAYS="1"))
    assert purge.purge(settings) == 3
    assert purge.purge(settings) == 0
    assert kept(postgres, aged) == ["1"]


@pytest.mark.parametrize("days", [None, "", "0", "-1", "3651", "all"])
def test_without_a_number_of_days_nothing_is_deleted(postgres: Postgres, aged: str, days: str | None) -> None:
    environment = postgres.environment(aged)
    if days is not None:
        environment["ORDERS_KEPT_DAYS"] = days
    code, said = ran(environment)
    assert code == 2
    assert "ORDERS_KEPT_DAYS: found" in said["message"]
    assert len(kept(postgres, aged)) == 4


def test_without_a_database_it_says_so_and_ends_with_1(postgres: Postgres) -> None:
    environment = postgres.environment("any", ORDERS_KEPT_DAYS="2", DB_PORT=str(free_port()))
    code, said = ran(environment)
    assert code == 1
    assert said["message"].startswith("old orders were not deleted: ")
