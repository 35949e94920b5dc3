"""The verdict on a drill's runs, against what was promised and what is wanted. Pure."""

import enum
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tools.drills import samples
from tools.drills.observed import Observed
from tools.drills.samples import Sample, Second, Window

# All kinds of requests.
ANY = "any"
_P99 = 0.99
# API servers tell the beginning of the second in which something came.
_WHOLE_SECOND = 1.0
# Ways in which requests failed, of those that a problem names.
_SHOWN = 3


class Failures(enum.Enum):
    """The failed requests that a drill may have."""

    NONE = "none"
    NONE_AFTER_RETRY = "none after a retry"
    BOUNDED = "bounded"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """The promise of the seeds, in their words, and what is wanted here: seconds, and failures.

    `p99_at_most` is how many times its steady p99 a run's may be, from the moment `p99_from` on, which the
    drill notes (None: from the failure on); at `over_with`, another one, requests have stopped failing. None
    where that is not asked. `point` is the recovery point: orders acknowledged in so many seconds before the
    failure, or after it, may be lost; None where none may be.
    """

    seed: str = "-"
    wanted: float | None = None
    failures: Failures = Failures.BOUNDED
    p99_at_most: float | None = None
    p99_from: str | None = None
    over_with: str | None = None
    point: float | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run. `seconds` is the drill's own measure, infinite where it was not restored in time.

    Latencies are in seconds; `begun` is when the load began, `moment` when it failed, `repaired` when all was
    undone, `moments` when else something came, in seconds since 1970. `point` is by how many seconds the
    oldest lost order came before the failure, 0 where none did. `stands` says how things stood where it was
    not restored, `left` what its user has to know afterwards; `observed` is what the cluster's observers
    know, where there are any.
    """

    moment: float
    seconds: float
    sent: int
    failed: int
    failed_for_good: int
    acknowledged: int
    lost: list[str]
    twice: list[str]
    steady_p99: float
    p99: float
    begun: float | None = None
    restored: float | None = None
    repaired: float | None = None
    moments: dict[str, float] = field(default_factory=dict)
    point: float = 0.0
    stands: str = ""
    left: str = ""
    failures: dict[str, int] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)
    course: list[Second] = field(default_factory=list)
    observed: Observed | None = None

    @property
    def begins(self) -> float:
        """Return when the load began; the failure's moment where that is not known."""
        return self.moment if self.begun is None else self.begun

    @property
    def ends(self) -> float:
        """Return the end of the last second of the load, or of what came after it."""
        last = self.moment + self.course[-1].at + 1 if self.course else self.moment
        return max(last, self.restored or last)

    @property
    def last_failure(self) -> float:
        """Return the end of the last request that failed, in seconds since 1970; 0 without any."""
        return max((window.ends for window in self.windows), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A drill on a stack: one line of the table. `problems` is empty where all that was wanted holds."""

    drill: str
    stack: str
    promise: Promise
    runs: list[Measured]
    problems: list[str]

    @property
    def median(self) -> float:
        """Return seconds, of the runs in the middle; infinite when half of them or more were not restored."""
        return statistics.median_high(run.seconds for run in self.runs) if self.runs else math.inf

    @property
    def worst(self) -> float:
        """Return seconds, of the longest run."""
        return max((run.seconds for run in self.runs), default=math.inf)


def judge(
    drill: str, stack: str, promise: Promise, runs: Sequence[Measured], stopped: Sequence[str] = ()
) -> Row:
    """Return the row for these runs; `stopped` are the reasons of runs that came to no end."""
    problems = list(stopped)
    for number, run in enumerate(runs, 1):
        problems += [f"run {number}: {problem}" for problem in _problems(promise, run)]
    if not runs and not stopped:
        problems.append("it was not run")
    return Row(drill=drill, stack=stack, promise=promise, runs=list(runs), problems=problems)


def _problems(promise: Promise, run: Measured) -> list[str]:
    found = [*_too_long(promise, run), *_failures(promise, run)]
    if promise.p99_at_most is not None and run.p99 > promise.p99_at_most * run.steady_p99:
        found.append(f"p99 was {run.p99 * 1000:.0f} ms, steady {run.steady_p99 * 1000:.0f} ms")
    if run.lost:
        found.append(f"{len(run.lost)} acknowledged orders lost: {', '.join(run.lost[:5])}")
    if run.twice:
        found.append(f"{len(run.twice)} orders stored twice: {', '.join(run.twice[:5])}")
    if not run.acknowledged:
        found.append("no order was acknowledged at all, so nothing shows that none is lost")
    return found


def _too_long(promise: Promise, run: Measured) -> list[str]:
    if math.isinf(run.seconds):
        return [f"not restored in the time it had{run.stands and f': {run.stands}'}"]
    if promise.wanted is not None and run.seconds > promise.wanted:
        return [f"took {run.seconds:.1f} s, wanted {promise.wanted:g} s"]
    return []


def _failures(promise: Promise, run: Measured) -> list[str]:
    found = []
    if promise.failures is Failures.NONE and run.failed:
        found.append(f"{run.failed} of {run.sent} requests failed, wanted none{_how(run)}")
    if promise.failures is Failures.NONE_AFTER_RETRY and run.failed_for_good:
        found.append(f"{run.failed_for_good} of {run.sent} requests failed after retries, wanted none")
    over = run.moments.get(promise.over_with or "", math.inf)
    if run.last_failure >= over + _WHOLE_SECOND:
        found.append(f"requests failed for {run.last_failure - over:.1f} s after {promise.over_with}")
    return found


def _how(run: Measured) -> str:
    often = [f"{how} ({count})" for how, count in list(run.failures.items())[:_SHOWN]]
    return f": {', '.join(often)}" if often else ""


def measured(
    found: Sequence[Sample],
    stored: Sequence[tuple[str, str]],
    *,
    moment: float,
    clock: float,
    restored: float | None,
    by: str | None,
) -> Measured:
    """Return one run, from its requests and the orders that are in the database.

    `moment` is when it failed, `clock` from when seconds count, `restored` when it worked again, all since
    1970. `by` is the kind of request that says so itself ("any" for all), None where `restored` does.
    """
    if restored is None:
        seconds = math.inf
    elif by is None:
        seconds = restored - clock
    else:
        seconds = samples.until_good(found, clock, None if by == ANY else by)
    told = samples.acknowledged(found)
    ended = math.inf if restored is None else restored
    return Measured(
        moment=moment,
        seconds=seconds,
        restored=restored,
        sent=len(found),
        failed=sum(each.failed for each in found),
        failed_for_good=sum(each.failed_for_good for each in found),
        acknowledged=len(told),
        lost=samples.lost(told, stored),
        twice=samples.twice(stored),
        steady_p99=samples.percentile((each.latency for each in found if each.due < moment), _P99),
        p99=p99(found, moment, ended),
        failures=samples.failures(found),
        windows=samples.windows(found),
        course=samples.by_second(found, moment),
    )


def to_the_point(
    run: Measured, found: Sequence[Sample], stored: Sequence[tuple[str, str]], point: float
) -> Measured:
    """Return the run as it is judged where orders may be lost that are younger than a recovery point.

    `point` is in seconds before the failure. What was acknowledged after the failure may be lost, too.
    """
    gone = samples.lost(samples.acknowledged(found, until=run.moment), stored)
    oldest = min((each.ended for each in found if each.number in gone), default=run.moment)
    older = samples.acknowledged(found, until=run.moment - point)
    return replace(run, lost=samples.lost(older, stored), point=run.moment - oldest)


def p99(found: Sequence[Sample], begins: float, ends: float) -> float:
    """Return the latency, in seconds, that one in a hundred of the requests due in that time exceeds."""
    return samples.percentile((each.latency for each in found if begins <= each.due <= ends), _P99)
