"""The table at the end, 100 columns wide at the most. Pure."""

import math
from collections.abc import Sequence

from tools.drills.verdict import Measured, Row

WIDTH = 100
_HEAD = ("drill", "stack", "seed", "wanted", "median", "worst", "failed", "retry", "lost", "")
_TEXT_COLUMNS = 3
_THOUSANDS_FROM, _MILLIONS_FROM = 100_000, 1_000_000


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table, and below it what does not hold.

    `failed` counts first attempts; `retry` is what failed for a client, too, that asks again. What else
    came when is told of the runs that noted it, and which observers gave no answer.
    """
    cells = [_HEAD, *(_cells(row) for row in rows)]
    found = columns(cells, _TEXT_COLUMNS)
    for row in rows:
        found += [
            part
            for run in row.runs
            if run.moments or row.promise.point is not None
            for part in _folded(f"{row.drill}: {_when(run)}")
        ]
        if unknown := sorted({why for run in row.runs if run.observed for why in run.observed.unknown}):
            found += _folded(f"{row.drill}: not all of it was observed: {'; '.join(unknown)}")
        found += [part for problem in row.problems for part in _folded(f"{row.drill}: {problem}")]
        found += [part for run in row.runs if run.left for part in _folded(f"{row.drill}: {run.left}")]
    return found


def columns(cells: Sequence[Sequence[str]], text_columns: int) -> list[str]:
    """Return lines with the cells below each other: so many columns of text, the others of numbers."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [_line(row, widths, text_columns) for row in cells]


def seconds(value: float) -> str:
    """Return seconds as the table shows them; a dash for what never came."""
    if math.isinf(value):
        return "never"
    return f"{value:.1f} s" if value < WIDTH else f"{value:.0f} s"


def _count(number: int) -> str:
    """Return the number, in thousands or millions where it has more than five digits."""
    if number >= _MILLIONS_FROM:
        return f"{number / _MILLIONS_FROM:.1f}M"
    return str(number) if number < _THOUSANDS_FROM else f"{number // 1000}k"


def _cells(row: Row) -> tuple[str, ...]:
    sent = sum(run.sent for run in row.runs)
    failed = sum(run.failed for run in row.runs)
    lost = sum(len(run.lost) for run in row.runs)
    acknowledged = sum(run.acknowledged for run in row.runs)
    return (
        row.drill,
        row.stack,
        row.promise.seed,
        "-" if row.promise.wanted is None else f"{row.promise.wanted:g} s",
        seconds(row.median),
        seconds(row.worst),
        f"{_count(failed)}/{_count(sent)}",
        _count(sum(run.failed_for_good for run in row.runs)),
        f"{_count(lost)}/{_count(acknowledged)}",
        "NO" if row.problems else "ok",
    )


def _when(run: Measured) -> str:
    """Return how long requests failed, and what else came after how many seconds."""
    came = [f"{name} after {seconds(at - run.moment)}" for name, at in run.moments.items()]
    last = f"the last request failed after {seconds(run.last_failure - run.moment)}"
    point = [f"the oldest lost order was {seconds(run.point)} older than the failure"] if run.point else []
    return ", ".join([last if run.windows else "no request failed", *came, *point])


def _line(row: Sequence[str], widths: Sequence[int], text_columns: int) -> str:
    parts = [
        f"{cell:<{width}}" if column < text_columns else f"{cell:>{width}}"
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(parts).rstrip()


def _folded(text: str) -> list[str]:
    """Return the text in lines of the table's width, the second and later ones indented."""
    found, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDTH:
            found.append(line)
            line = f"  {word}"
        else:
            line = f"{line} {word}" if line else word
    return [*found, line]
