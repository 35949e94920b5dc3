"""Processes of a run that was killed: pulumi's plugins live in groups of their own and outlast it.

A shell that was given the stack's variables hands them to all it starts; only what is pulumi's is ended.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

_INIT = 1
# A user's own manager takes orphans in before init does.
_MANAGER = "systemd"


def end(variable: str, value: str) -> list[int]:
    """End pulumi's processes with `variable=value` in their environment and a dead parent; returns their ids.

    So too what such a process started: the policy pack runs below a shell. The value must be one that only
    this project has, such as the URL of its own state.
    """
    parents = dict(_candidates(f"{variable}={value}".encode()))
    ended = {number for number, parent in parents.items() if _took_in(parent)}
    while below := {number for number, parent in parents.items() if parent in ended} - ended:
        ended |= below
    for number in ended:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)
    return sorted(ended)


def _candidates(wanted: bytes) -> Iterator[tuple[int, int]]:
    """Processes of pulumi's with this in their environment, each with its parent."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            if b"pulumi" not in (folder / "cmdline").read_bytes():
                continue
            # The parent stands second after the name, which is in parentheses and may hold anything.
            status = (folder / "stat").read_text(encoding="utf-8")
            yield int(folder.name), int(status.rpartition(")")[2].split()[1])


def _took_in(parent: int) -> bool:
    with contextlib.suppress(OSError):
        return parent == _INIT or _name(parent) == _MANAGER
    return True


def _name(process: int) -> str:
    return Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip()
