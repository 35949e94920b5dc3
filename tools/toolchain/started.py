"""Programs that this project started, recorded, so that the next run ends what a killed one left running.

A run is recorded as a file under a name of its own, and its processes carry that name in their environment.
Only both together make a process this project's: neither a dead parent nor a variable of the user's does.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tools.toolchain import private, proc

VARIABLE = "FEASTFLOW_RUN"

_GRACE_SECONDS = 5.0


@contextlib.contextmanager
def recorded(folder: Path) -> Iterator[dict[str, str]]:
    """Record a run in the folder for the length of the block; yields what its environment must say.

    A block that does not come to its end leaves the record: its program may have left others running.
    """
    name = uuid.uuid4().hex
    private.folder(folder)
    (folder / name).touch(mode=private.FILE)
    yield {VARIABLE: name}
    (folder / name).unlink(missing_ok=True)


def end(folder: Path, ours: Callable[[int], bool], main: str | None = None) -> list[int]:
    """End what the runs that are recorded there left running; returns the processes that were ended.

    The caller sees to it that no command is at work that may have recorded one of them.

    Args:
        folder: where the runs are recorded.
        ours: whether a process that carries a run's name is one to end; others inherit it.
        main: the program that makes a run: while it lives, the run is none that was left, and stays recorded.

    """
    runs = {path.name: path for path in folder.glob("*")} if folder.is_dir() else {}
    if not runs:
        return []
    carrying: dict[str, list[int]] = {name: [] for name in runs}
    for number in proc.numbers():
        name = proc.variables(number).get(VARIABLE, "")
        if name in runs and number != os.getpid() and ours(number):
            carrying[name].append(number)
    ended = []
    for name, numbers in carrying.items():
        if main is not None and any(main in proc.programs(number) for number in numbers):
            continue
        ended += _end(numbers, name)
        runs[name].unlink(missing_ok=True)
    return sorted(ended)


def _end(numbers: list[int], name: str) -> list[int]:
    """End the processes, by force where they take too long; a number may be another one's meanwhile."""
    handles: dict[int, int] = {}
    try:
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                handles[number] = os.pidfd_open(number)
        # What is looked at now is what the handle stands for, and nothing else ever will be.
        ours = {n: handle for n, handle in handles.items() if proc.variables(n).get(VARIABLE) == name}
        for number in (signal.SIGTERM, signal.SIGKILL):
            for handle in _alive(ours.values(), 0):
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
            _alive(ours.values(), _GRACE_SECONDS)
        return list(ours)
    finally:
        for handle in handles.values():
            os.close(handle)


def _alive(handles: Iterable[int], seconds: float) -> list[int]:
    """Wait until all have ended, or for so long; returns those that have not."""
    left = set(handles)
    ends = time.monotonic() + seconds
    while left:
        over, _, _ = select.select(left, [], [], max(0.0, ends - time.monotonic()))
        left -= set(over)
        if not over:
            break
    return list(left)
