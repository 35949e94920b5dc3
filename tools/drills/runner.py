"""One run of one drill: whole, under load, broken, restored, repaired, whole again, every order found."""

import contextlib
import math
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from tools.drills import samples, verdict
from tools.drills.drill import Drill
from tools.drills.journal import Entry, Facts, Journal
from tools.drills.load import Load
from tools.drills.stage import Stage
from tools.drills.verdict import ANY, Measured
from tools.drills.waiting import until
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError

_WHOLE_SECONDS = 420
_TAIL_SECONDS = 4.0
_STORED = "SELECT note, number FROM orders WHERE note LIKE :'begin' || '%'"


@dataclass(frozen=True, kw_only=True)
class Times:
    """In seconds since 1970: when it failed, from when seconds count, when it worked again, if ever.

    `stands` says how things stood where it did not.
    """

    moment: float
    clock: float
    restored: float | None
    moments: dict[str, float]
    stands: str


def run(drill: Drill, stage: Stage, *, program: Path, rate: float, journal: Journal) -> Measured:
    """Run it once; what was broken is repaired on every way out, or written down for the next run.

    Raises:
        UserError: when what it needs is not there, or the stack is not whole before or after it, or fails
            without being broken.
        CommandError: when what breaks it could not be done.
    """
    if lacks := drill.lacking(stage):
        raise lacks
    whole(stage, "before the drill")
    name = f"drill-{uuid.uuid4().hex[:12]}"
    facts = _noted(drill, stage, journal)
    try:
        drill.prepare(stage)
        whole(stage, "after the drill was prepared")
        facts = _noted(drill, stage, journal)
        with Load(program, url=stage.url, rate=rate, run=name) as load:
            begun = time.time()
            stage.note(f"steady, {rate:g} requests/s")
            load.steady(drill.steady)
            times = _broken(drill, stage, facts, load, rate)
            found = load.stop()
    finally:
        stage.note("repairing what does not recover by itself")
        drill.undo(stage, facts)
        journal.end()
    repaired = time.time()
    whole(stage, "after the drill")
    requests = [*found, *drill.samples()]
    there = stored(stage, name)
    measured = verdict.measured(
        requests,
        there,
        moment=times.moment,
        clock=times.clock,
        restored=times.restored,
        by=drill.measured_by,
    )
    if drill.promise.point is not None:
        measured = verdict.to_the_point(measured, requests, there, drill.promise.point)
    if since := times.moments.get(drill.promise.p99_from or ""):
        measured = replace(measured, p99=verdict.p99(requests, since, times.restored or math.inf))
    return replace(
        measured,
        begun=begun,
        repaired=repaired,
        moments=times.moments,
        stands=times.stands,
        left=drill.left(stage, facts),
    )


def whole(stage: Stage, when: str) -> None:
    """Wait until the stack and its platform lack nothing.

    Raises:
        UserError: when that takes too long, with what is missing.
    """
    stage.note(f"waiting until all is whole, {when}")
    if not until(lambda: not stage.missing(), _WHOLE_SECONDS):
        raise UserError(
            f"not whole {when}, after {_WHOLE_SECONDS} s: {', '.join(stage.missing())}",
            "a drill is measured against a stack that works",
            f"look at it (make status STACK={stage.name}) and bring it up: make up STACK={stage.name}",
        )


def stored(stage: Stage, run: str) -> list[tuple[str, str]]:
    """Note and number of every order of a run that is in the database."""
    return [(row[0], row[1]) for row in stage.sql(_STORED, begin=run) if row[1:]]


def _noted(drill: Drill, stage: Stage, journal: Journal) -> Facts:
    facts = drill.aim(stage)
    journal.begin(Entry(drill=drill.name, stack=stage.name, facts=facts))
    return facts


def _broken(drill: Drill, stage: Stage, facts: Facts, load: Load, rate: float) -> Times:
    stage.note(f"broken: {drill.what}")
    moment = clock = time.time()
    drill.inject(stage, facts)
    if drill.relief:
        until(lambda: drill.relief_due(stage, facts, time.time() - moment), drill.within)
        clock = time.time()
        stage.note("what was away comes back")
        drill.relieve(stage, facts)
    if not until(lambda: drill.begun(stage, facts), 0):
        until(lambda: drill.begun(stage, facts), drill.within)
        clock = time.time()
    left = drill.within
    since = time.monotonic()
    works = until(lambda: drill.restored(stage, facts), left)
    restored = time.time()
    if works and drill.measured_by is not None:
        kind = None if drill.measured_by == ANY else drill.measured_by
        left = max(0.0, left - (time.monotonic() - since))
        works = until(lambda: samples.quiet(load.seen(), clock, time.time(), rate, kind), left)
        restored = time.time()
    load.alive()
    stage.note("restored" if works else "not restored in the time it has")
    moments = drill.moments(stage, facts)
    stands = ""
    if not works:
        with contextlib.suppress(CommandError):
            stands = drill.stands(stage, facts)
    time.sleep(_TAIL_SECONDS)
    return Times(
        moment=moment, clock=clock, restored=restored if works else None, moments=moments, stands=stands
    )
