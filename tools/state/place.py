"""The place of a stack's state, written down once: to move a stack is to rename one file.

A place is a backend's URL, a secrets provider, and a workspace folder of its own, so that what Pulumi writes
next to the settings (salt, encrypted key) always belongs to the state in that place and to no other.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.state import address as addresses
from tools.state.address import Address
from tools.toolchain import cache, private
from tools.toolchain.errors import UserError

PASSPHRASE = "passphrase"  # noqa: S105 - the name of Pulumi's provider


@dataclass(frozen=True, kw_only=True)
class Place:
    """The place of a stack's state; `name` is its folder among the places, empty where all stacks begin.

    `local` says that the state is in this machine's own files, which no other machine uses.
    """

    url: str
    secrets: str
    name: str
    local: bool

    @property
    def address(self) -> Address | None:
        """Return the bucket, where it is one."""
        return None if self.local else addresses.parse(self.url)


@dataclass(frozen=True, kw_only=True)
class Record:
    """The place of the state, and where the last move left the one before, as it was then."""

    current: Place
    previous: Place | None = None
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A move under way: where to, and the fingerprint of what is carried there."""

    place: Place
    fingerprint: str


def first(identity: str) -> Place:
    """Return the place of every stack that was never moved."""
    return Place(url=url(_files(identity)), secrets=PASSPHRASE, name="", local=True)


def planned(identity: str, project: str, stack: str, address: Address | None) -> Place:
    """Return a place that was never used: a bucket's, or this machine's files under a name of their own."""
    name = f"{stack}-{secrets.token_hex(4)}"
    if address:
        return Place(url=address.url, secrets=address.secrets(project, stack), name=name, local=False)
    return Place(url=url(_files(identity) / "places" / name), secrets=PASSPHRASE, name=name, local=True)


def folder(identity: str, place: Place) -> Path:
    """Return the workspace that belongs to the place."""
    home = _workspaces(identity)
    return home / "places" / place.name if place.name else home


def files(place: Place) -> Path:
    """Return the folder of a local place's state."""
    return path(place.url)


def read(identity: str, stack: str) -> Record:
    """Return where the stack's state is.

    Raises:
        UserError: when the record cannot be read; nothing is guessed then.
    """
    path = _record(identity, stack)
    known = _read(path)
    if known is None:
        return Record(current=first(identity))
    try:
        previous = known["previous"]
        return Record(
            current=Place(**known["current"]),
            previous=Place(**previous) if previous else None,
            fingerprint=known["fingerprint"],
        )
    except (KeyError, TypeError) as error:
        raise _damaged(path) from error


def write(identity: str, stack: str, record: Record) -> None:
    """Let the state be there from now on: before the rename the old place counts, after it the new one."""
    _write(_record(identity, stack), asdict(record))


def unfinished(identity: str, stack: str) -> Unfinished | None:
    """Return the move that was begun and not ended, if there is one."""
    path = _moving(identity, stack)
    known = _read(path)
    if known is None:
        return None
    try:
        return Unfinished(place=Place(**known["place"]), fingerprint=known["fingerprint"])
    except (KeyError, TypeError) as error:
        raise _damaged(path) from error


def begin(identity: str, stack: str, move: Unfinished) -> None:
    """Write down what is about to be made, so that a second run knows it from what belongs to others."""
    _write(_moving(identity, stack), asdict(move))


def end(identity: str, stack: str) -> None:
    """Note that the move is over."""
    _moving(identity, stack).unlink(missing_ok=True)


def remote(identity: str) -> dict[str, str]:
    """Return the URLs of states that are not on this machine, by stack; damaged records are left out."""
    found = {}
    for path in sorted(_workspaces(identity).glob("place.*.json")):
        stack = path.name.removeprefix("place.").removesuffix(".json")
        with contextlib.suppress(UserError):
            there = read(identity, stack).current
            if not there.local:
                found[stack] = there.url
    return found


def url(path: Path) -> str:
    """Return the backend that keeps states in the files of a folder."""
    # Metadata would be a second file for each one, not written at once: a kill in between leaves it
    # empty, and Pulumi cannot read the state at all then ("failed to load checkpoint: EOF").
    return f"file://{path}?metadata=skip"


def path(url: str) -> Path:
    """Return the folder of a backend that keeps states in files."""
    return Path(url.removeprefix("file://").partition("?")[0])


def _files(identity: str) -> Path:
    return cache.state_home() / "stacks" / identity


def _workspaces(identity: str) -> Path:
    return cache.state_home() / "workspaces" / identity


def _record(identity: str, stack: str) -> Path:
    return _workspaces(identity) / f"place.{stack}.json"


def _moving(identity: str, stack: str) -> Path:
    return _workspaces(identity) / f"moving.{stack}.json"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        known = json.loads(text)
    except ValueError as error:
        raise _damaged(path) from error
    if not isinstance(known, dict):
        raise _damaged(path)
    return known


def _write(path: Path, content: dict[str, Any]) -> None:
    private.write(path, json.dumps(content, indent=2), durable=True)


def _damaged(path: Path) -> UserError:
    return UserError(
        f"{path} is damaged",
        "it says where the stack's state is; without it a stack that exists would be taken for a new one",
        "bring it back from a backup, or set PULUMI_BACKEND_URL to where the state is",
    )
