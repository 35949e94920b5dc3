"""Waits for a condition, never for a time, and work during a wait."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from .running import CommandError

T = TypeVar("T")

_PAUSE = 0.2


def until(seen: Callable[[], T | None], *, what: str, within: float) -> T:
    """Return the first thing from `seen` that is not empty; ask again until `within` seconds have passed.

    A question that cannot be answered yet (a refused connection, a failing command) counts as no.
    """
    ended = time.monotonic() + within
    last: object = None
    while True:
        try:
            found = seen()
        except (OSError, ValueError, LookupError, CommandError) as problem:
            last = problem
        else:
            if found:
                return found
            last = found
        if time.monotonic() > ended:
            raise AssertionError(f"waited {within:.0f} s for {what}; last seen: {last!r}")
        time.sleep(_PAUSE)


@contextmanager
def meanwhile(work: Callable[[threading.Event], None], *, workers: int = 1) -> Iterator[None]:
    """Have `work` done in the background while the block runs; it returns soon after its event is set."""
    over = threading.Event()
    threads = [threading.Thread(target=work, args=[over], daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=10)
