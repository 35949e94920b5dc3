"""How the cost of a preview grows with the number of stacks: 1, 5, 10, 20 of them, each previewed.

They share a state, and no cluster is asked: what counts is the CLI's, the program's and the plugins'.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figures import Row
from bench.memory import Cost, measured
from bench.pulumi import Room
from local import workspace
from toolchain import unreachable
from toolchain.pulumi import Pulumi

NUMBERS = (1, 5, 10, 20)
# One stack's own previews differ by some percent from one to the next.
_MEMORY_MAY_GROW = 1.05
_CONNECTION = "kubernetes:"


def costs(
    cli: Pulumi, folder: Path, config: Mapping[str, Any], note: Callable[[str], None]
) -> dict[int, list[Cost]]:
    """What each preview took, by the number of stacks that were there; one after the other."""
    settings = {key: value for key, value in config.items() if not key.startswith(_CONNECTION)}
    room = Room(cli=cli, folder=folder, environment=unreachable.ENVIRONMENT)
    room.settle()
    found: dict[int, list[Cost]] = {}
    made: list[str] = []
    for number in NUMBERS:
        while len(made) < number:
            name = f"stack-{len(made) + 1}"
            namespace = {"feastflow:namespace": f"feastflow-{name}"}
            room.stack(name, workspace.merged(settings, namespace))
            made.append(name)
        if number == 1:
            # Files that nobody has read yet are read once, for whoever comes first.
            _preview(room, made[0])
        found[number] = []
        for name in made:
            note(f"{number} stacks: {name}")
            found[number].append(_preview(room, name))
    return found


def rows(runs: Sequence[Mapping[int, Sequence[Cost]]]) -> list[Row]:
    """Seconds and memory for each number of stacks; the ratios are to one stack's, in the same run."""
    most = NUMBERS[-1]
    seconds = [[sum(each.seconds for each in run[number]) for run in runs] for number in NUMBERS]
    peaks = [[max(each.together for each in run[number]) for run in runs] for number in NUMBERS]
    return [
        *_grown("stacks", "{} previewed, one after the other", "s", seconds, float(most)),
        *_grown("stacks-memory", "the largest of {}, all processes", "MiB", peaks, _MEMORY_MAY_GROW),
    ]


def _grown(bench: str, what: str, unit: str, values: list[list[float]], wanted: float) -> list[Row]:
    """A row for each number of stacks, by the runs' `values`; `wanted` is asked of the largest number."""
    return [
        Row(
            bench=bench,
            what=what.format(number),
            unit=unit,
            values=each,
            ratios=[value / one for value, one in zip(each, values[0], strict=True)],
            wanted=wanted if number == NUMBERS[-1] else None,
        )
        for number, each in zip(NUMBERS, values, strict=True)
    ]


def _preview(room: Room, stack: str) -> Cost:
    return measured(room.command("preview", stack=stack), {**os.environ, **room.variables()})
