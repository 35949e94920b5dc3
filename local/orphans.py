"""Processes of a run that was killed: pulumi's plugins live in groups of their own and outlast it.

A shell that was given the stack's variables hands them to all it starts; only what is pulumi's is ended.
"""

import contextlib
import os
import signal
from pathlib import Path

_INIT = 1
# A user's own manager takes orphans in before init does.
_MANAGER = "systemd"


def end(variable: str, value: str) -> list[int]:
    """End pulumi's processes with `variable=value` in their environment and a dead parent; returns their ids.

    The value must be one that only this project has, such as the URL of its own state.
    """
    wanted = f"{variable}={value}".encode()
    ended = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            if b"pulumi" not in (folder / "cmdline").read_bytes():
                continue
            # The parent stands second after the name, which is in parentheses and may hold anything.
            parent = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            if parent == _INIT or _name(parent) == _MANAGER:
                os.kill(int(folder.name), signal.SIGTERM)
                ended.append(int(folder.name))
    return ended


def _name(process: int) -> str:
    return Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip()
