"""Pulumi's own lock on a stack: who holds it, and what to do when nobody does any more."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

from state import tombstone
from toolchain.refusal import Refusal

SAID = "the stack is currently locked"
_OWNER = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
_PATH = re.compile(r"(\.pulumi/locks/\S+?\.json)\S*: created by ")


def left_behind(text: str) -> list[str]:
    """The paths of the locks in pulumi's message, if killed runs of this machine left all of them."""
    return _PATH.findall(text) if _gone(_owners(text)) and not tombstone.said(text) else []


def refused(text: str, stack: str, chosen: str | None = None) -> Refusal:
    """What to tell who was kept out by the lock that pulumi's message describes.

    `chosen` is what follows a `make` command that is about this stack on this cluster.
    """
    if moved := tombstone.said(text):
        return moved.refused(stack, "", chosen)
    owners = _owners(text)
    gone = _gone(owners)
    which = f" STACK={stack}" if chosen is None else chosen
    cancel = f'eval "$(make -s shell{which})" && pulumi cancel --yes {stack}'
    return Refusal(
        f"the stack {stack} is locked" + "".join(f"\nby {owner}" for owner in owners),
        "two who write one state at the same time would each undo what the other has recorded",
        f"unlock it: {cancel}\nand run it again: it goes on from what is recorded"
        if gone
        else "wait until that run has ended; if it never will (killed, machine gone), and only then,\n"
        f"unlock it: {cancel}",
    )


_GONE = ", which does not run any more"


def _owners(text: str) -> list[str]:
    return [_owner(found) for found in _OWNER.finditer(text)]


def _gone(owners: list[str]) -> bool:
    return bool(owners) and all(owner.endswith(_GONE) for owner in owners)


def _owner(found: re.Match[str]) -> str:
    who = f"{found['user']}@{found['host']}, process {found['pid']}, since {found['since']}"
    # Of a process on another machine nothing can be known.
    dead = found["host"] == socket.gethostname() and not _runs(int(found["pid"]))
    return who + (_GONE if dead else "")


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A number that went to another program is no lock's owner either.
    command = Path(f"/proc/{process}/cmdline")
    return not command.exists() or b"pulumi" in command.read_bytes()
