"""The migration command: once, in order, however many run, and with an exit code that tells the truth."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from api_under_test import Postgres, free_port, migrate
from feastflow_api.migrate import LOCK, Migration, MigrationError, shipped
from feastflow_api.migrate import migrate as apply
from feastflow_api.settings import MigrationSettings, load_migration_settings


def settings(postgres: Postgres, database: str) -> MigrationSettings:
    return load_migration_settings(postgres.environment(database, MIGRATE_WAIT_SECONDS="5"))


def test_two_at_once_apply_each_migration_once(postgres: Postgres) -> None:
    postgres.create("raced")
    environment = postgres.environment("raced")
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(migrate, [environment] * 2))
    assert [one.returncode for one in done] == [0, 0]
    counts = [json.loads(one.stdout.splitlines()[-1])["applied"] for one in done]
    assert sorted(counts) == [0, len(shipped())]


def test_a_second_run_changes_nothing_and_keeps_prices_that_were_changed(postgres: Postgres) -> None:
    postgres.create("twice")
    assert apply(settings(postgres, "twice"), shipped()) == len(shipped())
    with postgres.connect("twice") as link:
        link.execute("UPDATE menu_items SET price_cents = 999 WHERE id = 'margherita'")
        assert apply(settings(postgres, "twice"), shipped()) == 0
        row = link.execute("SELECT price_cents FROM menu_items WHERE id = 'margherita'").fetchone()
    assert row == (999,)


def test_a_migration_that_fails_leaves_nothing_and_a_repaired_one_is_applied(postgres: Postgres) -> None:
    postgres.create("broken")
    broken = Migration(version=1, name="half", sql="CREATE TABLE half (id int); SELECT 1/0;")
    with pytest.raises(MigrationError, match="0001_half failed and was rolled back: division by zero"):
        apply(settings(postgres, "broken"), [broken])
    repaired = Migration(version=1, name="half", sql="CREATE TABLE half (id int);")
    assert apply(settings(postgres, "broken"), [repaired]) == 1


def test_a_file_changed_after_it_was_applied_is_refused(postgres: Postgres) -> None:
    postgres.create("changed")
    apply(settings(postgres, "changed"), [Migration(version=1, name="one", sql="SELECT 1")])
    with pytest.raises(MigrationError, match="put the change into a new migration"):
        apply(settings(postgres, "changed"), [Migration(version=1, name="one", sql="SELECT 2")])


def test_an_older_version_is_content_with_a_newer_schema(postgres: Postgres) -> None:
    postgres.create("newer")
    apply(settings(postgres, "newer"), shipped())
    assert apply(settings(postgres, "newer"), shipped()[:1]) == 0


def test_a_lock_held_too_long_is_an_error_that_says_where_to_look(postgres: Postgres, database: str) -> None:
    with postgres.connect(database) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        with pytest.raises(MigrationError, match="pg_stat_activity"):
            apply(replace(settings(postgres, database), wait_seconds=0), shipped())


def test_without_a_database_in_time_it_says_what_to_check_and_ends_with_1(postgres: Postgres) -> None:
    done = migrate(postgres.environment("any", DB_PORT=str(free_port()), MIGRATE_WAIT_SECONDS="0"))
    assert (done.returncode, done.stderr) == (1, "")
    message = json.loads(done.stdout.splitlines()[-1])["message"]
    assert "no connection to the database within 0 s" in message
    assert "check that it runs, and DB_HOST" in message


def test_versions_of_the_shipped_migrations_count_up_from_one() -> None:
    assert [migration.version for migration in shipped()] == list(range(1, len(shipped()) + 1))
