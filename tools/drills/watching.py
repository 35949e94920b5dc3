"""Questions about a run to the local cluster's observers, after it; and its moments, written there.

Nothing of it changes a verdict: a store that is away costs a few seconds and a line that says so.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from components.observing import edge
from components.observing.promql import series
from tools.drills import annotations, observed
from tools.drills.annotations import Subject
from tools.drills.observed import Observed
from tools.drills.verdict import Measured
from tools.telemetry import linecounts, loglines, plain, prometheus, traces
from tools.telemetry.asking import AbsentError, AwayError, RefusedError
from tools.telemetry.linecounts import Counts
from tools.telemetry.prometheus import Point
from tools.telemetry.stores import Stores
from tools.telemetry.traces import Span

# For one question. A store is asked two, that of traces as many as fit in the time.
SECONDS = 2.5
# What is newer may be on its way: the edge is asked every 5 s, and a line waits for its agent.
_LATE = 7.0
_STEP = 5
# Two of those intervals: one alone holds now and then no answer of the edge's, and now and then two.
_WINDOW = 10
_FIGURE, _REQUESTS, _ERRORS = "figure", "requests", "errors"
# A store of traces gives the newest ones of a time: so many parts of it, and so many traces of each.
_PARTS, _OF_EACH = 20, 10
_WORDS = 120


@dataclass(frozen=True, kw_only=True)
class _Watch:
    """The questions about one run, and what was not answered."""

    stores: Stores
    subject: Subject
    run: Measured
    unknown: list[str] = field(default_factory=list)

    @property
    def known_until(self) -> float:
        """Return the moment up to which metrics and lines are complete."""
        return min(self.run.ends, time.time() - _LATE)

    @contextlib.contextmanager
    def asking(self, store: str) -> Iterator[None]:
        """Note why a store gave no answer; one that is not there at all is the caller's."""
        try:
            yield
        except AbsentError:
            raise
        except (AwayError, RefusedError) as problem:
            self.unknown.append(plain.line(f"{store}: {problem}", _WORDS))

    def requests(self) -> dict[str, list[Point]]:
        """Return requests and errors a second as the edge counted them; writes the moments before."""
        with self.asking("metrics"):
            source = self.stores.metrics(SECONDS)
            source.post(annotations.METRICS_PATH, annotations.samples(self.subject, self.run))
            courses = prometheus.over(
                source,
                query(self.subject.namespace),
                begins=self.run.begins + _WINDOW,
                ends=max(self.known_until, self.run.begins + _WINDOW),
                step=_STEP,
            )
            found = {
                # Of a window's requests nothing says when in it they came: its middle.
                course.labels.get(_FIGURE, ""): [(at - _WINDOW / 2, value) for at, value in course.points]
                for course in courses
            }
            # Without a series of requests the zero of the errors is one of the query, not of the edge.
            return found if self.some("metrics", _REQUESTS in found) else {}
        return {}

    def lines(self) -> Counts:
        """Return lines and those of errors a second; writes the moments before."""
        with self.asking("logs"):
            source = self.stores.logs(SECONDS)
            source.post(annotations.LOGS_PATH, annotations.lines(self.subject, self.run))
            filters = loglines.within(self.subject.namespace)
            ends = max(self.known_until, self.run.begins + 1)
            found = linecounts.asked(source, filters, self.run.begins, ends)
            self.some("logs", bool(found.lines))
            return found
        return Counts(lines=[], errors=[])

    def spans(self) -> list[list[Span]]:
        """Return the spans of some traces of each part of the run, as many parts as the time allows."""
        found: list[list[Span]] = []
        deadline = time.monotonic() + 2 * SECONDS
        begins, part = self.run.begins, (self.run.ends - self.run.begins) / _PARTS
        with self.asking("traces"):
            for number in range(_PARTS):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AwayError(f"only {number} of {_PARTS} parts of the time within {2 * SECONDS:g} s")
                source = self.stores.traces(min(left, SECONDS))
                since = begins + number * part
                found += traces.between(source, since, since + part, _OF_EACH)
            self.some("traces", bool(found))
        return found

    def some(self, store: str, there: bool) -> bool:  # noqa: FBT001 - what is there is the question
        """Note a store that answers and has nothing of this run."""
        if not there:
            self.unknown.append(f"{store}: it has nothing of this time")
        return there


def watched(stores: Stores, subject: Subject, run: Measured) -> Observed | None:
    """Write a run's moments where the cluster is observed and return what is known of it; else None."""
    watch = _Watch(stores=stores, subject=subject, run=run)
    try:
        # In this order what was on its way has some time more.
        spans, counts, edges = watch.spans(), watch.lines(), watch.requests()
    except AbsentError:
        # All stores are routed to, or none: nothing observes the cluster, or it has just begun or ended.
        return None
    moment = run.moment
    return Observed(
        requests=observed.from_failure(edges.get(_REQUESTS, ()), moment),
        errors=observed.from_failure(edges.get(_ERRORS, ()), moment),
        lines=observed.from_failure(counts.lines, moment),
        error_lines=observed.from_failure(counts.errors, moment),
        spans=observed.dots(spans, subject.namespace, moment),
        unknown=watch.unknown,
    )


def query(namespace: str) -> str:
    """Return the one query: requests a second of all tiers, and those that failed, each with its label."""
    every = series(edge.REQUESTS, edge.services(namespace))
    failed = series(edge.REQUESTS, edge.services(namespace), edge.FAILED)
    counted = {
        _REQUESTS: f"sum(increase({every}[{_WINDOW}s])) / {_WINDOW}",
        # A series of errors begins with the first error.
        _ERRORS: f"(sum(increase({failed}[{_WINDOW}s])) or vector(0)) / {_WINDOW}",
    }
    return " or ".join(
        f'label_replace({expression}, "{_FIGURE}", "{name}", "", "")' for name, expression in counted.items()
    )
