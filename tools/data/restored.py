"""A restore beside the running database: its Job, what it holds, and both compared. Pure."""

import copy
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

NAME = "feastflow-restored"
_AT = "feastflow.dev/restored-at"
# Long enough to look at both and to decide; then the pod ends, with its files.
HOLD_SECONDS = 1800
_DAY = 86400
_TOLD = {"HOLD_SECONDS": str(HOLD_SECONDS), "TOLD": "/tmp/told.json"}  # noqa: S108 - in the container
_LEAST = 12


@dataclass(frozen=True, kw_only=True)
class Past:
    """The state that was restored: the copy and the newest transaction in it, and the rows of each table."""

    copy: str
    newest: str
    seconds: int
    rows: Mapping[str, int]


def job(proving: Mapping[str, Any], at: str) -> Object:
    """Return the Job that restores that moment, from the CronJob of the proofs."""
    spec = copy.deepcopy(proving["spec"]["jobTemplate"]["spec"])
    (container,) = spec["template"]["spec"]["containers"]
    told = {"RESTORE_AT": at, **_TOLD}
    kept = [each for each in container["env"] if each["name"] not in told]
    container["env"] = kept + [{"name": name, "value": value} for name, value in sorted(told.items())]
    container["name"] = "restored"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": NAME,
            "labels": {**proving["metadata"]["labels"], "app.kubernetes.io/name": NAME},
            "annotations": {_AT: at},
        },
        "spec": {**spec, "backoffLimit": 0, "activeDeadlineSeconds": _DAY, "ttlSecondsAfterFinished": 600},
    }


def at(found: Mapping[str, Any]) -> str:
    """Return the moment of which a Job has the state."""
    return str((found["metadata"].get("annotations") or {}).get(_AT, ""))


def read(text: str) -> Past:
    """Return what the pod told: a line of JSON about the restore, and one with the rows of each table."""
    told, _, counted = text.strip().partition("\n")
    found = json.loads(told)
    return Past(
        copy=str(found["copy"]),
        newest=str(found["newest"]),
        seconds=int(found["seconds"]),
        rows=rows(counted),
    )


def rows(text: str) -> dict[str, int]:
    """Return the rows of each table from JSON."""
    return {str(name): int(number) for name, number in json.loads(text).items()}


def compared(past: Past, now: Mapping[str, int]) -> list[str]:
    """Return both states side by side, each table a line."""
    names = sorted({*past.rows, *now})
    width = max([_LEAST, *map(len, names)])
    lines = [
        f"\nthe newest transaction of then: {past.newest}\n",
        f"{'table':<{width}} {'rows then':>12} {'rows now':>12}",
    ]
    for name in names:
        then, present = past.rows.get(name), now.get(name)
        lines.append(f"{name:<{width}} {_number(then)} {_number(present)}{_difference(then, present)}")
    return lines


def offer(at: str, now: Mapping[str, int], chosen: str) -> str:
    """Return what to type to have that state, and what it takes away."""
    held = ",".join(sorted(name for name, number in now.items() if number))
    replace = f" REPLACE='{held}'" if held else " REPLACE=none"
    return (
        "\nThe running database is as it was; the other one stays beside it for half an hour.\n"
        "To have every table as it was then, in one transaction, and lose the rows of now in:\n"
        f"  make restore AT='{at}'{replace}{chosen}"
    )


def done(at: str, began: dt.datetime, chosen: str) -> str:
    """Return what is so now, and the way back."""
    before = began.isoformat(sep=" ", timespec="seconds")
    return (
        f"\nthe database is as it was at {at}. What it was until now stays in the store as long as its\n"
        f"copies do, and comes back by: make restore AT='{before}'{chosen}"
    )


def _number(value: int | None) -> str:
    return f"{'-' if value is None else f'{value:,}':>12}"


def _difference(then: int | None, now: int | None) -> str:
    if then is None:
        return "  was not there"
    if now is None:
        return "  is not there now"
    if then == now:
        return ""
    return f"  {abs(now - then):,} {'fewer' if then < now else 'more'} then"
