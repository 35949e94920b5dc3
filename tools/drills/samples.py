"""The outcomes of requests, and what they say: failures, their windows, latencies. Pure."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ORDER = "order"
_GOOD = (200, 201)
# Failures further apart than this are two events.
_GAP_SECONDS = 1.0
# It is quiet after so many seconds without a failure, in which as much of all requests as this was answered
# within so long: what hangs has not failed yet, and is not well either.
_QUIET_SECONDS = 4.0
_PATIENCE_SECONDS = 1.0
_WHOLE = 0.97


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One request. `due` is in seconds since 1970, `latency` and `total` are seconds from then.

    `first` and `latency` are of the first attempt, `code` and `total` of the last; a code is 0 where nothing
    came back. `number` and `note` are those of an order that was acknowledged.
    """

    kind: str
    due: float
    first: int
    latency: float
    code: int
    total: float
    attempts: int
    error: str = ""
    number: str = ""
    note: str = ""

    @property
    def ended(self) -> float:
        """Return when its last attempt was answered, in seconds since 1970."""
        return self.due + self.total

    @property
    def failed(self) -> bool:
        """Return whether its first attempt failed: what a client sees that never asks again."""
        return self.first not in _GOOD

    @property
    def failed_for_good(self) -> bool:
        """Return whether its last attempt failed: what a customer of the demo's page sees."""
        return self.code not in _GOOD


@dataclass(frozen=True, kw_only=True)
class Window:
    """Failures close to each other: from the first one's due time to when the last one was known."""

    begins: float
    ends: float
    failed: int


@dataclass(frozen=True, kw_only=True)
class Second:
    """All that was due within one second. Latencies in seconds; `at` counts from the moment of failure."""

    at: int
    sent: int
    failed: int
    p50: float
    p99: float


def read(line: str) -> Sample:
    """Read a line of the load generator.

    Raises:
        ValueError: when it is none.
    """
    found = json.loads(line)
    try:
        return Sample(
            kind=found["kind"],
            due=found["due"],
            first=found["first"],
            latency=found["latency"],
            code=found["code"],
            total=found["total"],
            attempts=found["attempts"],
            error=found.get("error", ""),
            number=found.get("number", ""),
            note=found.get("note", ""),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no line of the load generator: {line[:80]!r}") from error


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of all do not exceed; 0 without any."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def failures(samples: Iterable[Sample]) -> dict[str, int]:
    """Return the failures of first attempts with their number, largest first: `menu 502`, `order timeout`."""
    # Of an error the last part: what comes before are addresses and ports.
    named = (
        f"{each.kind} {each.first or each.error.rpartition(': ')[2] or 'no answer'}"
        for each in samples
        if each.failed
    )
    return dict(Counter(named).most_common())


def windows(samples: Iterable[Sample]) -> list[Window]:
    """Return when first attempts failed, in order; single failures have a window of their own."""
    found: list[Window] = []
    for sample in sorted((each for each in samples if each.failed), key=lambda each: each.due):
        ends = sample.due + sample.latency
        last = found[-1] if found else None
        if last is not None and sample.due - last.ends <= _GAP_SECONDS:
            found[-1] = Window(begins=last.begins, ends=max(last.ends, ends), failed=last.failed + 1)
        else:
            found.append(Window(begins=sample.due, ends=ends, failed=1))
    return found


def until_good(samples: Iterable[Sample], since: float, kind: str | None = None) -> float:
    """Return seconds from `since` until requests (of one kind) were answered again for good; 0 when all were.

    That is when the first request was answered that was due after the last one that failed. Where none came
    after it, the failures have not ended: infinite.
    """
    asked = sorted(
        (each for each in samples if each.due >= since and kind in (None, each.kind)),
        key=lambda each: each.due,
    )
    failed = [index for index, each in enumerate(asked) if each.failed]
    if not failed:
        return 0.0
    after = asked[failed[-1] + 1 :]
    return min((each.due + each.latency for each in after), default=math.inf) - since


def quiet(samples: Iterable[Sample], since: float, now: float, rate: float, kind: str | None) -> bool:
    """Return whether all is well again, for some seconds: nothing (of the kind) failed, and nothing hangs.

    `since` is the moment of failure; `rate`, in requests a second, tells how many should have ended by now.
    """
    begins = now - _QUIET_SECONDS - _PATIENCE_SECONDS
    if begins < since:
        return False
    recent = [each for each in samples if each.due >= begins]
    counted = [each for each in recent if kind in (None, each.kind)]
    whole = not hanging(recent, begins, now, rate)
    return whole and bool(counted) and not any(each.failed for each in counted)


def hanging(samples: Iterable[Sample], since: float, now: float, rate: float) -> int:
    """Return how many requests that were due from `since` on hang: they should have ended by now.

    0 where so few do that a late start of the load explains them.
    """
    ends = now - _PATIENCE_SECONDS
    ended = sum(since <= each.due < ends for each in samples)
    due = rate * (ends - since)
    return 0 if ended >= _WHOLE * due - 1 else round(due) - ended


def by_second(samples: Iterable[Sample], moment: float) -> list[Second]:
    """Return the course of a run, second by second, counted from `moment`."""
    seconds: dict[int, list[Sample]] = {}
    for sample in samples:
        seconds.setdefault(math.floor(sample.due - moment), []).append(sample)
    return [
        Second(
            at=at,
            sent=len(group),
            failed=sum(each.failed for each in group),
            p50=percentile((each.latency for each in group), 0.5),
            p99=percentile((each.latency for each in group), 0.99),
        )
        for at, group in sorted(seconds.items())
    ]


def acknowledged(samples: Iterable[Sample], until: float = math.inf) -> dict[str, str]:
    """Return orders that a customer was told, by then, are placed: number by note."""
    return {
        each.note: each.number
        for each in samples
        if each.kind == ORDER and each.number and each.ended <= until
    }


def lost(told: dict[str, str], stored: Sequence[tuple[str, str]]) -> list[str]:
    """Return acknowledged orders that are not stored under their note; `stored` are (note, number)."""
    there = set(stored)
    return sorted(number for note, number in told.items() if (note, number) not in there)


def twice(stored: Sequence[tuple[str, str]]) -> list[str]:
    """Return notes, each of one request, that more than one order has."""
    notes = [note for note, _ in stored]
    return sorted({note for note in notes if notes.count(note) > 1})
