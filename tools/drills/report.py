"""The files that are kept of the drills: figures as JSON, and a picture of each."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.drills.verdict import Measured, Row

FOLDER = Path(__file__).parents[2] / "artifacts" / "drills"
_MILLISECONDS = 1000.0
_GOOD, _BAD, _SLOW, _MOMENT = "#2a7f62", "#b3261e", "#7a8b99", "#202020"


def write(rows: Sequence[Row], folder: Path = FOLDER) -> list[Path]:
    """Write `drills.json` and a picture a row; return the files. Files of the same names are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = folder / "drills.json"
    text = json.dumps([document(row) for row in rows], indent=2, ensure_ascii=False)
    figures.write_text(text + "\n", encoding="utf-8")
    return [figures, *(_picture(row, folder / f"{row.drill}-{row.stack}.png") for row in rows if row.runs)]


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
    found["restored"] = None if run.restored is None else round(run.restored - run.moment, 3)
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


def _picture(row: Row, path: Path) -> Path:
    """Draw success and latency over time, all runs over each other, the moment of failure at 0."""
    # Imported here: it takes a second, and a drill that is refused needs no picture.
    from matplotlib.figure import Figure  # noqa: PLC0415 - as the line above says

    figure = Figure(figsize=(9, 5), layout="constrained")
    success, latency = figure.subplots(2, 1, sharex=True)
    for run in row.runs:
        at = [second.at for second in run.course]
        share = [100 * (1 - second.failed / second.sent) for second in run.course]
        success.step(at, share, where="post", color=_GOOD, alpha=0.7)
        success.fill_between(at, share, 100, step="post", color=_BAD, alpha=0.25)
        latency.plot(at, [second.p99 * _MILLISECONDS for second in run.course], color=_SLOW, label="p99")
        latency.plot(at, [second.p50 * _MILLISECONDS for second in run.course], color=_GOOD, label="p50")
        if run.restored is not None:
            for axes in (success, latency):
                axes.axvline(run.restored - run.moment, color=_GOOD, linestyle=":")
        for name, when in run.moments.items():
            success.axvline(when - run.moment, color=_SLOW, linestyle="--")
            success.annotate(
                name, (when - run.moment, 0), xytext=(3, 3), textcoords="offset points", fontsize=8
            )
    for axes in (success, latency):
        axes.axvline(0, color=_MOMENT, linewidth=1)
    success.set_ylim(-5, 105)
    success.set_ylabel("answered at once, %")
    success.set_title(f"{row.drill}, {row.stack}: failure at 0, restored at the dotted line", fontsize=10)
    latency.set_yscale("log")
    latency.set_ylabel("latency from due, ms")
    latency.set_xlabel("seconds from the failure")
    handles, labels = latency.get_legend_handles_labels()
    latency.legend(handles[:2], labels[:2], loc="upper right", fontsize=8)
    figure.savefig(path, dpi=110)
    return path
