"""Pulumi's own locks on a stack: who holds them, and which of them were left by processes that are gone."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tools.state import tombstone
from tools.toolchain import proc
from tools.toolchain.console import elapsed
from tools.toolchain.errors import UserError

BACKEND = "PULUMI_BACKEND_URL"

_OWNER = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
_PATH = re.compile(r"(\.pulumi/locks/\S+?\.json)\S*: created by ")
_PULUMI = "pulumi"
# Pulumi writes a lock next to its place and renames it: what is not whole by then never will be.
_WRITTEN_SECONDS = 10.0
# The clock of the lock and that of the process' start are not read at once.
_CLOCK_SECONDS = 2.0
_GONE = ", which does not run any more"
_TWO = "two that write one state at the same time would each undo what the other has recorded"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The writer of a lock. Nothing is known of the writer of one that is torn: its `process` is 0."""

    path: Path
    user: str = ""
    host: str = ""
    process: int = 0
    since: str = ""

    def __str__(self) -> str:
        """Return who it is, for a message."""
        if not self.process:
            return f"the unknown writer of {self.path}, which cannot be read"
        return f"{self.user}@{self.host}, process {self.process}, since {self.since}"


def held(files: Path, project: str, stack: str) -> list[Owner]:
    """Return who holds the stack in these files; the locks of processes that are gone are deleted first.

    A tombstone holds nothing: whether the state is still here is asked of `burial`.
    Each lock has a name that no other one ever has, so that a new one is never deleted for an old one.
    """
    left = []
    for owner in _owners_in(files, project, stack):
        if _is_gone(owner, files):
            for path in (owner.path, owner.path.with_name(f"{owner.path.name}.attrs")):
                path.unlink(missing_ok=True)
        else:
            left.append(owner)
    return left


def stacks(files: Path) -> set[tuple[str, str]]:
    """Return the projects and stacks of which these files have locks."""
    found = _folder(files).glob("organization/*/*/*")
    return {(path.parent.parent.name, path.parent.name) for path in found}


def kept_out(owners: list[Owner], stack: str, seconds: float) -> UserError:
    """Return what to tell the user of a command that has waited for the owners of a local stack in vain."""
    paths = " ".join(str(owner.path) for owner in owners)
    return UserError(
        f"the stack {stack} is still locked, after {elapsed(seconds)} of waiting"
        + "".join(f"\nby {owner}" for owner in owners),
        _TWO,
        "wait until that run has ended, and run this again; if it never will (its machine is gone),\n"
        f"and only then, unlock it: rm {paths}",
    )


def left_behind(text: str) -> list[str]:
    """Return the paths of the locks in pulumi's message, if killed runs of this machine left all of them."""
    return _PATH.findall(text) if _gone(_owners(text)) and not tombstone.said(text) else []


def refused(text: str, stack: str, chosen: str | None = None) -> UserError:
    """Return what to tell who was kept out by the lock that pulumi's message describes.

    `chosen` is what follows a `make` command that is about this stack on this cluster.
    """
    if moved := tombstone.said(text):
        return moved.refused(stack, "", chosen)
    owners = _owners(text)
    gone = _gone(owners)
    which = f" STACK={stack}" if chosen is None else chosen
    cancel = f'eval "$(make -s shell{which})" && pulumi cancel --yes {stack}'
    return UserError(
        f"the stack {stack} is locked" + "".join(f"\nby {owner}" for owner in owners),
        _TWO,
        f"unlock it: {cancel}\nand run it again: it goes on from what is recorded"
        if gone
        else "wait until that run has ended; if it never will (killed, machine gone), and only then,\n"
        f"unlock it: {cancel}",
    )


def _owners_in(files: Path, project: str, stack: str) -> Iterator[Owner]:
    # The second is where Pulumi keeps stacks without a project, if it is told to.
    for folder in (_folder(files) / "organization" / project / stack, _folder(files) / stack):
        for path in sorted(folder.glob("*")):
            if path.is_file() and path.suffix != ".attrs" and path.name != tombstone.NAME:
                yield _read(path)


def _read(path: Path) -> Owner:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return Owner(
            path=path,
            user=str(known["username"]),
            host=str(known["hostname"]),
            process=int(known["pid"]),
            since=str(known["timestamp"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Owner(path=path)


def _is_gone(owner: Owner, files: Path) -> bool:
    if owner.process:
        # Of a process on another machine nothing can be known.
        return owner.host == socket.gethostname() and not _runs(owner.process, owner.since, files)
    try:
        written = owner.path.stat().st_mtime
    except FileNotFoundError:
        return True
    return time.time() - written > _WRITTEN_SECONDS and not _any_at_work(files)


def _runs(process: int, since: str = "", files: Path | None = None) -> bool:
    if not proc.runs(process):
        return False
    names = proc.programs(process)
    # A number that went to another program is no lock's owner; what cannot be looked at may be.
    if names and not any(_PULUMI in name for name in names):
        return False
    return files is None or not _came_later(process, since, files)


def _came_later(process: int, since: str, files: Path) -> bool:
    """Return whether another pulumi has the process id: it started after the lock, for another state.

    Clocks are set back and forth, so that the times alone prove nothing.
    """
    began = proc.started(process)
    try:
        locked = datetime.fromisoformat(since).timestamp()
    except ValueError:
        return False
    url = proc.variables(process).get(BACKEND)
    if began is None or url is None:
        return False
    return began > locked + _CLOCK_SECONDS and not _is_of(url, files)


def _any_at_work(files: Path) -> bool:
    return any(
        any(_PULUMI in name for name in proc.programs(number))
        and _is_of(proc.variables(number).get(BACKEND, ""), files)
        for number in proc.numbers()
    )


def _is_of(url: str, files: Path) -> bool:
    """Return whether a backend's URL names these files."""
    path = url.removeprefix("file://").partition("?")[0]
    return url.startswith("file:") and Path(path).expanduser().resolve() == files.resolve()


def _owners(text: str) -> list[str]:
    return [_owner(found) for found in _OWNER.finditer(text)]


def _gone(owners: list[str]) -> bool:
    return bool(owners) and all(owner.endswith(_GONE) for owner in owners)


def _owner(found: re.Match[str]) -> str:
    who = f"{found['user']}@{found['host']}, process {found['pid']}, since {found['since']}"
    dead = found["host"] == socket.gethostname() and not _runs(int(found["pid"]))
    return who + (_GONE if dead else "")


def _folder(files: Path) -> Path:
    return files / ".pulumi" / "locks"
