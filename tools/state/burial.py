"""Tombstones on states, in files and buckets: put, read, lifted, settled after a move that was cut off."""

from __future__ import annotations

import getpass
import shlex
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tools.state import place as places
from tools.state import tombstone
from tools.state.address import Address
from tools.state.place import Place
from tools.state.tombstone import Tombstone
from tools.toolchain import private
from tools.toolchain.errors import UserError

if TYPE_CHECKING:
    from tools.state.aws import Objects


def put(there: Place, project: str, stack: str, to: Place, fingerprint: str) -> None:
    """Leave a tombstone on the stack in this place.

    Raises:
        UserError: when the bucket cannot be written to.
    """
    stone = Tombstone(
        to=to.url,
        by=f"{_user()}@{socket.gethostname()}",
        since=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=fingerprint,
    )
    _write(there, project, stack, stone)


def follow(there: Place, project: str, stack: str, stone: Tombstone) -> None:
    """Write on the tombstone that this machine uses the state where it leads.

    Raises:
        UserError: when the bucket cannot be written to.
    """
    _write(there, project, stack, replace(stone, followed=True))


def read(there: Place, project: str, stack: str) -> Tombstone | None:
    """Return the tombstone on the stack in this place.

    Raises:
        UserError: when the bucket cannot be read, or the tombstone is damaged.
    """
    path = tombstone.path(project, stack)
    if there.address:
        content = _bucket(there.address).get(path)
    else:
        file = _file(there, path)
        content = file.read_text(encoding="utf-8") if file.exists() else None
    if content is None:
        return None
    found = tombstone.read(content)
    if found is None:
        raise UserError(
            f"the tombstone of {stack} in {there.url} cannot be read",
            "the state was moved away from there, and where it went is not known",
            "ask who moved it; if the state there is the one to use, and only then, remove the tombstone:\n"
            f"PULUMI_BACKEND_URL={shlex.quote(there.url)} pulumi cancel --yes {stack}",
        )
    return found


def lift(there: Place, project: str, stack: str) -> None:
    """Remove the tombstone from the stack in this place, if there is one.

    Raises:
        UserError: when the bucket cannot be written to.
    """
    path = tombstone.path(project, stack)
    if there.address:
        _bucket(there.address).delete(path)
    else:
        _file(there, path).unlink(missing_ok=True)


def settle(identity: str, project: str, stack: str, chosen: str | None = None) -> None:
    """Lift what a move that was cut off left on the state in use; refuse a state that has moved away.

    `chosen` is what follows a `make` command that is about this stack. The caller holds this machine's lock.

    Raises:
        UserError: when another machine has moved the state, or uses it already where this one was moving it.
    """
    current = places.read(identity, stack).current
    stone = read(current, project, stack)
    if stone is None:
        return
    begun = places.unfinished(identity, stack)
    if begun is None or begun.place == current or not stone.left_by(begun.place):
        raise stone.refused(stack, current.url, chosen)
    lift(current, project, stack)


def _write(there: Place, project: str, stack: str, stone: Tombstone) -> None:
    path = tombstone.path(project, stack)
    if there.address:
        _bucket(there.address).put(path, stone.content)
        return
    file = _file(there, path)
    # Its draft does not end in .json: Pulumi reads whatever does here.
    private.write(file, stone.content)


def _file(there: Place, path: str) -> Path:
    return places.files(there) / path


def _bucket(address: Address) -> Objects:
    # AWS's SDK takes its time to load; a state in files does without.
    from tools.state import aws  # noqa: PLC0415

    return aws.Objects(address=address)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "an unknown user"
