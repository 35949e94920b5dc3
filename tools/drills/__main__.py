"""`python -m tools.drills`: break the running stacks under load, measure, repair; see `make drill`."""

import argparse
import os
from dataclasses import dataclass, replace
from pathlib import Path

from tools.cluster import lifecycle
from tools.drills import asked, journal, load, opening, report, runner, table, verdict, watching
from tools.drills.annotations import Subject
from tools.drills.catalogue import DRILLS
from tools.drills.drill import Drill
from tools.drills.journal import Journal
from tools.drills.observed import Observed
from tools.drills.stage import Stage
from tools.drills.verdict import Measured, Row
from tools.stacks import scope
from tools.telemetry.stores import Stores
from tools.toolchain import console
from tools.toolchain.console import Step, say
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError
from tools.toolchain.pulumi import Pulumi

_MOST_RUNS = 50
_MOST_RATE = 500
_AGAIN = "make drill DRILL="


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The user's choice: drills with their stacks; `rate`, in requests a second, or each drill's own.

    Unless they are `named`, those are left out that need what is not there.
    """

    drills: dict[str, str]
    named: bool
    runs: int
    rate: float | None
    cluster: str


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and run the drills; 1 when something that is wanted does not hold."""
    chosen = _read(arguments)
    with lifecycle.alone(chosen.cluster):
        cli = scope.tools()
        book = journal.of(chosen.cluster)
        finish(book, chosen.cluster, cli)
        # Whatever is asked for is there before anything is broken.
        stages = {
            stack: opening.stage(chosen.cluster, stack, cli) for stack in sorted(set(chosen.drills.values()))
        }
        with Step("load", "looking for the load generator") as step:
            program = load.program(step)
            step.result("vegeta's library, compiled from pinned modules")
        rows: list[Row] = []
        try:
            for name, stack in chosen.drills.items():
                if not chosen.named and (lacks := DRILLS[name]().lacking(stages[stack])):
                    say(f"left out     {name}: {lacks.found}; {lacks.fix}")
                    continue
                rows.append(_drilled(name, stages[stack], chosen, program, book))
        finally:
            if rows:
                _tell(rows)
    return 1 if any(row.problems for row in rows) else 0


def finish(book: Journal, cluster: str, cli: Pulumi) -> None:
    """Undo what an earlier run was cut off in.

    Raises:
        UserError: when the drill it was is none of this checkout's.
    """
    left = book.open()
    if left is None:
        return
    if left.drill not in DRILLS:
        raise UserError(
            f"an earlier run was cut off in the drill {left.drill}, which is not known here",
            "only the checkout that broke something knows how to repair it",
            f"run make drill there; or repair it by hand and delete {book.path}",
        )
    with Step("undo", f"{left.drill} was cut off: repairing it") as step:
        DRILLS[left.drill]().undo(opening.stage(cluster, left.stack, cli), left.facts)
        book.end()
        step.result(f"{left.drill} was cut off; it is repaired")


def _drilled(name: str, stage: Stage, chosen: Chosen, program: Path, book: Journal) -> Row:
    """Do all runs of one drill. One that cannot be run is a problem of its row; the others go on."""
    drill = DRILLS[name]()
    measured: list[Measured] = []
    stopped: list[str] = []
    for number in range(1, chosen.runs + 1):
        rate = chosen.rate or drill.rate
        try:
            with Step("drill", f"{name} on {stage.name}, run {number} of {chosen.runs}") as step:
                noted = replace(stage, note=step.note, rate=rate)
                run = runner.run(drill, noted, program=program, rate=rate, journal=book)
                step.note("reading what observes the cluster")
                measured.append(replace(run, observed=_observed(drill, noted, run)))
                step.result(f"{name} on {stage.name}, run {number}: {_short(run)}")
        except (UserError, CommandError) as problem:
            if book.open() is not None:
                # It could not be repaired: nothing that follows would mean anything.
                raise
            said = problem.found if isinstance(problem, UserError) else f"{problem}"
            stopped.append(f"run {number} came to no end: {' '.join(said.split())[:300]}")
            break
    return verdict.judge(name, stage.name, drill.promise, measured, stopped)


def _observed(drill: Drill, stage: Stage, run: Measured) -> Observed | None:
    """Return what observers know of a run, whose moments they are told; None where there are none."""
    subject = Subject(drill=drill.name, what=drill.what, stack=stage.name, namespace=stage.namespace)
    return watching.watched(Stores(port=stage.cluster.port), subject, run)


def _short(run: Measured) -> str:
    failed = f"{run.failed} of {run.sent} requests failed, {run.failed_for_good} after retries"
    return f"{table.seconds(run.seconds)}; {failed}; {len(run.lost)} of {run.acknowledged} orders lost"


def _tell(rows: list[Row]) -> None:
    say()
    for line in table.lines(rows):
        say(line)
    files = report.write(rows)
    say(f"\nfigures and pictures: {files[0].parent}")


def _read(arguments: list[str] | None) -> Chosen:
    given = os.environ.get
    parser = argparse.ArgumentParser(prog="python -m tools.drills", description=__doc__)
    parser.add_argument("--drill", default=given("DRILL") or "", help="names, with commas; none: all")
    parser.add_argument("--runs", default=given("RUNS") or "1", help="runs of each (%(default)s)")
    parser.add_argument("--stack", default=given("STACK") or "", help="dev or prod; none: each drill's own")
    parser.add_argument(
        "--rate", default=given("RATE") or "", help="requests a second; none: each drill's own"
    )
    asked.cluster(parser)
    found = parser.parse_args(arguments)
    asked.only_local(
        found,
        why="drills kill pods, nodes and the API server; they never touch a cluster of yours",
        instead="drills are run on the local cluster",
        command="make drill",
    )
    return Chosen(
        drills=_drills(found.drill, found.stack),
        named=bool(found.drill),
        runs=asked.number("RUNS", found.runs, _MOST_RUNS, "how often each drill is run"),
        rate=asked.number("RATE", found.rate, _MOST_RATE, "how many requests are made a second")
        if found.rate
        else None,
        cluster=found.cluster,
    )


def _drills(text: str, stack: str) -> dict[str, str]:
    """Return the drills that are named, or all (with STACK, those made for it), each with its stack."""
    names = asked.names(text)
    unknown = [name for name in names if name not in DRILLS]
    if unknown:
        raise UserError(
            f"there is no drill {', '.join(unknown)}",
            "DRILL names what is to fail",
            f"take one or several of:\n{', '.join(DRILLS)}",
        )
    for name in names:
        if stack and stack not in DRILLS[name].stacks:
            raise UserError(
                f"the drill {name} is not made for the stack {stack}",
                f"what it breaks is there on {' and '.join(DRILLS[name].stacks)} alone",
                f"unset STACK: {_AGAIN}{name}",
            )
    known = {drill for each in DRILLS.values() for drill in each.stacks}
    if stack and stack not in known:
        raise UserError(
            f"no drill is made for a stack {stack}",
            f"they know {' and '.join(sorted(known))}",
            f"unset STACK: {_AGAIN}{names[0] if names else next(iter(DRILLS))}",
        )
    chosen = names or [
        name for name, drill in DRILLS.items() if not drill.by_name and (not stack or stack in drill.stacks)
    ]
    return {name: stack or DRILLS[name].stacks[0] for name in chosen}


if __name__ == "__main__":
    console.run(main)
