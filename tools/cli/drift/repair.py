"""The repair of drift: every field as the program applied it, and nothing that others added."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.cli.drift.detect import Repair
from tools.cli.drift.objects import Objects
from tools.cli.drift.report import Finding
from tools.cli.drift.wanted import key

_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class Failed:
    """An object that could not be repaired, and why."""

    finding: Finding
    why: str


def was_changed(failed: Failed) -> bool:
    """Return whether the object was changed since it was looked at, as by a controller that writes a status.

    Of https://github.com/kubernetes/apiserver/blob/master/pkg/registry/generic/registry/store.go
    (`OptimisticLockErrorMsg`).
    """
    return "the object has been modified" in failed.why


def apply(repairs: Sequence[Repair], api: Objects) -> list[Failed]:
    """Repair what is there; returns what the server refused.

    What others added is deleted first, guarded by the version that was looked at: an object that was changed
    since is refused. Then the wanted fields are applied by the field manager of their own resource, which
    owns them again. Cut off in between, the next comparison finds the rest.
    """
    outdated = [repair for repair in repairs if repair.replacement is not None]
    refused = api.replace([repair.replacement for repair in outdated if repair.replacement]).problems
    failed = [
        Failed(finding=repair.finding, why=refused[key(repair.replacement)])
        for repair in outdated
        if repair.replacement and key(repair.replacement) in refused
    ]
    unchanged = {id(each.finding) for each in failed}
    todo = [repair for repair in repairs if id(repair.finding) not in unchanged and repair.applied]
    # What a deleted namespace held can only come back after it.
    first = [repair for repair in todo if repair.finding.kind == "Namespace"]
    for group in (first, [repair for repair in todo if repair not in first]):
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = pool.map(lambda each: _applied(each, api), group)
            failed += [
                Failed(finding=each.finding, why=why) for each, why in zip(group, answers, strict=True) if why
            ]
    return failed


def _applied(repair: Repair, api: Objects) -> str | None:
    """Apply the object before the patches of it; returns why the server did not take one."""
    if repair.recreated:
        problems = api.delete([repair.applied[0].manifest]).problems
        if problems:
            return next(iter(problems.values()))
    for member in sorted(repair.applied, key=lambda each: each.is_patch):
        problem = api.apply([member.manifest], member.manager).problems.get(member.key)
        if problem:
            return problem
    return None
