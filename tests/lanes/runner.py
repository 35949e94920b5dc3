"""The loop that begins lanes, shows what they print, and ends them when the user wants no more."""

import signal
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tools.toolchain import console

from . import lane, order
from .lane import Lane, Outcome

_POLL_SECONDS = 0.1
# Long enough not to bury the output, short enough to show that a silent machine works.
_WORD_SECONDS = 60.0
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(kw_only=True)
class Runner:
    """A run of lanes, in their order; those of `alone` have the machine for themselves.

    A lane that fails stops no other. What a lane prints is shown whole when it has ended; of one that runs
    alone, as it comes. On SIGINT, SIGTERM or SIGHUP the lanes are interrupted, and killed after a while or at
    the second signal.
    """

    lanes: Sequence[str]
    alone: Collection[str]
    folder: Path
    signals: list[int] = field(default_factory=list)
    _running: list[Lane] = field(default_factory=list)
    _done: dict[str, Outcome] = field(default_factory=dict)

    def run(self) -> list[Outcome]:
        """Run all; returns their outcomes in the order of the lanes, those that were not begun included."""
        waiting = list(self.lanes)
        before = {number: signal.signal(number, self._hear) for number in _ENDS if _is_heard(number)}
        word = time.monotonic()
        try:
            while (waiting or self._running) and not self.signals:
                count = order.beginning(waiting, [one.name for one in self._running], self.alone)
                for name in waiting[:count]:
                    self._begin(name)
                del waiting[:count]
                time.sleep(_POLL_SECONDS)
                self._look()
                if time.monotonic() - word > _WORD_SECONDS:
                    word = time.monotonic()
                    self._say_what_runs()
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)
        return [self._done.get(name, Outcome(name=name)) for name in self.lanes]

    def _hear(self, number: int, _: FrameType | None) -> None:
        self.signals.append(number)

    def _begin(self, name: str) -> None:
        console.say(f".. {name} begins")
        self._running.append(lane.start(name, self.folder / name))

    def _look(self) -> None:
        for one in list(self._running):
            if one.name in self.alone:
                _show(one)
            if not one.is_running:
                self._finish(one)

    def _finish(self, one: Lane, *, interrupted: bool = False) -> None:
        self._running.remove(one)
        outcome = one.outcome(interrupted=interrupted)
        if one.name not in self.alone:
            console.say(f"\n== {one.name}")
        _show(one)
        mark = "ok" if outcome.verdict == "passed" else "--"
        console.say(f"{mark} {one.name} {outcome.verdict} after {console.elapsed(outcome.seconds)}")
        self._done[one.name] = outcome

    def _say_what_runs(self) -> None:
        silent = [one for one in self._running if one.name not in self.alone]
        if silent:
            told = ", ".join(f"{one.name} for {console.elapsed(one.seconds)}" for one in silent)
            console.say(f".. running: {told}")

    def _end_all(self) -> None:
        """Interrupt what runs and wait for it; kill it when the time or the user's patience is over."""
        heard = len(self.signals)
        ends = time.monotonic() + lane.GRACE_SECONDS
        for one in self._running:
            one.interrupt()
        while (
            any(one.is_running for one in self._running)
            and time.monotonic() < ends
            and len(self.signals) == heard
        ):
            time.sleep(_POLL_SECONDS)
        for one in self._running:
            one.kill()
        for one in list(self._running):
            self._finish(one, interrupted=True)


def _is_heard(number: int) -> bool:
    """Leave SIGHUP to nohup. An ignored SIGINT is heard all the same, or the lanes would ignore it too."""
    return number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN


def _show(one: Lane) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(one.unseen())
    sys.stdout.buffer.flush()
