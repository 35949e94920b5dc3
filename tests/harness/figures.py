"""The suite's measurements, to be read: no test passes or fails by them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Figures:
    """Measured values in the order in which they came; `target` is what is hoped for, if anything."""

    _rows: list[tuple[str, str, str]] = field(default_factory=list)

    def seconds(self, name: str, value: float, target: str = "") -> None:
        """Record a duration."""
        self._rows.append((name, f"{value:.1f} s", target))

    def mebibytes(self, name: str, value: float, target: str = "") -> None:
        """Record an amount of memory."""
        self._rows.append((name, f"{value:.0f} MiB", target))

    def text(self, name: str, value: str, target: str = "") -> None:
        """Record any other figure."""
        self._rows.append((name, value, target))

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Each value's name, the value and its target, as texts."""
        return list(self._rows)

    def extend(self, rows: Iterable[Sequence[str]]) -> None:
        """Add the rows of another process."""
        self._rows += [(name, value, target) for name, value, target in rows]

    def __bool__(self) -> bool:
        return bool(self._rows)

    def table(self) -> list[str]:
        """Return lines for a terminal."""
        rows = [("figure", "measured", "target"), *self._rows]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return [
            f"{name:<{widths[0]}}  {value:>{widths[1]}}  {target}".rstrip() for name, value, target in rows
        ]

    def write(self, path: Path) -> None:
        """Keep them for comparison with other runs."""
        path.parent.mkdir(parents=True, exist_ok=True)
        keys = ("figure", "measured", "target")
        document = [dict(zip(keys, row, strict=True)) for row in self._rows]
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
