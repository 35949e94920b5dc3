"""Ends of support as maintainers publish them, and how a pinned version stands to its own."""

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tools.versions.component import Component

_FILE = Path(__file__).with_name("support.toml")
_SOON_DAYS = 90
NOT_PUBLISHED = "not published"
_ENDED = "ended"


class Standing(StrEnum):
    """A pinned version by its support."""

    SUPPORTED = "supported"
    SOON = "ends soon"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Support:
    """The published support of a component: its end by release line, by which page and rule."""

    source: str = ""
    read: dt.date | None = None
    rule: str = ""
    ends: Mapping[str, dt.date | str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)

    def end(self, version: str) -> dt.date | str:
        """Return the last day of the version's line, or the event that ends it.

        Raises:
            LookupError: when ends are published, and none of them is of this version's line.
        """
        if not self.ends:
            return self.rule or NOT_PUBLISHED
        line = _line(self.ends, version)
        if line is None:
            raise LookupError(f"support.toml has no line of {version}: {', '.join(self.ends)}")
        return self.ends[line]

    def reason(self, version: str) -> str:
        """Return what keeps the pin from the newest release, as far as that is written down."""
        line = _line(self.why, version)
        return "" if line is None else self.why[line]


def load() -> dict[str, Support]:
    """Return what is known, by the key of the component."""
    return {key: Support(**part) for key, part in tomllib.loads(_FILE.read_text(encoding="utf-8")).items()}


def standing(end: dt.date | str, today: dt.date) -> Standing:
    """Say how a version stands on a day."""
    if end == NOT_PUBLISHED:
        return Standing.UNKNOWN
    if isinstance(end, str):
        return Standing.ENDED if end.startswith(_ENDED) else Standing.SUPPORTED
    if end < today:
        return Standing.ENDED
    return Standing.SOON if end <= today + dt.timedelta(days=_SOON_DAYS) else Standing.SUPPORTED


def is_newer(newest: str, component: Component) -> bool:
    """Return whether the newest release is of a later line or patch than what is pinned; words never are."""
    newer, pinned = _numbers(newest), _numbers(component.pinned)
    return bool(newer and pinned) and newer[: len(pinned)] > pinned


def _numbers(version: str) -> tuple[int, ...]:
    core = version.partition("-")[0].partition("+")[0].partition("~")[0].rpartition(":")[2]
    parts = core.split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def _line(lines: Mapping[str, object], version: str) -> str | None:
    return next((line for line in lines if version == line or version.startswith(f"{line}.")), None)
