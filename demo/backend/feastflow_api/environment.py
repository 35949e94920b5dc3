"""Reading environment variables one by one: a parser for each kind of value, and every refusal remembered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final, TypeVar
from urllib.parse import urlsplit

MIN_SECRET_BYTES: Final = 32
EXPIRE_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
MAX_NAME: Final = 253  # the longest DNS name
MAX_EXPIRE_SECONDS: Final = 365 * 86400

T = TypeVar("T")


class SettingsError(Exception):
    """One or more environment variables cannot be used; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        """Keep every problem, so that one start shows all of them."""
        super().__init__("\n".join(problems))
        self.problems = problems


class UnusableError(Exception):
    """A single value is unusable: what was found, why it matters, what to set instead."""

    def __init__(self, found: str, why: str, remedy: str) -> None:
        super().__init__(f"found {found}; {why}; {remedy}")


class Reader:
    """Reads variables one by one and remembers every refusal."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def read(
        self, name: str, parse: Callable[[str], T], *, default: T | None, why: str, example: str
    ) -> T | None:
        """Return the parsed value, the default where the variable is absent, or None with a problem noted."""
        raw = self._environ.get(name)
        if raw is None and default is not None:
            return default
        if raw is None or raw.strip() == "":
            found = "nothing" if raw is None else "an empty value"
            self.problems.append(f"{name}: found {found}; {why}; set {name}, for example {name}={example}")
            return None
        try:
            return parse(raw.strip())
        except UnusableError as problem:
            self.problems.append(f"{name}: {problem}")
            return None

    def done(self) -> None:
        """Raise everything that was wrong, at once."""
        if self.problems:
            raise SettingsError(self.problems)


def whole(low: int, high: int, what: str) -> Callable[[str], int]:
    """Return a parser of whole numbers within the limits; `what` begins the explanation."""

    def parse(raw: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", raw) or not low <= int(raw) <= high:
            hint = ""
            if raw.startswith(("tcp://", "udp://")):
                hint = (
                    " (this looks like a Kubernetes Service link: set enableServiceLinks: false on the pod)"
                )
            raise UnusableError(
                f"'{raw}'", f"{what} is a whole number from {low} to {high}", f"set such a number{hint}"
            )
        return int(raw)

    return parse


def parse_address(raw: str) -> str:
    """Return an IP address to listen on."""
    try:
        return str(ip_address(raw))
    except ValueError:
        raise UnusableError(f"'{raw}'", "it is the address to listen on", "set an IP address") from None


def one_of(choices: tuple[str, ...], why: str) -> Callable[[str], str]:
    """Return a parser of one of a few words."""

    def parse(raw: str) -> str:
        if raw not in choices:
            raise UnusableError(f"'{raw}'", why, f"set one of {', '.join(choices)}")
        return raw

    return parse


def plain(why: str) -> Callable[[str], str]:
    """Return a parser of short printable text."""

    def parse(raw: str) -> str:
        if len(raw) > MAX_NAME or not raw.isprintable():
            found = f"{len(raw)} characters, or some that cannot be printed"
            raise UnusableError(found, why, "set at most 253 printable characters")
        return raw

    return parse


def parse_secret(raw: str) -> str:
    """Return a secret of enough bytes to sign with; refusals never repeat it."""
    size = len(raw.encode())
    if size < MIN_SECRET_BYTES:
        raise UnusableError(
            f"a secret of {size} bytes",
            "receipts are signed with it (HS256), and a short one can be guessed offline",
            f"set at least {MIN_SECRET_BYTES} random bytes, for example from: openssl rand -base64 48",
        )
    return raw


def parse_duration(raw: str) -> int:
    """Return seconds of a duration such as `90s`, `30m`, `12h`, `7d` or `2w`; between a minute and a year."""
    match = re.fullmatch(r"([0-9]{1,8})([smhdw])", raw)
    seconds = int(match[1]) * EXPIRE_UNITS[match[2]] if match else 0
    if not EXPIRE_UNITS["m"] <= seconds <= MAX_EXPIRE_SECONDS:
        raise UnusableError(
            f"'{raw}'",
            "it says how long a receipt can be used: a number and a unit, from one minute to a year",
            "set for example 7d, 12h or 30m",
        )
    return seconds


def parse_origin(raw: str) -> str:
    """Return the origin (scheme, host, port) of the page that may call this API."""
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
        raise UnusableError(
            f"'{raw}'",
            "browsers on other origins are refused by comparing with it, so it must be a bare origin",
            "set for example https://feastflow.example.org, without a path",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default_port = {"http": 80, "https": 443}[parts.scheme]
    suffix = "" if port in (None, default_port) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"
