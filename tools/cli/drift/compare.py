"""The difference between an object as the server would have it and as it is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.cli.drift import paths
from tools.cli.drift.paths import ABSENT, Path, Tree

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
_OF_THE_SERVER = (
    "managedFields",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "uid",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field that differs: added, removed or changed on the cluster.

    `wanted` and `live` are values of it; ABSENT where there is none. `whole` is the field that its manager
    owns as one, such as a list without keys.
    """

    kind: str
    path: Path
    whole: Path
    wanted: Any = field(default=ABSENT, repr=False)
    live: Any = field(default=ABSENT, repr=False)


def differences(wanted: Mapping[str, Any], live: Mapping[str, Any], tree: Tree) -> list[Difference]:
    """Return every field in which the two differ, apart from what the server alone writes.

    `tree` says by its keys which lists have entries that are managed one by one.
    """
    return list(_compared(_bare(wanted), _bare(live), tree, ()))


def _bare(thing: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {
        name: part for name, part in (thing.get("metadata") or {}).items() if name not in _OF_THE_SERVER
    }
    return {**{name: part for name, part in thing.items() if name != "status"}, "metadata": metadata}


def _compared(wanted: Any, live: Any, tree: Tree, path: Path) -> Iterator[Difference]:  # noqa: ANN401 - JSON
    if wanted == live:
        return
    if wanted is ABSENT or live is ABSENT:
        yield from _one_sided(wanted, live, path)
    elif isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for name in dict.fromkeys((*wanted, *live)):
            step = f"f:{name}"
            one, other = wanted.get(name, ABSENT), live.get(name, ABSENT)
            yield from _compared(one, other, tree.get(step, {}), (*path, step))
    elif isinstance(wanted, list) and isinstance(live, list):
        keyed = [step for step in tree if paths.is_entry(step)]
        yield from _keyed(wanted, live, tree, keyed, path) if keyed else _unkeyed(wanted, live, path)
    else:
        yield Difference(kind=CHANGED, path=path, whole=path, wanted=wanted, live=live)


def _one_sided(wanted: Any, live: Any, path: Path) -> Iterator[Difference]:  # noqa: ANN401 - JSON
    """Yield a value on one side; a mapping is told by its parts, which are what a reader looks for."""
    kind, there = (ADDED, live) if wanted is ABSENT else (REMOVED, wanted)
    if isinstance(there, Mapping) and there:
        for name, part in there.items():
            below = (*path, f"f:{name}")
            one, other = (ABSENT, part) if kind == ADDED else (part, ABSENT)
            yield from _one_sided(one, other, below)
    else:
        yield Difference(kind=kind, path=path, whole=path, wanted=wanted, live=live)


def _keyed(
    wanted: list[Any], live: list[Any], tree: Tree, steps: Sequence[str], path: Path
) -> Iterator[Difference]:
    for step in steps:
        below = (*path, step)
        one, other = paths.value(wanted, (step,)), paths.value(live, (step,))
        if ABSENT in (one, other) and one is not other:
            kind = ADDED if one is ABSENT else REMOVED
            yield Difference(kind=kind, path=below, whole=below, wanted=one, live=other)
        else:
            yield from _compared(one, other, tree[step], below)


def _unkeyed(wanted: list[Any], live: list[Any], path: Path) -> Iterator[Difference]:
    missing, extra = _less(wanted, live), _less(live, wanted)
    if not missing and not extra:
        yield Difference(kind=CHANGED, path=path, whole=path, wanted=wanted, live=live)
    for entry in missing:
        yield Difference(kind=REMOVED, path=path, whole=path, wanted=entry)
    for entry in extra:
        yield Difference(kind=ADDED, path=path, whole=path, live=entry)


def _less(these: Sequence[Any], those: Sequence[Any]) -> list[Any]:
    """Return the entries of one list that the other has fewer of."""
    left = [_as_text(entry) for entry in those]
    result = []
    for entry in these:
        if (text := _as_text(entry)) in left:
            left.remove(text)
        else:
            result.append(entry)
    return result


def _as_text(entry: Any) -> str:  # noqa: ANN401 - JSON of any shape
    return json.dumps(entry, sort_keys=True)
