"""Try again, a bounded number of times, with exponential backoff and full jitter."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Exponential backoff: the number of attempts and their delays, in seconds."""

    attempts: int = 3
    base: float = 0.05
    factor: float = 2.0
    cap: float = 1.0

    def delays(self, rand: Callable[[], float] = random.random) -> Iterator[float]:
        """Yield the waits between attempts, one fewer than attempts: each at random, half a step to a step.

        Random, because clients that failed together would otherwise come back together. Never less than half
        of the step, because an immediate retry meets the same failure.
        """
        step = self.base
        for _ in range(self.attempts - 1):
            yield min(step, self.cap) * (0.5 + rand() / 2)
            step = min(step * self.factor, self.cap)


async def retry(
    operation: Callable[[], Awaitable[T]],
    *,
    is_transient: Callable[[Exception], bool],
    backoff: Backoff,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Return the operation's result, or its last error. The operation must be safe to repeat."""
    for delay in backoff.delays():
        try:
            return await operation()
        except Exception as error:
            if not is_transient(error):
                raise
        await sleep(delay)
    return await operation()
