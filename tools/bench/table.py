"""The table at the end, 100 columns wide at the most. Pure."""

from collections.abc import Sequence

from tools.bench.figures import Row
from tools.drills.table import WIDTH, columns

_HEAD = ("", "", "median", "of the runs", "ratio", "wanted", "")
_TEXT_COLUMNS = 2
_WHAT = 36


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table, each kind of figure under its own name once."""
    cells: list[tuple[str, ...]] = [_HEAD]
    before = ""
    for row in rows:
        cells.append(_cells(row, "" if row.bench == before else row.bench))
        before = row.bench
    return [line[:WIDTH] for line in columns(cells, _TEXT_COLUMNS)]


def value(number: float, unit: str) -> str:
    """Return a value as the table shows it."""
    text = f"{number:.1f}" if unit == "s" else f"{number:.0f}"
    return f"{text} {unit}"


def _cells(row: Row, bench: str) -> tuple[str, ...]:
    lowest, highest = min(row.values), max(row.values)
    spread = f"{lowest:.1f}-{highest:.1f}" if row.unit == "s" else f"{lowest:.0f}-{highest:.0f}"
    return (
        bench,
        row.what[:_WHAT],
        value(row.median, row.unit),
        spread if len(row.values) > 1 else "",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.wanted is None else f"{row.wanted:.2f}",
        {None: "", True: "ok", False: "NO"}[row.reached],
    )
