"""The environment, read once into frozen models, or refused in full.

Nothing else in the package reads environment variables. libpq's own, such as PGSSLMODE, are left to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from feastflow_api.environment import (
    Reader,
    SettingsError,
    one_of,
    parse_address,
    parse_duration,
    parse_origin,
    parse_secret,
    plain,
    whole,
)

__all__ = [
    "MigrationSettings",
    "PurgeSettings",
    "Settings",
    "SettingsError",
    "load_migration_settings",
    "load_purge_settings",
    "load_settings",
]

# Part of DRAIN_SECONDS: the longest statement (3 s), and closing the pool (2 s).
CLOSING_SECONDS: Final = 5
LEVELS: Final = ("debug", "info", "warning", "error")
ENVIRONMENTS: Final = ("production", "development", "test")


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """Address, database and login of PostgreSQL."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the API process needs. Durations are in seconds."""

    environment: str
    port: int
    database: DatabaseSettings
    jwt_secret: str = field(repr=False)
    jwt_expire_seconds: int
    frontend_origin: str | None
    version: str
    log_level: str
    bind_address: str
    keep_alive_seconds: float
    drain_seconds: int
    drain_notice_seconds: int
    pool_max: int


@dataclass(frozen=True, kw_only=True)
class MigrationSettings:
    """Settings of the migration command: no token secret, so that a Job need not be given one."""

    database: DatabaseSettings
    wait_seconds: int
    version: str
    log_level: str


@dataclass(frozen=True, kw_only=True)
class PurgeSettings:
    """Settings of the command that deletes old orders."""

    database: DatabaseSettings
    kept_days: int
    version: str
    log_level: str


def _database(reader: Reader) -> DatabaseSettings:
    where = "menu and orders are kept in PostgreSQL"
    host = reader.read("DB_HOST", plain(where), default=None, why=where, example="postgres")
    port = reader.read(
        "DB_PORT", whole(1, 65535, "PostgreSQL's port"), default=5432, why=where, example="5432"
    )
    name = reader.read("DB_NAME", plain(where), default=None, why=where, example="feastflow")
    user = reader.read("DB_USER", plain(where), default=None, why=where, example="feastflow")
    password = reader.read(
        "DB_PASSWORD", str, default=None, why="PostgreSQL asks DB_USER for it", example="…, from a secret"
    )
    return DatabaseSettings(
        host=host or "", port=port or 0, name=name or "", user=user or "", password=password or ""
    )


def _drain(reader: Reader) -> tuple[int | None, int | None]:
    drain = reader.read(
        "DRAIN_SECONDS",
        whole(CLOSING_SECONDS, 600, "the time from SIGTERM to the end of the process, in seconds,"),
        default=20,
        why="it must fit into the pod's termination grace period",
        example="20",
    )
    notice = reader.read(
        "DRAIN_NOTICE_SECONDS",
        whole(0, 120, "the time that readiness says no before connections are refused, in seconds,"),
        default=1,
        why="proxies need a moment to send requests elsewhere",
        example="1",
    )
    if drain is not None and notice is not None and notice > drain - CLOSING_SECONDS:
        reader.problems.append(
            f"DRAIN_NOTICE_SECONDS: found {notice}; of DRAIN_SECONDS ({drain}), {CLOSING_SECONDS} are for"
            f" requests in flight and closing; set at most {drain - CLOSING_SECONDS}, or more DRAIN_SECONDS"
        )
    return drain, notice


def _version(reader: Reader) -> str:
    why = "status and metrics show it"
    return reader.read("APP_VERSION", plain(why), default="dev", why=why, example="1.0.0") or ""


def _log_level(reader: Reader) -> str:
    why = "log lines below it are dropped"
    return reader.read("LOG_LEVEL", one_of(LEVELS, why), default="info", why=why, example="info") or ""


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the API's settings, or SettingsError with every problem found."""
    reader = Reader(environ)
    mode = "it selects production or development behaviour"
    environment = reader.read(
        "NODE_ENV", one_of(ENVIRONMENTS, mode), default="production", why=mode, example="production"
    )
    port = reader.read(
        "PORT",
        whole(1, 65535, "the port to listen on"),
        default=5000,
        why="clients connect to it",
        example="5000",
    )
    database = _database(reader)
    secret = reader.read(
        "JWT_SECRET",
        parse_secret,
        default=None,
        why="receipts are signed with it",
        example="…, from a secret",
    )
    expire = reader.read(
        "JWT_EXPIRE",
        parse_duration,
        default=7 * 86400,
        why="it limits how long a receipt is valid",
        example="7d",
    )
    origin = reader.read(
        "FRONTEND_URL",
        parse_origin,
        default="",  # unset is fine: page and API share a host, and then only that host may call
        why="other origins are refused by comparing with it",
        example="https://feastflow.example.org",
    )
    bind = reader.read(
        "BIND_ADDRESS",
        parse_address,
        default="0.0.0.0",  # noqa: S104 - a pod has only its own address to listen on
        why="it is the address to listen on",
        example="127.0.0.1",
    )
    keep_alive = reader.read(
        "KEEP_ALIVE_TIMEOUT",
        whole(1000, 3_600_000, "the idle time after which a connection is closed, in milliseconds,"),
        default=75_000,
        why="it must exceed the proxy's idle timeout, or the proxy meets closed connections (502)",
        example="75000",
    )
    drain, notice = _drain(reader)
    pool_max = reader.read(
        "DB_POOL_MAX",
        whole(1, 100, "the number of connections of this process"),
        default=8,
        why="replicas times it, plus one each for readiness, must stay below PostgreSQL's max_connections",
        example="8",
    )
    version, level = _version(reader), _log_level(reader)
    reader.done()
    return Settings(
        environment=environment or "",
        port=port or 0,
        database=database,
        jwt_secret=secret or "",
        jwt_expire_seconds=expire or 0,
        frontend_origin=origin or None,
        version=version,
        log_level=level,
        bind_address=bind or "",
        keep_alive_seconds=(keep_alive or 0) / 1000,
        drain_seconds=drain or 0,
        drain_notice_seconds=notice or 0,
        pool_max=pool_max or 0,
    )


def load_migration_settings(environ: Mapping[str, str]) -> MigrationSettings:
    """Return the migration command's settings, or SettingsError with every problem found."""
    reader = Reader(environ)
    database = _database(reader)
    wait = reader.read(
        "MIGRATE_WAIT_SECONDS",
        whole(0, 3600, "the time to wait for the database, or for another migration to end, in seconds,"),
        default=120,
        why="a fresh database takes a while to start",
        example="120",
    )
    version, level = _version(reader), _log_level(reader)
    reader.done()
    return MigrationSettings(database=database, wait_seconds=wait or 0, version=version, log_level=level)


def load_purge_settings(environ: Mapping[str, str]) -> PurgeSettings:
    """Return the settings of the command that deletes old orders, or SettingsError with every problem."""
    reader = Reader(environ)
    database = _database(reader)
    days = reader.read(
        "ORDERS_KEPT_DAYS",
        whole(1, 3650, "the age at which orders are deleted, in days,"),
        default=None,  # no orders are deleted by default
        why="older orders are deleted, and do not come back",
        example="90",
    )
    version, level = _version(reader), _log_level(reader)
    reader.done()
    return PurgeSettings(database=database, kept_days=days or 0, version=version, log_level=level)
