"""docs/versions.md, from the pins and the kept data: the same bytes on every machine and every day."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from components.guards import supported
from tools.versions import pinned
from tools.versions.audits import Audit
from tools.versions.support import Standing
from tools.versions.table import Row

FILE = pinned.ROOT / "docs" / "versions.md"
_TEMPLATE = Path(__file__).with_name("page.md")


def text(rows: Sequence[Row], audits: Mapping[str, Audit], asked: dt.date) -> str:
    """Return the page."""
    columns = ("component", "pinned", "newest served", "support ends", "why not newer")
    return _TEMPLATE.read_text(encoding="utf-8").format(
        span=supported.span(),
        asked=asked,
        components=_table(columns, map(_cells, rows)),
        audits=_table(("packages of", "number", "asked on", "outcome"), map(_audited, audits.items())),
        sources="\n".join(_sources(rows)),
    )


def write(page: str) -> bool:
    """Write the page; return whether it changed."""
    is_new = not FILE.exists() or FILE.read_text(encoding="utf-8") != page
    if is_new:
        FILE.write_text(page, encoding="utf-8")
    return is_new


def shown(path: Path) -> str:
    """Return a path as the checkout has it."""
    return str(path.relative_to(pinned.ROOT))


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)


def _cells(row: Row) -> Sequence[str]:
    end = f"**{row.end}**" if row.standing in (Standing.ENDED, Standing.SOON) else str(row.end)
    return (row.component.name, f"`{row.component.pinned}`", row.newest, end, row.why)


def _audited(entry: tuple[str, Audit]) -> Sequence[str]:
    lock, audit = entry
    return (f"`{lock}`", str(audit.packages), audit.asked, audit.told)


def _sources(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        known = row.support
        if known.source:
            rule = f": {known.rule}" if known.rule else ""
            yield f"- {row.component.name}{rule} (<{known.source}>, read {known.read})"
