"""The repair of drift: every field as the program applied it, and nothing that others added to its objects."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from local.drift.detect import Repair
from local.drift.kubectl import Kubectl
from local.drift.report import Finding
from local.drift.wanted import Wanted, key

_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class Failed:
    """An object that could not be repaired, and why."""

    finding: Finding
    why: str


def apply(repairs: Sequence[Repair], kubectl: Kubectl) -> list[Failed]:
    """Repair what is there; returns what the server refused.

    What others added goes first, guarded by the version that was looked at: an object that has changed since is
    refused. Then the wanted fields are applied by the field manager of their own resource, which owns them again.
    Cut off in between, the next comparison finds the rest.
    """
    outdated = [repair for repair in repairs if repair.replacement is not None]
    refused = kubectl.replace([repair.replacement for repair in outdated if repair.replacement]).problems
    failed = [
        Failed(finding=repair.finding, why=refused[key(repair.replacement)])
        for repair in outdated
        if repair.replacement and key(repair.replacement) in refused
    ]
    unchanged = {id(each.finding) for each in failed}
    todo = [
        (repair.finding, member)
        for repair in repairs
        if id(repair.finding) not in unchanged
        for member in repair.applied
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda each: _applied(each[1], kubectl), todo)
    return failed + [
        Failed(finding=finding, why=why) for (finding, _), why in zip(todo, answers, strict=True) if why
    ]


def _applied(member: Wanted, kubectl: Kubectl) -> str | None:
    return kubectl.apply([member.manifest], member.manager).problems.get(member.key)
