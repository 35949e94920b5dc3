"""aardvark-dns, which resolves the names of a Podman's containers, and its end with the last network.

It ends by itself when its folder names no network any more, and reads the folder at each SIGHUP. netavark
sends one for each container that goes; one that comes while aardvark-dns 1.4 stops its servers for the one
before is lost, and then it would run for ever.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from tools.cluster.engine import Engine

# netavark's, one for the whole machine: a file for each network that has containers.
NETWORKS = Path("/run/containers/networks/aardvark-dns")
_PROC = Path("/proc")
_NAME = "aardvark-dns"
_PID = "aardvark.pid"
_SETTING = "CONTAINERS_CONF"
_SECONDS = 5.0


def end(engine: Engine, networks: Iterable[str]) -> None:
    """Take the networks from its folder, and have those that this engine began read it until they end.

    One that still serves another Podman's network reads it once and goes on.
    """
    for network in networks:
        # Nodes that were killed with everything around them stay in it.
        (NETWORKS / network).unlink(missing_ok=True)
    ends = time.monotonic() + _SECONDS
    while (running := _of(engine)) and time.monotonic() < ends:
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGHUP)
        if any(path.name != _PID for path in NETWORKS.glob("*")):
            return
        time.sleep(0.1)


def _of(engine: Engine) -> list[int]:
    """Return the processes that began with the engine's own settings."""
    mark = f"{_SETTING}={engine.environment.get(_SETTING)}".encode()
    found = []
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_one = (folder / "comm").read_text(encoding="utf-8").strip() == _NAME
            # One that has ended and is not waited for has no environment any more.
            if is_one and mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
