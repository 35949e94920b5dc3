"""Drift of the stacks as the one issue of a repository: open while there is any, closed when there is none.

The reports are what `python -m tools.cli drift --json` printed. Their values stay out of the issue: what
others put on a cluster may be a secret that is not known to be one.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.delivery.comment import LONGEST, code, plain
from tools.delivery.github import Repository, is_ours
from tools.toolchain.errors import UserError

MARKER = "<!-- feastflow: drift of the stacks -->"
_TITLE = "The cluster differs from what was deployed"
_MOST = 8 * 1024 * 1024
_MOST_OBJECTS = 100
_SHAPE = {"stack": str, "drift": bool, "complete": bool, "findings": list, "unseen": list}

Report = dict[str, Any]


def load(files: Sequence[Path]) -> list[Report]:
    """Read the reports.

    Raises:
        UserError: when one is missing, or is none: then nothing is known of its stack, and nothing is closed.
    """
    return [_load(file) for file in files]


def keep(place: Repository, reports: Sequence[Report]) -> str:
    """Open, update or close the issue; returns what was done.

    Raises:
        UserError: when GitHub does not take it.
    """
    known = _open(place)
    if any(each["drift"] or not each["complete"] for each in reports):
        body = {"title": _TITLE, "body": text(reports)}
        if known is None:
            return f"opened issue {place.asked('POST', 'issues', body)['number']}"
        place.asked("PATCH", f"issues/{known}", body)
        return f"updated issue {known}"
    if known is None:
        return "no drift, and no issue"
    place.asked("PATCH", f"issues/{known}", {"state": "closed", "state_reason": "completed"})
    return f"closed issue {known}"


def text(reports: Sequence[Report]) -> str:
    """Return the issue's body: for each stack the objects and fields that differ."""
    whole = "\n".join([MARKER, *(line for report in reports for line in _section(report))])
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}\n"


def _section(report: Report) -> Iterator[str]:
    stack, findings = str(report["stack"]), report["findings"]
    yield f"## {code(stack)}"
    yield ""
    if not findings and report["complete"]:
        yield f"No drift in {int(report['seen'])} objects."
    for finding in findings[:_MOST_OBJECTS]:
        name = "/".join(str(finding[part]) for part in ("kind", "namespace", "name") if finding[part])
        yield f"- {'**OPENS** ' if finding['opens'] else ''}{code(name)}"
        for change in finding["changes"]:
            by = (
                f" by {code(str(change['manager']))} at {code(str(change['at']))}"
                if change["manager"]
                else ""
            )
            yield (
                f"  - {code(change['field'])} {plain(change['what'])}{by}"
                if change["field"]
                else f"  - {plain(change['what'])}"
            )
    if len(findings) > _MOST_OBJECTS:
        yield f"- and {len(findings) - _MOST_OBJECTS} more"
    yield from (f"- could not be seen: {code(str(each['who']))}" for each in report["unseen"])
    yield ""
    if findings:
        show, repair = (code(f"make {verb} STACK={stack}") for verb in ("drift", "up"))
        yield f"{show} shows the values; {repair} puts it right."
        yield ""


def _open(place: Repository) -> int | None:
    """Return the issue that an earlier run left open; another author's with the same marker is not ours."""
    for known in place.asked("GET", "issues?state=open&creator=github-actions%5Bbot%5D&per_page=100"):
        if is_ours(known, MARKER):
            return int(known["number"])
    return None


def _load(file: Path) -> Report:
    try:
        text = file.read_text(encoding="utf-8") if file.stat().st_size <= _MOST else ""
        found = json.loads(text)
        fits = all(isinstance(found[name], kind) for name, kind in _SHAPE.items())
    except (OSError, ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise UserError(
            f"{file.name} is no report of drift",
            "whether its stack differs from what was deployed is not known",
            "look at the job that made it, and run it again",
        )
    report: Report = found
    return report
