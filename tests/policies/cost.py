"""The pack's cost in a preview, to be read: `python -m tests.policies.cost [--turns N]`.

Previews of the prod stack with the pack and without it take turns, so that both meet the same machine; the
processor's time is steadier than the clock's on a machine that others use too.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain import console, pulumi
from tools.toolchain.console import Step

from ..unit.recorder import stack_file
from .engine import ROOT, Workspace, workspace

_HOPED_SECONDS = 1.5


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Seconds of one preview, by the clock and of processors."""

    clock: float
    processor: float


def measure(stack: Workspace, config: dict[str, object], *, judged: bool) -> Spent:
    """Preview once."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run = stack.preview(config, judged=judged)
    if run.code != 0:
        raise RuntimeError(run.text)
    clock, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return Spent(clock=clock, processor=user + system)


def table(with_pack: list[Spent], without: list[Spent]) -> list[str]:
    """Return each preview, the medians, and what lies between them."""
    rows = [f"{'preview of prod':<18}{'with pack':>12}{'without':>12}{'processor':>12}{'without':>12}"]
    for turn, (one, other) in enumerate(zip(with_pack, without, strict=True), 1):
        rows.append(_row(f"turn {turn}", one.clock, other.clock, one.processor, other.processor))
    middle = [
        statistics.median(getattr(spent, what) for spent in spents)
        for what in ("clock", "processor")
        for spents in (with_pack, without)
    ]
    rows.append(_row("median", *middle))
    clock, processor = middle[0] - middle[1], middle[2] - middle[3]
    rows.append(f"the pack costs {clock:.2f} s by the clock, {processor:.2f} s of processors")
    rows.append(f"hoped for: less than {_HOPED_SECONDS} s by the clock")
    return rows


def _row(name: str, *seconds: float) -> str:
    return f"{name:<18}" + "".join(f"{value:>10.2f} s" for value in seconds)


def main(arguments: list[str] | None = None) -> None:
    """Preview in turns, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.policies.cost")
    parser.add_argument("--turns", type=int, choices=range(1, 21), default=5, help="of each (%(default)s)")
    turns = parser.parse_args(arguments).turns
    with tempfile.TemporaryDirectory() as folder, Step("preview", "taking turns") as step:
        cli = pulumi.ensure(Path(sys.prefix), step)
        stack, config = workspace(Path(folder) / "prod", ROOT, cli, "prod"), stack_file("prod")
        for judged in (True, False) if turns > 1 else ():
            # A first read comes from the disk; one turn is no measurement anyway.
            measure(stack, config, judged=judged)
        with_pack, without = [], []
        for turn in range(1, turns + 1):
            step.note(f"{turn} of {turns}")
            with_pack.append(measure(stack, config, judged=True))
            without.append(measure(stack, config, judged=False))
        step.result(f"{turns} previews with the pack, and {turns} without it")
    for row in table(with_pack, without):
        console.say(row)


if __name__ == "__main__":
    console.run(main)
