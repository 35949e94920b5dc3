"""Other processes of this machine, as the kernel shows them; one that is a zombie does not run."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_ZOMBIE = "Z"
# After the name, which is in parentheses and may hold anything: the state, and the 20th is the start.
_STATE, _START = 0, 19


def numbers() -> Iterator[int]:
    """Return the number of every process; none where there is no /proc."""
    for folder in _PROC.glob("[0-9]*"):
        yield int(folder.name)


def runs(number: int) -> bool:
    """Return whether the process runs; one that cannot be looked at does."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = _status(number)
    return not status or status[_STATE] != _ZOMBIE


def variables(number: int) -> dict[str, str]:
    """Return its environment as it was at its start; nothing where that cannot be read."""
    with contextlib.suppress(OSError):
        lines = (_PROC / str(number) / "environ").read_bytes().decode(errors="replace").split("\0")
        return dict(line.split("=", 1) for line in lines if "=" in line)
    return {}


def command(number: int) -> list[str]:
    """Return its command line; nothing for a zombie, or where that cannot be read."""
    with contextlib.suppress(OSError):
        text = (_PROC / str(number) / "cmdline").read_bytes().decode(errors="replace")
        return text.removesuffix("\0").split("\0") if text else []
    return []


def programs(number: int) -> set[str]:
    """Return the names of what it may be running: its program's file, and the script of an interpreter."""
    found = {Path(word).name for word in command(number)[:2]}
    with contextlib.suppress(OSError):
        found.add((_PROC / str(number) / "exe").readlink().name)
    return found


def started(number: int) -> float | None:
    """Return when it started, in seconds of the wall clock; None where that cannot be read."""
    status = _status(number)
    if not status:
        return None
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted + int(status[_START]) / os.sysconf("SC_CLK_TCK")


def _status(number: int) -> list[str]:
    with contextlib.suppress(OSError):
        text = (_PROC / str(number) / "stat").read_text(encoding="utf-8", errors="replace")
        return text.rpartition(")")[2].split()
    return []
