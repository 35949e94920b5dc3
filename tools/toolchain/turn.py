"""Turns: what two commands must not work on at the same time, one of them waits for or is refused.

The lock is a file next to the state, so that a command that finds the state finds the lock. It says who
holds it, is free when its holder is dead, and is deleted when its holder is done.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tools.toolchain import cache
from tools.toolchain.console import Step, elapsed
from tools.toolchain.errors import UserError

# After that a command does not wait any longer.
PATIENCE_SECONDS = 600.0

_PAUSE_SECONDS = 0.2


def cluster(name: str) -> contextlib.AbstractContextManager[None]:
    """Have the making and deleting of the local cluster of this name to this command alone."""
    return _alone(f"cluster-{name}", f"the cluster {name}")


def state(identity: str) -> contextlib.AbstractContextManager[None]:
    """Have the stacks of the cluster with this identity to this command alone, whatever name it goes by."""
    return _alone(f"state-{identity}", f"the stacks of the cluster {identity}")


def busy() -> list[str]:
    """Return the names of the locks that processes hold now."""
    return [path.stem for path in sorted(_folder().glob("*.lock")) if _holder(path)]


def wait(look: Callable[[], Sequence[str]], note: Callable[[str], None]) -> tuple[Sequence[str], float]:
    """Wait until `look` finds no holder any more; returns those that are left, and the seconds it took."""
    began = time.monotonic()
    told = False
    while holders := look():
        spent = time.monotonic() - began
        if spent >= PATIENCE_SECONDS:
            return holders, spent
        text = "; ".join(holders)
        if not told:
            sys.stderr.write(f"waiting for {text}\n")
            sys.stderr.flush()
            told = True
        note(f"{elapsed(spent)} of {elapsed(PATIENCE_SECONDS)} for {text}")
        time.sleep(_PAUSE_SECONDS)
    return [], time.monotonic() - began


@contextmanager
def _alone(name: str, what: str) -> Iterator[None]:
    path = _folder() / f"{name}.lock"
    handle = _take(path) or _waited(path, what)
    try:
        yield
    finally:
        # A command that has opened it meanwhile sees that it is no longer the file of that name.
        path.unlink(missing_ok=True)
        handle.close()


def _waited(path: Path, what: str) -> IO[str]:
    taken: list[IO[str]] = []

    def look() -> list[str]:
        handle = _take(path)
        if handle is None:
            return [_holder(path) or "another command"]
        taken.append(handle)
        return []

    with Step("turn", f"waiting for {what}") as step:
        holders, spent = wait(look, step.note)
        if holders:
            raise UserError(
                f"{what} is in use, after {elapsed(spent)} of waiting\nby {'; '.join(holders)}",
                "two commands that change it at the same time would undo each other's work",
                "wait until that one has ended, or press Ctrl-C where it runs, and run this again",
            )
        step.result(f"{what}: free after {elapsed(spent)}")
    return taken[0]


def _take(path: Path) -> IO[str] | None:
    """Take the lock, with who has it; None when another process has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        current = os.path.samestat(path.stat(), os.fstat(handle.fileno()))
    except (BlockingIOError, FileNotFoundError):
        current = False
    if not current:
        handle.close()
        return None
    handle.truncate(0)
    json.dump({"pid": os.getpid(), "command": shlex.join(sys.orig_argv[1:5]), "since": time.time()}, handle)
    handle.flush()
    return handle


def _holder(path: Path) -> str | None:
    """Return who holds the lock; None when no process does."""
    try:
        with path.open(encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _told(handle.read())
    except FileNotFoundError:
        pass
    return None


def _told(text: str) -> str:
    try:
        known = json.loads(text)
        since = time.strftime("%H:%M:%S", time.localtime(known["since"]))
        return f"process {known['pid']} ({known['command']}), since {since}"
    except (ValueError, KeyError, TypeError):
        return "another command"


def _folder() -> Path:
    return cache.state_home() / "locks"
