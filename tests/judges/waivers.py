"""Waivers, read from their file, and the findings that none covers."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from .finding import Finding

FILE = Path(__file__).with_name("waivers.yaml")

_REQUIRED = ("judge", "check", "resources", "reason")
_KNOWN = {*_REQUIRED, "stack"}
_OBJECT = re.compile(r"[A-Za-z]+/[a-z0-9.-]*[a-z0-9](-\*)?")


class WaiverError(ValueError):
    """An entry of the file that cannot be a waiver."""

    def __init__(self, entry: object, why: str) -> None:
        super().__init__(f"{why}: {entry}")


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One rule that an object may break; in every stack, unless it names one."""

    judge: str
    check: str
    resource: str
    reason: str
    stack: str | None = None

    def covers(self, finding: Finding, stack: str) -> bool:
        """Return True if the waiver covers a finding in that stack."""
        return (
            (self.judge, self.check) == (finding.judge, finding.check)
            and self.stack in {None, stack}
            and fnmatchcase(finding.resource, self.resource)
        )


def load(judges: Iterable[str], path: Path = FILE) -> list[Waiver]:
    """Return the waivers of the file, one for each pattern.

    Raises:
        WaiverError: for unknown or missing keys, an unknown judge, an empty reason, and what is there twice.
    """
    known, loaded = set(judges), list[Waiver]()
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or []:
        for waiver in _waivers(entry, known):
            if any(_subject(waiver) == _subject(other) for other in loaded):
                raise WaiverError(entry, f"{waiver.resource} is waived twice")
            loaded.append(waiver)
    return loaded


def unwaived(findings: Iterable[Finding], waivers: Sequence[Waiver], stack: str) -> list[Finding]:
    """Return the findings of a stack that no waiver covers."""
    return [finding for finding in findings if not any(waiver.covers(finding, stack) for waiver in waivers)]


def _waivers(entry: Any, judges: set[str]) -> list[Waiver]:
    if not isinstance(entry, dict) or not {*_REQUIRED} <= entry.keys() <= _KNOWN:
        raise WaiverError(entry, f"a waiver has {', '.join(_REQUIRED)}, perhaps stack, and nothing else")
    if entry["judge"] not in judges:
        raise WaiverError(entry, f"the judges are {', '.join(sorted(judges))}")
    if not (isinstance(entry["reason"], str) and entry["reason"].strip()):
        raise WaiverError(entry, "a waiver without a reason is a finding")
    if not (isinstance(entry["resources"], list) and entry["resources"]):
        raise WaiverError(entry, "resources is a list of patterns of Kind/name")
    if wide := [each for each in entry["resources"] if not _OBJECT.fullmatch(str(each))]:
        raise WaiverError(entry, f"{wide[0]} names no object: only a Job's digest may be left open, as `-*`")
    common = {key: value for key, value in entry.items() if key != "resources"}
    return [Waiver(**common, resource=pattern) for pattern in entry["resources"]]


def _subject(waiver: Waiver) -> tuple[str, str, str, str | None]:
    return waiver.judge, waiver.check, waiver.resource, waiver.stack
