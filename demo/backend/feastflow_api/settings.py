"""The environment, read once into frozen models, or refused in full.

Nothing else in the package reads environment variables. libpq's own, such as PGSSLMODE, are left to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, TypeVar
from urllib.parse import urlsplit

MIN_SECRET_BYTES: Final = 32
# Part of DRAIN_SECONDS: the longest statement (3 s), and closing the pool (2 s).
CLOSING_SECONDS: Final = 5
EXPIRE_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
MAX_NAME: Final = 253  # the longest DNS name
MAX_EXPIRE_SECONDS: Final = 365 * 86400
LEVELS: Final = ("debug", "info", "warning", "error")
ENVIRONMENTS: Final = ("production", "development", "test")

T = TypeVar("T")


class SettingsError(Exception):
    """One or more environment variables cannot be used; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        """Keep every problem, so that one start shows all of them."""
        super().__init__("\n".join(problems))
        self.problems = problems


class _UnusableError(Exception):
    """A single value is unusable: what was found, why it matters, what to set instead."""

    def __init__(self, found: str, why: str, remedy: str) -> None:
        super().__init__(f"found {found}; {why}; {remedy}")


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """Where PostgreSQL is and who we are to it."""

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
    """What the migration command needs: no token secret, so that a Job need not be given one."""

    database: DatabaseSettings
    wait_seconds: int
    version: str
    log_level: str


