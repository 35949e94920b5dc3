"""A circuit breaker: after repeated failures, fail at once for a while instead of waiting for the database.

Pure: no clock of its own, no I/O, no knowledge of PostgreSQL. Not thread-safe; one event loop uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from time import monotonic


class State(Enum):
    """Closed lets calls through, open refuses them, half-open lets one through to find out."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class CircuitOpenError(Exception):
    """The call was refused without trying; `retry_after` is the number of seconds to wait."""

    def __init__(self, retry_after: float) -> None:
        """Carry the time left, for a Retry-After header."""
        super().__init__(f"the circuit is open for another {retry_after:.1f} s")
        self.retry_after = retry_after


class CircuitBreaker:
    """Opens after `threshold` failures in a row; `recovery_seconds` later lets a single trial through."""

    def __init__(
        self,
        *,
        threshold: int = 5,
        recovery_seconds: float = 2.0,
        clock: Callable[[], float] = monotonic,
        on_change: Callable[[State, State], None] | None = None,
    ) -> None:
        """Start closed. `on_change` is told (before, after) of each transition."""
        self._threshold = threshold
        self._recovery_seconds = recovery_seconds
        self._clock = clock
        self._on_change = on_change
        self._state = State.CLOSED
        self._failures = 0
        self._opened_at = 0.0
        self._trial_running = False

    @property
    def state(self) -> State:
        """The state now; an open circuit whose time is up still reads as open until a call tries it."""
        return self._state

    @contextmanager
    def guard(self, is_failure: Callable[[Exception], bool | None]) -> Iterator[None]:
        """Run one call under the breaker; raises CircuitOpenError instead of entering while open.

        An exception for which `is_failure` is false means that the other side answered: a success. One for
        which it is None says nothing about the other side, and counts as neither, like a cancelled call.
        """
        self._enter()
        try:
            yield
        except Exception as error:
            verdict = is_failure(error)
            if verdict is None:
                self._trial_running = False
            elif verdict:
                self.failed()
            else:
                self.succeeded()
            raise
        except BaseException:
            self._trial_running = False
            raise
        else:
            self.succeeded()

    def succeeded(self) -> None:
        """Close: the other side answered."""
        self._failures = 0
        self._trial_running = False
        self._change(State.CLOSED)

    def failed(self) -> None:
        """Count a missing answer, and open when it was the trial or one too many."""
        self._failures += 1
        self._trial_running = False
        if self._state is State.CLOSED and self._failures < self._threshold:
            return
        # A call that was admitted earlier and fails while open is no news: it must not prolong the wait.
        if self._state is not State.OPEN:
            self._opened_at = self._clock()
        self._change(State.OPEN)

    def _enter(self) -> None:
        if self._state is State.OPEN:
            remaining = self._opened_at + self._recovery_seconds - self._clock()
            if remaining > 0:
                raise CircuitOpenError(remaining)
            self._change(State.HALF_OPEN)
        if self._state is State.HALF_OPEN:
            if self._trial_running:
                raise CircuitOpenError(self._recovery_seconds)
            self._trial_running = True

    def _change(self, state: State) -> None:
        before, self._state = self._state, state
        if before is not state and self._on_change is not None:
            self._on_change(before, state)
