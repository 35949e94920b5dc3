"""`python -m feastflow_api.migrate`: bring the schema up to this version's, once, however many run at a time.

Each file in `migrations/` is applied in one transaction with its record in `schema_migrations`. Migrations
only add: the version before keeps running on the schema while pods are replaced, and after a rollback.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import psycopg
from psycopg import errors

from feastflow_api import logs
from feastflow_api.connections import connection_arguments
from feastflow_api.database import reason_of
from feastflow_api.retry import Backoff
from feastflow_api.settings import MigrationSettings, SettingsError, load_migration_settings

log = logging.getLogger(__name__)

FAILED: Final = 1
UNUSABLE: Final = 2
# Any constant works if every version of this program has the same: "feast" in bytes.
LOCK: Final = 0x6665617374
_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class MigrationError(Exception):
    """The schema could not be brought up to date; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file: applied once, and never changed after it was released."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Tells a changed file from the one that was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped() -> list[Migration]:
    """Return the migrations of this version, oldest first."""
    found = []
    for entry in files("feastflow_api").joinpath("migrations").iterdir():
        match = _NAME.fullmatch(entry.name)
        if match:
            found.append(
                Migration(version=int(match[1]), name=match[2], sql=entry.read_text(encoding="utf-8"))
            )
    return sorted(found, key=lambda migration: migration.version)


def migrate(settings: MigrationSettings, migrations: list[Migration]) -> int:
    """Apply what is missing and return how many that were; MigrationError when that cannot be."""
    deadline = time.monotonic() + settings.wait_seconds
    with _connect(settings, deadline) as connection:
        _lock(connection, deadline)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = dict(connection.execute("SELECT version, checksum FROM schema_migrations").fetchall())
        unknown = sorted(set(applied) - {migration.version for migration in migrations})
        if unknown:
            log.warning(
                "the schema is newer than this version, which is fine", extra={"unknown_migrations": unknown}
            )
        return sum(_apply(connection, migration, applied.get(migration.version)) for migration in migrations)


def _connect(settings: MigrationSettings, deadline: float) -> psycopg.Connection[Any]:
    """Return a connection, as soon as there is one; the deadline is of time.monotonic()."""
    arguments = connection_arguments(settings.database, "feastflow-migrate")
    said = ""
    delays = Backoff(attempts=10**6, base=0.1, cap=2.0).delays()
    while True:
        try:
            return psycopg.connect(**arguments, autocommit=True)
        except psycopg.OperationalError as error:
            reason = reason_of(error)
            if time.monotonic() >= deadline:
                raise MigrationError(
                    f"no connection to the database within {settings.wait_seconds} s ({reason});"
                    " check that it runs, and DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD"
                ) from None
            if reason != said:
                log.info("waiting for the database", extra={"reason": reason})
                said = reason
            time.sleep(min(next(delays), max(0.0, deadline - time.monotonic())))


def _lock(connection: psycopg.Connection[Any], deadline: float) -> None:
    """Hold the lock until the connection ends: two Jobs, or pods with an init container, take turns."""
    milliseconds = max(1, int((deadline - time.monotonic()) * 1000))
    connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{milliseconds}ms",))
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    except errors.LockNotAvailable:
        raise MigrationError(
            f"another migration has held the lock for {milliseconds} ms; look for it in pg_stat_activity"
            " (application_name feastflow-migrate), then run this again"
        ) from None


def _apply(connection: psycopg.Connection[Any], migration: Migration, applied_checksum: str | None) -> bool:
    """Apply a migration unless it is applied already; return True if it was applied now."""
    title = f"{migration.version:04d}_{migration.name}"
    if applied_checksum is not None:
        if applied_checksum != migration.checksum:
            raise MigrationError(
                f"{title} was changed after it was applied;"
                " restore the file and put the change into a new migration"
            )
        return False
    started = time.monotonic()
    try:
        with connection.transaction():
            connection.execute(migration.sql.encode())
            connection.execute(
                "INSERT INTO schema_migrations (version, name, checksum) VALUES (%s, %s, %s)",
                (migration.version, migration.name, migration.checksum),
            )
    except psycopg.Error as error:
        raise MigrationError(f"{title} failed and was rolled back: {reason_of(error)}") from error
    log.info("migration applied", extra={"migration": title, "seconds": round(time.monotonic() - started, 3)})
    return True


def main(environ: Mapping[str, str]) -> int:
    """Return the exit code: 0 when the schema is as it must be, 1 when not, 2 for unusable settings."""
    try:
        settings = load_migration_settings(environ)
    except SettingsError as error:
        logs.refuse(error.problems, environ.get("APP_VERSION", ""))
        return UNUSABLE
    logs.configure(settings.log_level, settings.version)
    try:
        count = migrate(settings, shipped())
    except (MigrationError, psycopg.Error) as error:
        reason = reason_of(error)
    else:
        log.info("schema up to date", extra={"applied": count})
        return 0
    log.error("migration failed: %s", reason)
    return FAILED


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(os.environ))
