"""The report: for each object its drift, as text for a reader and as JSON for machines."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tools.cli.drift.paths import ABSENT

DELETED, TERMINATING, TAKEN = "deleted", "terminating", "taken"
HIDDEN = "(hidden)"
_WIDEST = 100


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that differs in an object.

    `what` is added, removed, changed, taken (equal, but another manager's), deleted or terminating. `wanted`
    and `live` are values as text, without secrets. `opens` says that it opens something.
    """

    what: str
    field: str = ""
    wanted: str | None = None
    live: str | None = None
    manager: str | None = None
    at: str | None = None
    opens: bool = False

    @property
    def text(self) -> str:
        """Return the change in one line."""
        by = f" (by {self.manager} at {self.at})" if self.manager else ""
        match self.what:
            case "added":
                return f"{self.field} was added: {self.live}{by}"
            case "removed":
                return f"{self.field} was removed: {self.wanted}{by}"
            case "changed":
                return f"{self.field} is {self.live} instead of {self.wanted}{by}"
            case "taken":
                return f"{self.field} is managed by another{by}"
            case "terminating":
                return "is being deleted, and is recreated when it is deleted"
            case _:
                return "is deleted"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An object with its drift. `problem` says why the server would not take it as it should be."""

    kind: str
    namespace: str
    name: str
    changes: tuple[Change, ...]
    problem: str | None = None
    loses_data: bool = False

    @property
    def who(self) -> str:
        """Return the object as a report names it."""
        return named(self.kind, self.namespace, self.name)

    @property
    def opens(self) -> bool:
        """Return whether any of it opens something."""
        return any(change.opens for change in self.changes)

    @property
    def deleted(self) -> bool:
        """Return whether the object is not there."""
        return any(change.what == DELETED for change in self.changes)


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """An object that could not be looked at, and why."""

    who: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """The drift of one stack; `seen` is the number of objects that were compared."""

    stack: str
    seen: int
    findings: tuple[Finding, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    repeated: int = 0

    @property
    def opening(self) -> list[Finding]:
        """Return the findings that open something."""
        return [finding for finding in self.findings if finding.opens]

    @property
    def clean(self) -> bool:
        """Return whether everything could be seen, and nothing differs."""
        return not self.findings and not self.unseen


def named(kind: str, namespace: str, name: str) -> str:
    """Return an object as a report names it."""
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return what opens something first, then what is deleted."""
    return tuple(
        sorted(
            findings,
            key=lambda each: (not each.opens, not each.deleted, each.kind, each.namespace, each.name),
        )
    )


def summary(report: Report) -> str:
    """Return the outcome in a few words."""
    if not report.findings:
        said = f"none in {report.seen} objects"
    else:
        said = f"{len(report.findings)} of {report.seen} objects differ"
    if report.opening:
        said += f", {len(report.opening)} of them OPEN something"
    return f"{said}; {len(report.unseen)} could not be seen" if report.unseen else said


def text(report: Report) -> str:
    """Return the whole report for a reader."""
    lines = []
    for finding in report.findings:
        lines.append(f"{'OPENS' if finding.opens else '  ~  '} {finding.who}")
        changes = sorted(finding.changes, key=lambda change: not change.opens)
        lines += [f"      {'! ' if change.opens else '  '}{change.text}" for change in changes]
        if finding.loses_data:
            lines.append("        its data is lost, unless its volume was retained")
        if finding.problem:
            lines.append(f"        the API server does not take what is wanted: {finding.problem}")
    lines += [f"  ?   {unseen.who}: {unseen.why}" for unseen in report.unseen]
    if report.repeated:
        lines.append(
            f"      {report.repeated} objects of an update that was cut off are left to the next one"
        )
    return "\n".join([*lines, f"drift of {report.stack}: {summary(report)}"])


def document(report: Report) -> str:
    """Return the report as JSON."""
    findings = [
        {
            **asdict(finding),
            "opens": finding.opens,
        }
        for finding in report.findings
    ]
    found: dict[str, Any] = {
        "stack": report.stack,
        "drift": bool(report.findings),
        "complete": not report.unseen,
        "seen": report.seen,
        "findings": findings,
        "unseen": [asdict(each) for each in report.unseen],
    }
    return json.dumps(found, indent=2) + "\n"


def masked(said: str, secrets: frozenset[str]) -> str:
    """Return the text without any of the secrets."""
    for secret in secrets:
        said = said.replace(secret, HIDDEN)
    return said


@dataclass(frozen=True, kw_only=True)
class Masks:
    """The way from values to text: shortened, and without a secret."""

    secrets: frozenset[str] = field(repr=False)
    everything: bool = False

    def shown(self, value: Any) -> str | None:  # noqa: ANN401 - JSON of any shape
        """Return the value as text; None where there is none."""
        if value is ABSENT:
            return None
        if self.everything:
            return HIDDEN
        said = json.dumps(value, sort_keys=True, ensure_ascii=False)
        if any(json.dumps(secret, ensure_ascii=False)[1:-1] in said for secret in self.secrets):
            return HIDDEN
        return said if len(said) <= _WIDEST else f"{said[: _WIDEST - 3]}..."
