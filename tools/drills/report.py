"""The files that are kept of the drills: figures as JSON, and a picture of each."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.drills import picture
from tools.drills.verdict import Measured, Row

FOLDER = Path(__file__).parents[2] / "artifacts" / "drills"


def write(rows: Sequence[Row], folder: Path = FOLDER) -> list[Path]:
    """Write `drills.json` and a picture a row; return the files. Files of the same names are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = folder / "drills.json"
    text = json.dumps([document(row) for row in rows], indent=2, ensure_ascii=False)
    figures.write_text(text + "\n", encoding="utf-8")
    return [
        figures,
        *(picture.save(row, folder / f"{row.drill}-{row.stack}.png") for row in rows if row.runs),
    ]


def document(row: Row) -> dict[str, Any]:
    """Return a row as JSON takes it: seconds that never came are null."""
    return {
        "drill": row.drill,
        "stack": row.stack,
        "seed": row.promise.seed,
        "wantedSeconds": row.promise.wanted,
        "wantedFailures": row.promise.failures.value,
        "medianSeconds": _finite(row.median),
        "worstSeconds": _finite(row.worst),
        "problems": row.problems,
        "runs": [_run(run) for run in row.runs],
    }


def _run(run: Measured) -> dict[str, Any]:
    found = asdict(run)
    # Times of one run are easier to read from its failure on.
    for name, at in (("begun", run.begun), ("restored", run.restored), ("repaired", run.repaired)):
        found[name] = None if at is None else round(at - run.moment, 3)
    found["moments"] = {name: round(at - run.moment, 3) for name, at in run.moments.items()}
    found["windows"] = [
        {
            "begins": round(each.begins - run.moment, 3),
            "ends": round(each.ends - run.moment, 3),
            "failed": each.failed,
        }
        for each in run.windows
    ]
    return {**found, "seconds": _finite(run.seconds)}


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else round(value, 3)
