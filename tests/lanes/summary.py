"""The end of a run as lines: the table of lanes, what failed and how to run it alone, and the sum."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.toolchain import cache, console

from .. import failed
from .lane import Outcome

_TAIL_LINES = 12


def lines(outcomes: Sequence[Outcome], seconds: float) -> list[str]:
    """Compose what closes a run; `seconds` is its wall time. The last line is the sum over all lanes."""
    failures = list(_failures(outcomes))
    if failures:
        failures.append(f"the commands' own logs: {cache.home() / 'logs'}")
    return ["", *_table(outcomes, seconds), *failures, "", _sum(outcomes)]


def _table(outcomes: Sequence[Outcome], seconds: float) -> Iterator[str]:
    yield f"{'lane':<12}{'seconds':>9}{'passed':>9}{'failed':>9}{'skipped':>9}  verdict"
    for one in outcomes:
        figures = f"{one.passed:>9}{one.failed:>9}{one.counts.skipped:>9}"
        yield f"{one.name:<12}{one.seconds:>9.1f}{figures}  {one.verdict}"
    yield f"{'in all':<12}{seconds:>9.1f}  ({console.elapsed(seconds)})"


def _failures(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for one in outcomes:
        if one.verdict != "failed":
            continue
        yield ""
        if one.counts.failing:
            yield f"{one.name} failed; everything it printed: {_shown(one.log)}"
        else:
            yield f"{one.name} failed without a failing test; its last lines, of {_shown(one.log)}:"
            yield from _last(one.log)
            yield f"  alone: make {one.name}"
        for test in one.counts.failing:
            yield f"  FAILED {test}"
            yield f"    alone: {alone(one.name, test)}"
            if (events := failed.path(test)).exists():
                yield f"    pods and events: {_shown(events)}"


def alone(lane: str, test: str) -> str:
    """Write the command that runs the one test; make wants a dollar twice."""
    return f"make {lane} TEST={shlex.quote(test.replace('$', '$$'))}"


def _last(log: Path | None) -> Iterator[str]:
    text = log.read_text("utf-8", "replace") if log else ""
    yield from (f"  | {line}" for line in text.rstrip().splitlines()[-_TAIL_LINES:])


def _shown(log: Path | None) -> str:
    here = Path.cwd()
    return str(log.relative_to(here) if log and log.is_relative_to(here) else log)


def _sum(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(one.passed for one in outcomes)} passed, {sum(one.failed for one in outcomes)} failed"
