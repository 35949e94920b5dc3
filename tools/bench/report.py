"""The file that is kept of a run: the figures as JSON, with every run's own."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.bench.figures import Course, Row
from tools.bench.profile import Profile

FOLDER = Path(__file__).parents[2] / "artifacts" / "bench"


def write(
    rows: Sequence[Row],
    runs: Sequence[Sequence[Course]],
    profiled: Profile | None = None,
    folder: Path = FOLDER,
) -> Path:
    """Write `bench.json`: the figures, each run side by side, and where the time of a first up goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "bench.json"
    document = {
        "figures": [figure(row) for row in rows],
        "runs": [[asdict(course) for course in courses] for courses in runs],
        "profile": asdict(profiled) if profiled else None,
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def figure(row: Row) -> dict[str, Any]:
    """Return a row as JSON takes it."""
    return {
        "bench": row.bench,
        "what": row.what,
        "unit": row.unit,
        "values": [round(each, 3) for each in row.values],
        "median": round(row.median, 3),
        "ratios": [round(each, 3) for each in row.ratios],
        "ratio": None if row.ratio is None else round(row.ratio, 3),
        "wanted": row.wanted,
        "reached": row.reached,
    }