class _Reader:
    """Reads variables one by one and remembers every refusal."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def read(
        self, name: str, parse: Callable[[str], T], *, default: T | None, why: str, example: str
    ) -> T | None:
        """The parsed value, the default where the variable is absent, or None with a problem noted."""
        raw = self._environ.get(name)
        if raw is None and default is not None:
            return default
        if raw is None or raw.strip() == "":
            found = "nothing" if raw is None else "an empty value"
            self.problems.append(f"{name}: found {found}; {why}; set {name}, for example {name}={example}")
            return None
        try:
            return parse(raw.strip())
        except _UnusableError as problem:
            self.problems.append(f"{name}: {problem}")
            return None

    def done(self) -> None:
        """Raise everything that was wrong, at once."""
        if self.problems:
            raise SettingsError(self.problems)


def _whole(low: int, high: int, what: str) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", raw) or not low <= int(raw) <= high:
            hint = ""
            if raw.startswith(("tcp://", "udp://")):
                hint = (
                    " (this looks like a Kubernetes Service link: set enableServiceLinks: false on the pod)"
                )
            raise _UnusableError(
                f"'{raw}'", f"{what} is a whole number from {low} to {high}", f"set such a number{hint}"
            )
        return int(raw)

    return parse


def _address(raw: str) -> str:
    try:
        return str(ip_address(raw))
    except ValueError:
        raise _UnusableError(f"'{raw}'", "it is the address to listen on", "set an IP address") from None


def _one_of(choices: tuple[str, ...], why: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in choices:
            raise _UnusableError(f"'{raw}'", why, f"set one of {', '.join(choices)}")
        return raw

    return parse


def _plain(why: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if len(raw) > MAX_NAME or not raw.isprintable():
            found = f"{len(raw)} characters, or some that cannot be printed"
            raise _UnusableError(found, why, "set at most 253 printable characters")
        return raw

    return parse


def _secret(raw: str) -> str:
    size = len(raw.encode())
    if size < MIN_SECRET_BYTES:
        raise _UnusableError(
            f"a secret of {size} bytes",
            "receipts are signed with it (HS256), and a short one can be guessed offline",
            f"set at least {MIN_SECRET_BYTES} random bytes, for example from: openssl rand -base64 48",
        )
    return raw


def parse_duration(raw: str) -> int:
    """Seconds of a duration such as `90s`, `30m`, `12h`, `7d` or `2w`; between a minute and a year."""
    match = re.fullmatch(r"([0-9]{1,8})([smhdw])", raw)
    seconds = int(match[1]) * EXPIRE_UNITS[match[2]] if match else 0
    if not EXPIRE_UNITS["m"] <= seconds <= MAX_EXPIRE_SECONDS:
        raise _UnusableError(
            f"'{raw}'",
            "it says how long a receipt can be used: a number and a unit, from one minute to a year",
            "set for example 7d, 12h or 30m",
        )
    return seconds


def parse_origin(raw: str) -> str:
    """The origin (scheme, host, port) of the page that may call this API."""
    try:
        parts = urlsplit(raw)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
    ):
        raise _UnusableError(
            f"'{raw}'",
            "browsers on other origins are refused by comparing with it, so it must be a bare origin",
            "set for example https://feastflow.example.org, without a path",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default_port = {"http": 80, "https": 443}[parts.scheme]
    suffix = "" if port in (None, default_port) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


def _database(reader: _Reader) -> DatabaseSettings:
    where = "menu and orders are kept in PostgreSQL"
    host = reader.read("DB_HOST", _plain(where), default=None, why=where, example="postgres")
    port = reader.read(
        "DB_PORT", _whole(1, 65535, "PostgreSQL's port"), default=5432, why=where, example="5432"
    )
    name = reader.read("DB_NAME", _plain(where), default=None, why=where, example="feastflow")
    user = reader.read("DB_USER", _plain(where), default=None, why=where, example="feastflow")
    password = reader.read(
        "DB_PASSWORD", str, default=None, why="PostgreSQL asks DB_USER for it", example="…, from a secret"
    )
    return DatabaseSettings(
        host=host or "", port=port or 0, name=name or "", user=user or "", password=password or ""
    )


def _drain(reader: _Reader) -> tuple[int | None, int | None]:
    drain = reader.read(
        "DRAIN_SECONDS",
        _whole(CLOSING_SECONDS, 600, "the time from SIGTERM to the end of the process, in seconds,"),
        default=20,
        why="it must fit into the pod's termination grace period",
        example="20",
    )
    notice = reader.read(
        "DRAIN_NOTICE_SECONDS",
        _whole(0, 120, "the time that readiness says no before connections are refused, in seconds,"),
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


def _version(reader: _Reader) -> str:
    why = "status and metrics show it"
    return reader.read("APP_VERSION", _plain(why), default="dev", why=why, example="1.0.0") or ""


def _log_level(reader: _Reader) -> str:
    why = "log lines below it are dropped"
    return reader.read("LOG_LEVEL", _one_of(LEVELS, why), default="info", why=why, example="info") or ""


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The API's settings, or SettingsError with every problem found."""
    reader = _Reader(environ)
    mode = "it selects production or development behaviour"
    environment = reader.read(
        "NODE_ENV", _one_of(ENVIRONMENTS, mode), default="production", why=mode, example="production"
    )
    port = reader.read(
        "PORT",
        _whole(1, 65535, "the port to listen on"),
        default=5000,
        why="clients connect to it",
        example="5000",
    )
    database = _database(reader)
    secret = reader.read(
        "JWT_SECRET", _secret, default=None, why="receipts are signed with it", example="…, from a secret"
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
        _address,
        default="0.0.0.0",  # noqa: S104 - a pod has only its own address to listen on
        why="it is the address to listen on",
        example="127.0.0.1",
    )
    keep_alive = reader.read(
        "KEEP_ALIVE_TIMEOUT",
        _whole(1000, 3_600_000, "the idle time after which a connection is closed, in milliseconds,"),
        default=75_000,
        why="it must exceed the proxy's idle timeout, or the proxy meets closed connections (502)",
        example="75000",
    )
    drain, notice = _drain(reader)
    pool_max = reader.read(
        "DB_POOL_MAX",
        _whole(1, 100, "the number of connections of this process"),
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
    """The migration command's settings, or SettingsError with every problem found."""
    reader = _Reader(environ)
    database = _database(reader)
    wait = reader.read(
        "MIGRATE_WAIT_SECONDS",
        _whole(1, 3600, "the time to wait for the database, or for another migration to end, in seconds,"),
        default=120,
        why="a fresh database takes a while to start",
        example="120",
    )
    version, level = _version(reader), _log_level(reader)
    reader.done()
    return MigrationSettings(database=database, wait_seconds=wait or 0, version=version, log_level=level)
