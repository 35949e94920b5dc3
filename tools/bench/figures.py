"""Figures of what was measured, against the floor and against what is wanted. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FLOOR = "kubectl"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure: `what` it is of, the values of its runs, and what it is measured by.

    `ratios` are to the floor's value of the same run; `wanted` is the largest ratio that is wanted.
    """

    bench: str
    what: str
    unit: str
    values: Sequence[float]
    ratios: Sequence[float] = ()
    wanted: float | None = None

    @property
    def median(self) -> float:
        """Return the median of the runs."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """Return the median of the runs' ratios."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def reached(self) -> bool | None:
        """Return whether it is as wanted; None where nothing is."""
        if self.wanted is None or self.ratio is None:
            return None
        return self.ratio <= self.wanted


@dataclass(frozen=True, kw_only=True)
class Course:
    """One contender's run: seconds by what was measured."""

    contender: str
    seconds: Mapping[str, float] = field(default_factory=dict)


WANTED = {
    ("first-up", "pulumi"): 1.25,
    ("change", "pulumi"): 1.35,
}


def rows(runs: Sequence[Sequence[Course]], what: Mapping[str, str]) -> list[Row]:
    """Return a row for each figure of each contender; `runs` hold the contenders side by side.

    `what` describes the contenders by name.
    """
    found = []
    keys = dict.fromkeys(key for run in runs for course in run for key in course.seconds)
    for key in keys:
        for name, described in what.items():
            pairs = [
                (course.seconds[key], floor)
                for run in runs
                for course in run
                if course.contender == name and key in course.seconds
                for floor in [_floor(run, key)]
            ]
            if not pairs:
                continue
            found.append(
                Row(
                    bench=key,
                    what=described,
                    unit="s",
                    values=[value for value, _ in pairs],
                    ratios=[value / floor for value, floor in pairs if floor],
                    wanted=WANTED.get((key, name)),
                )
            )
    return found


def _floor(run: Sequence[Course], key: str) -> float | None:
    return next((each.seconds.get(key) for each in run if each.contender == FLOOR), None)
