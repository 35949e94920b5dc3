"""Work in threads of their own, for what a later step needs and an idle processor can do now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from tools.toolchain.console import Step

T = TypeVar("T")

_LOOK_SECONDS = 0.1
_failed: list[BaseException] = []


class Task(Generic[T]):
    """Work under way. `wait` shows how far it is, and returns or raises what came of it.

    A failure is not kept back until its own result is asked for: whichever wait comes first raises it, since
    the command cannot succeed any more. The threads end with the process, and what they run with them.
    """

    def __init__(self, work: Callable[[Step], T]) -> None:
        """Begin at once; `work` is given a step that prints nothing, to say how far it is."""
        self._work = work
        self._step = Step("", "")
        self._ended = threading.Event()
        self._results: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def wait(self, step: Step) -> T:
        """Return what the work made, its progress shown as the progress of `step`."""
        while not self._ended.wait(_LOOK_SECONDS):
            step.note(self._step.noted)
            if _failed:
                raise _failed.pop()
        if self._error is not None:
            if self._error in _failed:
                _failed.remove(self._error)
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work(self._step))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
            self._error = error
            _failed.append(error)
        self._ended.set()
