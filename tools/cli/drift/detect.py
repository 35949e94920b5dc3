"""The comparison: what the last deployment applied, what is live, and what the server would make of both."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.settings.values.merging import merged
from tools.cli.drift import compare, guard, opening, ownership, paths
from tools.cli.drift import report as reports
from tools.cli.drift.compare import Difference
from tools.cli.drift.objects import LOOKING, Answers, Objects, sent
from tools.cli.drift.ownership import Entry
from tools.cli.drift.paths import ABSENT, Path, Tree
from tools.cli.drift.report import Change, Finding, Masks, Report, Unseen
from tools.cli.drift.wanted import Key, Manifest, Wanted

# What holds data, which is not there again when the object is.
_DATA = ("Namespace", "PersistentVolumeClaim", "Cluster")
# What may be immutable and holds nothing that would be lost with it.
_RECREATED = ("ConfigMap", "Secret", "Job", "RoleBinding", "ClusterRoleBinding")
# How the API server says that it refuses the user, and not the object.
_NOT_ALLOWED = " is forbidden: User "
_MOST_TAKEN = 3


@dataclass(frozen=True, kw_only=True)
class Repair:
    """The repair of an object: put `replacement` in its place, and apply the wanted fields.

    `recreated` says that it is deleted first, since it is immutable.
    """

    finding: Finding
    recreated: bool = False
    replacement: Manifest | None = field(default=None, repr=False)
    applied: tuple[Wanted, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Object:
    """Everything that is wanted of one object: by the resource that makes it, and by patches of it."""

    key: Key
    members: tuple[Wanted, ...]

    @property
    def manifest(self) -> Manifest:
        whole: Manifest = {}
        for member in self.members:
            whole = merged(whole, member.manifest)
        return whole

    @property
    def managers(self) -> set[str]:
        return {member.manager for member in self.members}

    @property
    def is_made_here(self) -> bool:
        return not all(member.is_patch for member in self.members)


@dataclass(kw_only=True)
class _Compared:
    """An object that is there, on its way to a finding."""

    wanted: _Object
    live: Manifest
    owned: list[Difference] = field(default_factory=list)
    taken: list[Path] = field(default_factory=list)
    foreign: list[tuple[Path, Entry]] = field(default_factory=list)
    replacement: Manifest | None = None
    problem: str | None = None


def look(
    stack: str, wanted: Sequence[Wanted], api: Objects, *, repeated: int = 0
) -> tuple[Report, list[Repair]]:
    """Compare everything that a stack wants with what is live; returns the drift, and what repairs it.

    Nothing is changed. `repeated` is the number of objects that were left out of `wanted`.
    """
    grouped: dict[Key, list[Wanted]] = defaultdict(list)
    for each in wanted:
        grouped[each.key].append(each)
    objects = [_Object(key=key, members=tuple(members)) for key, members in grouped.items()]
    live = api.live([each.manifest for each in objects])
    unseen = dict(live.problems)
    guard.same_owner([each.manifest for each in objects], live.objects)
    repairs = [
        Repair(
            finding=_finding(each, [Change(what=reports.DELETED, opens=opening.by_absence(each.manifest))]),
            applied=each.members,
        )
        for each in objects
        if each.key not in live.objects
        and each.key not in unseen
        and each.is_made_here
        and not _is_over(each.manifest)
    ]
    there = [each for each in objects if each.key in live.objects]
    ending = [each for each in there if live.objects[each.key]["metadata"].get("deletionTimestamp")]
    repairs += [Repair(finding=_finding(each, [Change(what=reports.TERMINATING)])) for each in ending]
    found, refused = _compared([each for each in there if each not in ending], live, api)
    unseen |= refused
    secrets = frozenset(secret for each in wanted for secret in each.secrets)
    repairs += [repair for each in found if (repair := _repair(each, secrets))]
    report = Report(
        stack=stack,
        seen=len(objects) - len(unseen),
        findings=reports.ordered(repair.finding for repair in repairs),
        unseen=tuple(
            Unseen(who=reports.named(*key[1:]), why=reports.masked(why, secrets))
            for key, why in unseen.items()
        ),
        repeated=repeated,
    )
    return report, repairs


def _compared(
    objects: Sequence[_Object], live: Answers, api: Objects
) -> tuple[list[_Compared], dict[Key, str]]:
    """Return the objects that are there with all that differs, and those that may not be looked at."""
    would = api.would_apply([each.manifest for each in objects])
    found: list[_Compared] = []
    unseen: dict[Key, str] = {}
    for each in objects:
        each_live = live.objects[each.key]
        compared = _Compared(wanted=each, live=each_live)
        if each.key in would.objects:
            _judge(compared, would.objects[each.key])
        elif _NOT_ALLOWED in would.problems.get(each.key, ""):
            unseen[each.key] = would.problems[each.key]
            continue
        else:
            compared.problem = would.problems.get(each.key, "no answer")
            compared.replacement = merged(each_live, each.manifest)
        found.append(compared)
    replaced = api.would_replace([sent(each.replacement) for each in found if each.replacement is not None])
    for compared in found:
        if compared.replacement is not None:
            _settle(compared, replaced)
    return found, unseen


def _judge(compared: _Compared, would: Manifest) -> None:
    """Note what differs, from the object as it would be with the wanted fields applied by force."""
    wanted, live = compared.wanted, compared.live
    tree = ownership.applied(would, LOOKING)
    compared.owned = compare.differences(would, live, tree)
    owned = paths.union(*(ownership.applied(live, manager) for manager in wanted.managers))
    different = {difference.path for difference in compared.owned}
    compared.taken = [
        path
        for path in paths.leaves(tree)
        if not _holds(owned, path)
        and not any(path[: len(each)] == each or each[: len(path)] == path for each in different)
    ]
    if not wanted.is_made_here:
        return
    # Refused where the object is changed meanwhile.
    version = {"resourceVersion": live["metadata"]["resourceVersion"]}
    both = {**would, "metadata": {**would["metadata"], **version}}
    for path, entry in ownership.foreign(would, tree, {*wanted.managers, LOOKING}):
        # From what it would be: without what others added alone, a list that must not be empty may be.
        below = compared.replacement or both
        if paths.value(below, path) is not ABSENT:
            compared.foreign.append((path, entry))
            compared.replacement = paths.without(below, path)


def _holds(tree: Tree, path: Path) -> bool:
    for step in path:
        if step not in tree:
            return False
        tree = tree[step]
    return True


def _settle(compared: _Compared, replaced: Answers) -> None:
    """Keep of what others added what would differ without it: the server fills a default in again."""
    after = replaced.objects.get(compared.wanted.key)
    if compared.problem is not None:
        # The wanted fields cannot be applied over those that are there; put in their place, they may.
        overlay = after or compared.replacement or {}
        compared.owned = compare.differences(overlay, compared.live, {})
        compared.problem = None if after else replaced.problems.get(compared.wanted.key, compared.problem)
    elif after is None:
        compared.problem = replaced.problems.get(compared.wanted.key)
    else:
        compared.foreign = [
            (path, entry)
            for path, entry in compared.foreign
            if paths.value(after, path) != paths.value(compared.live, path)
        ]
        if not compared.foreign:
            compared.replacement = None


def _repair(compared: _Compared, secrets: frozenset[str]) -> Repair | None:
    wanted, live = compared.wanted, compared.live
    kind = wanted.key[1]
    known = ownership.entries(live)
    changes = [
        _change(kind, each, ownership.owner(known, each.whole, wanted.managers), secrets)
        for each in compared.owned
    ]
    for path, entry in compared.foreign:
        added = Difference(kind=compare.ADDED, path=path, whole=path, live=paths.value(live, path))
        changes.append(_change(kind, added, entry, secrets))
    changes += _taken(compared.taken, known, wanted.managers)
    if not changes:
        return None
    if compared.problem and kind in _RECREATED and wanted.is_made_here:
        return Repair(finding=_finding(wanted, changes), recreated=True, applied=wanted.members)
    applied = bool(compared.owned or compared.taken)
    return Repair(
        finding=_finding(
            wanted, changes, reports.masked(compared.problem, secrets) if compared.problem else None
        ),
        replacement=sent(compared.replacement) if compared.replacement is not None else None,
        applied=wanted.members if applied else (),
    )


def _change(kind: str, difference: Difference, entry: Entry | None, secrets: frozenset[str]) -> Change:
    name = paths.shown(difference.path)
    masks = Masks(secrets=secrets, everything=kind == "Secret" and not name.startswith("metadata.labels"))
    return Change(
        what=difference.kind,
        field=name,
        wanted=masks.shown(difference.wanted),
        live=masks.shown(difference.live),
        manager=entry.who if entry else None,
        at=entry.at if entry else None,
        opens=opening.by_change(kind, name, difference.kind),
    )


def _taken(fields: Sequence[Path], known: Sequence[Entry], own: Collection[str]) -> list[Change]:
    if not fields:
        return []
    names = [paths.shown(path) for path in fields]
    more = f" and {len(names) - _MOST_TAKEN} more" if len(names) > _MOST_TAKEN else ""
    entry = ownership.owner(known, fields[0], own)
    return [
        Change(
            what=reports.TAKEN,
            field=f"{', '.join(names[:_MOST_TAKEN])}{more}",
            manager=entry.who if entry else None,
            at=entry.at if entry else None,
        )
    ]


def _finding(wanted: _Object, changes: Iterable[Change], problem: str | None = None) -> Finding:
    _, kind, namespace, name = wanted.key
    told = tuple(changes)
    gone = any(change.what in (reports.DELETED, reports.TERMINATING) for change in told)
    return Finding(
        kind=kind,
        namespace=namespace,
        name=name,
        changes=told,
        problem=problem,
        loses_data=gone and kind in _DATA,
    )


def _is_over(manifest: Mapping[str, Any]) -> bool:
    """Return whether it deletes itself: a Job with a time to live after its end."""
    return (
        manifest["kind"] == "Job" and (manifest.get("spec") or {}).get("ttlSecondsAfterFinished") is not None
    )
