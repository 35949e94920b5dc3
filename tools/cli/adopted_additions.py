"""Fields that others added to the objects that an adoption takes over: told before it, and deleted first.

An apply leaves them in force: a sidecar, a variable, a nodeSelector, a port. Some of them the stack's own
admission policies would refuse, in the midst of the adoption.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tools.cli.drift import ownership, paths
from tools.cli.drift.objects import LOOKING, Objects, sent
from tools.cli.drift.paths import ABSENT
from tools.cli.drift.wanted import Key, Manifest, key
from tools.toolchain.errors import UserError

# Deleted and run again by the adoption itself.
_RUN_AGAIN = ("Job",)
# Each resource of the provider's applies as a manager of its own, whose name begins so.
_PROVIDER = "pulumi-kubernetes"
_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Additions:
    """The fields that others added, one line each, and the objects as they are without them."""

    told: tuple[str, ...] = ()
    without: tuple[Manifest, ...] = field(default=(), repr=False)


def look(wanted: Sequence[Manifest], api: Objects) -> Additions:
    """Look for what others added to the objects that are there. Nothing is changed.

    Raises:
        UserError: with every object that could not be applied, or that the server does not take without it.
    """
    live = api.live([each for each in wanted if each["kind"] not in _RUN_AGAIN])
    asked = [each for each in wanted if key(each) in live.objects]
    would = api.would_apply(asked)
    _must_be_answered({**live.problems, **would.problems})
    without: dict[Key, Manifest] = {}
    added: dict[Key, list[tuple[paths.Path, str]]] = {}
    for each in asked:
        there, applied = live.objects[key(each)], would.objects[key(each)]
        for path, entry in ownership.foreign(applied, _own(applied), {LOOKING}):
            below = without.get(key(each), there)
            if paths.value(below, path) is not ABSENT:
                without[key(each)] = paths.without(below, path)
                added.setdefault(key(each), []).append((path, entry.who))
    # Without a version, as controllers write the status of some objects every few seconds.
    replaced = api.would_replace([sent(each, guarded=False) for each in without.values()])
    _must_be_deletable(replaced.problems, added)
    told: list[str] = []
    kept: list[Manifest] = []
    for of, fields in added.items():
        # What differs without it: other fields the server fills in again.
        gone = [
            (path, who)
            for path, who in fields
            if paths.value(replaced.objects[of], path) != paths.value(live.objects[of], path)
        ]
        told += [f"{of[1]} {of[3]}: {paths.shown(path)} of {who}" for path, who in gone]
        if gone:
            kept.append(sent(without[of]))
    return Additions(told=tuple(told), without=tuple(kept))


def delete(additions: Additions, wanted: Sequence[Manifest], api: Objects) -> None:
    """Delete what others added, as it was told.

    An object whose status was written since it was looked at is looked at again.

    Raises:
        UserError: where the server refuses it, or more was added meanwhile.
    """
    todo, problems = additions, api.replace(additions.without).problems
    for _ in range(_TRIES):
        if not problems:
            return
        todo = look(wanted, api)
        if set(todo.told) - set(additions.told):
            break
        problems = api.replace(todo.without).problems
    raise UserError(
        "what others added could not be deleted\n" + _lines(problems),
        "the adoption would leave it in force; nothing was adopted yet",
        "end what writes to these objects, and make adopt",
    )


def _own(applied: Manifest) -> paths.Tree:
    """Return the fields that the stack wants, and those that an adoption which was cut off has applied."""
    managers = {each.manager for each in ownership.entries(applied) if each.manager.startswith(_PROVIDER)}
    return paths.union(*(ownership.applied(applied, manager) for manager in (LOOKING, *managers)))


def _must_be_answered(problems: Mapping[Key, str]) -> None:
    if problems:
        raise UserError(
            "these objects cannot be taken over as they are\n" + _lines(problems),
            "the adoption would stop at them half-way; nothing was changed",
            "do what the API server says, and make adopt",
        )


def _must_be_deletable(problems: Collection[Key], added: dict[Key, list[tuple[paths.Path, str]]]) -> None:
    fields = [f"{of[1]} {of[3]}: {paths.shown(path)} of {who}" for of in problems for path, who in added[of]]
    if fields:
        raise UserError(
            "the API server does not take these objects without what others added\n" + "\n".join(fields),
            "the adoption would leave it in force; nothing was changed",
            "give these fields their former values (kubectl edit), or delete the objects that hold no data, "
            "and make adopt",
        )


def _lines(problems: Mapping[Key, str]) -> str:
    return "\n".join(f"{of[1]} {of[3]}: {why}" for of, why in problems.items())
