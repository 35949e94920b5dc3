"""The table of versions: a row for each component and each lock file, for a terminal and for the page."""

import datetime as dt
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tools.versions import support
from tools.versions.audits import Audit
from tools.versions.component import Component
from tools.versions.served import Served
from tools.versions.support import Standing, Support

WIDTH = 100
_NAME, _PINNED, _NEWEST, _END = 29, 15, 26, 21
_MARKS = {Standing.ENDED: "!!", Standing.SOON: "! "}
NOT_TRIED = "not tried yet"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A component: what is pinned, what is served, until when it is supported, and why it is not newer."""

    component: Component
    newest: str
    end: dt.date | str
    standing: Standing
    why: str
    support: Support


def rows(
    components: Iterable[Component], served: Served, supports: Mapping[str, Support], today: dt.date
) -> list[Row]:
    """Return a row for each component.

    Raises:
        LookupError: when a component has no part in support.toml, or its line none there.
    """
    return list(_rows(components, served, supports, today))


def _rows(
    components: Iterable[Component], served: Served, supports: Mapping[str, Support], today: dt.date
) -> Iterator[Row]:
    for component in components:
        known = supports[component.key]
        end = known.end(component.pinned)
        newest = served.of(component)
        reason = known.reason(component.pinned) or NOT_TRIED
        yield Row(
            component=component,
            newest=newest,
            end=end,
            standing=support.standing(end, today),
            why=reason if support.is_newer(newest, component) else "",
            support=known,
        )


def lines(found: Iterable[Row], audits: Mapping[str, Audit], served: dt.date) -> Iterator[str]:
    """Yield the table for a terminal of a hundred columns; what has ended or ends soon is marked."""
    yield _line("  ", "component", "pinned", "newest served", "support ends")
    for row in found:
        mark = _MARKS.get(row.standing, "  ")
        yield _line(mark, row.component.name, row.component.pinned, row.newest, str(row.end))
        if row.why:
            yield from _wrapped(f"why not newer: {row.why}")
    yield ""
    yield f"!! support has ended   ! it ends within 90 days   asked on {served}"
    yield ""
    for lock, audit in audits.items():
        yield from textwrap.wrap(f"{lock}, {audit.asked}: {audit.told}", WIDTH, subsequent_indent="  ")


def _line(mark: str, name: str, pinned: str, newest: str, end: str) -> str:
    cells = ((name, _NAME), (pinned, _PINNED), (newest, _NEWEST), (end, _END))
    return (mark + " " + " ".join(text.ljust(width) for text, width in cells)).rstrip()


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * 5, subsequent_indent=" " * 5)
