"""The cost of a preview by the number of stacks: 1, 5, 10, 20 of them, each previewed.

They share a state; a stack that has one of its own is previewed in turns with them, so that a machine that
gets busier meanwhile is slower for both. No cluster is asked: what counts is the CLI's, the program's and the
plugins'.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.settings.values.merging import merged
from tools.bench.figures import Row
from tools.bench.memory import Cost, measured
from tools.bench.pulumi import Room
from tools.toolchain import unreachable
from tools.toolchain.pulumi import Pulumi

NUMBERS = (1, 5, 10, 20)
# One stack's own previews differ by some percent from one to the next.
_MEMORY_MAY_GROW = 1.05
_CONNECTION = "kubernetes:"
_ALONE = "alone"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A preview of one stack `among` others, and one of the stack that is `alone`."""

    among: Cost
    alone: Cost


def costs(
    cli: Pulumi, folder: Path, config: Mapping[str, Any], note: Callable[[str], None]
) -> dict[int, list[Turn]]:
    """Return what each preview took, by the number of stacks that were there; one after the other."""
    settings = {key: value for key, value in config.items() if not key.startswith(_CONNECTION)}
    alone, among = (
        Room(cli=cli, folder=folder / name, environment=unreachable.ENVIRONMENT) for name in (_ALONE, "among")
    )
    alone.settle()
    _make(alone, _ALONE, settings)
    among.settle()
    # Files that were not read yet are read once, at the cost of the first preview.
    _preview(alone, _ALONE)
    found: dict[int, list[Turn]] = {}
    made: list[str] = []
    for number in NUMBERS:
        while len(made) < number:
            made.append(f"stack-{len(made) + 1}")
            _make(among, made[-1], settings)
        found[number] = []
        for name in made:
            note(f"{number} stacks: {name}")
            turn = Turn(among=_preview(among, name), alone=_preview(alone, _ALONE))
            found[number].append(turn)
    return found


def rows(runs: Sequence[Mapping[int, Sequence[Turn]]]) -> list[Row]:
    """Return time and memory by number of stacks, with the ratios to a single stack's in the same turns."""
    most = NUMBERS[-1]
    seconds = [[sum(each.among.seconds for each in run[number]) for run in runs] for number in NUMBERS]
    lone = [[sum(each.alone.seconds for each in run[number]) / number for run in runs] for number in NUMBERS]
    peaks = [[max(each.among.together for each in run[number]) for run in runs] for number in NUMBERS]
    floor = [[max(each.alone.together for each in run[number]) for run in runs] for number in NUMBERS]
    return [
        *_grown("stacks", "{} previewed, one after the other", "s", seconds, lone, float(most)),
        *_grown("stacks-memory", "the largest of {}, all processes", "MiB", peaks, floor, _MEMORY_MAY_GROW),
    ]


def _grown(
    bench: str, what: str, unit: str, values: list[list[float]], floors: list[list[float]], wanted: float
) -> list[Row]:
    """Return a row for each number of stacks, by values and floors; the largest must be as `wanted`."""
    return [
        Row(
            bench=bench,
            what=what.format(number),
            unit=unit,
            values=each,
            ratios=[value / one for value, one in zip(each, floor, strict=True)],
            wanted=wanted if number == NUMBERS[-1] else None,
        )
        for number, each, floor in zip(NUMBERS, values, floors, strict=True)
    ]


def _make(room: Room, name: str, settings: Mapping[str, Any]) -> None:
    room.stack(name, merged(settings, {"feastflow:namespace": f"feastflow-{name}"}))


def _preview(room: Room, stack: str) -> Cost:
    return measured(room.driver.command("preview", stack=stack), {**os.environ, **room.driver.variables()})
