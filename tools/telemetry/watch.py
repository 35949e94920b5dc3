"""Watch over canaries: their figures are read again and again, from the moment when they get requests.

The first reading is what the store read after it was asked: what it knew by then may be a minute old, and of
the version before.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tools.telemetry import canary, prometheus
from tools.telemetry.asking import AwayError, RefusedError, Source
from tools.telemetry.canary import CANARY, PRESENT, Outcome, Reading, UnjudgedError, Watched, WorseError

_PAUSE_SECONDS = 5.0
# A store may start again meanwhile.
_PATIENCE_SECONDS = 30.0
# Collectors read every minute, or more often.
_FRESH_SECONDS = 120.0


@dataclass(kw_only=True)
class Watch:
    """Canaries that are watched, from a first reading on; `clock` and `pause` are those of `time`."""

    source: Source
    watched: Sequence[Watched]
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _first: list[Reading] = field(default_factory=list)

    def begin(self) -> None:
        """Read the counters from which on is counted, as they are now.

        Raises:
            UnjudgedError: when the store does not tell them for a while.
        """
        since = {each.tier: self._read(each) for each in self.watched}
        self._first = [self._fresh(each, canary.now(since[each.tier])) for each in self.watched]

    def run(self, note: Callable[[str], None]) -> list[Outcome]:
        """Watch until each one's time is over; return what was counted, in the order of `watched`.

        Raises:
            WorseError: as soon as one is certain to be worse than its limits.
            UnjudgedError: when the store is away for too long, or there were too few requests.
        """
        started = self.clock()
        longest = max(each.limits.seconds for each in self.watched)
        done: dict[int, Outcome] = {}
        while len(done) < len(self.watched):
            self.pause(min(_PAUSE_SECONDS, max(0.0, started + longest - self.clock())) or _PAUSE_SECONDS)
            for number, each in enumerate(self.watched):
                if number in done:
                    continue
                now = self._outcome(number)
                spent = self.clock() - started
                if spent >= each.limits.seconds:
                    _judge(now)
                    done[number] = now
                elif now.certain(spent / each.limits.seconds):
                    raise WorseError(
                        f"{now}: after {spent:.0f} of {each.limits.seconds} s more have failed "
                        f"than {each.limits.max_error_percent:g} % of all would be"
                    )
                else:
                    note(f"{each.tier}: {now.canary}, {each.limits.seconds - spent:.0f} s left")
        return [done[number] for number in range(len(self.watched))]

    def _fresh(self, each: Watched, since: float) -> Reading:
        """Return what the store read after this time of its own."""
        ended = self.clock() + _FRESH_SECONDS
        while canary.read(found := self._read(each)) < since:
            if self.clock() > ended:
                raise UnjudgedError(f"the store of metrics has not read the edge for {_FRESH_SECONDS:.0f} s")
            self.pause(1.0)
        return found

    def _outcome(self, number: int) -> Outcome:
        watched = self.watched[number]
        first, last = self._first[number], self._read(watched)
        return Outcome(
            watched=watched,
            canary=canary.counted(first, last, CANARY),
            present=canary.counted(first, last, PRESENT),
        )

    def _read(self, each: Watched) -> Reading:
        ended = self.clock() + _PATIENCE_SECONDS
        while True:
            try:
                values = prometheus.ask(self.source, canary.query(each))
                canary.must_be_of_the_edge(values)
                return canary.reading(values)
            except RefusedError as problem:
                raise UnjudgedError(
                    f"the store of metrics does not take the question: {problem}"
                ) from problem
            except (AwayError, UnjudgedError) as problem:
                if self.clock() > ended:
                    raise UnjudgedError(f"the store of metrics: {problem}") from problem
            self.pause(1.0)


def _judge(outcome: Outcome) -> None:
    if outcome.canary.requests < outcome.watched.least:
        raise UnjudgedError(
            f"{outcome}: that tells too little, at least {outcome.watched.least} requests of the canary would"
        )
    if outcome.problems:
        raise WorseError(f"{outcome}: {' and '.join(outcome.problems)}")
