"""Waiting for a condition that is asked of a cluster which may just be broken."""

import time
from collections.abc import Callable

from tools.toolchain.process import CommandError

# Some questions are processes (psql); more of them would take the processors from what is drilled.
_PAUSE_SECONDS = 0.25


def until(seen: Callable[[], bool], seconds: float) -> bool:
    """Ask until it holds, for so many seconds at the most; whether it did.

    A question that cannot be answered (a refused connection, a failing command) counts as no.
    """
    ended = time.monotonic() + seconds
    while True:
        try:
            if seen():
                return True
        except (CommandError, OSError, LookupError, ValueError):
            pass
        if time.monotonic() > ended:
            return False
        time.sleep(_PAUSE_SECONDS)
