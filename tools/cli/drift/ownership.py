"""Field ownership: who manages which fields of an object since when, from its managedFields."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.cli.drift import left, paths
from tools.cli.drift.paths import Path, Tree

APPLY, UPDATE = "Apply", "Update"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of managedFields. `at` is when the manager last changed one of its fields."""

    manager: str
    operation: str
    subresource: str
    at: str
    tree: Tree = field(repr=False)

    @property
    def who(self) -> str:
        """Return the manager as a report names it."""
        return f"{self.manager}/{self.subresource}" if self.subresource else self.manager


def entries(thing: Mapping[str, Any]) -> list[Entry]:
    """Return the entries of an object, the latest first."""
    found = [
        Entry(
            manager=str(each.get("manager") or "unknown"),
            operation=str(each.get("operation")),
            subresource=str(each.get("subresource") or ""),
            at=str(each.get("time") or ""),
            tree=each.get("fieldsV1") or {},
        )
        for each in (thing.get("metadata") or {}).get("managedFields") or []
    ]
    return sorted(found, key=lambda entry: entry.at, reverse=True)


def applied(thing: Mapping[str, Any], manager: str) -> Tree:
    """Return the fields that a manager has applied."""
    return paths.union(
        *(each.tree for each in entries(thing) if (each.manager, each.operation) == (manager, APPLY))
    )


def owner(found: Collection[Entry], path: Path, own: Collection[str]) -> Entry | None:
    """Return the latest entry of another manager that owns the field, or a part of it."""
    for entry in found:
        if entry.manager in own and entry.operation == APPLY:
            continue
        if _reaches(entry.tree, path):
            return entry
    return None


def foreign(thing: Mapping[str, Any], wanted: Tree, own: Collection[str]) -> list[tuple[Path, Entry]]:
    """Return what other managers added to the object, as the largest parts of which nothing is kept.

    `wanted` are the fields that the program applies, `own` the managers by which it does. What
    `left` lists is kept.
    """
    kept = [wanted]
    theirs: list[tuple[Entry, Tree]] = []
    for entry in entries(thing):
        added: list[Tree] = []
        for path in paths.leaves(entry.tree):
            if left.is_left(str(thing.get("kind")), entry.subresource, path) or _injected(entry, own):
                kept.append(paths.branch(path))
            else:
                added.append(paths.branch(path))
        theirs.append((entry, paths.union(*added)))
    known = paths.union(*kept)
    parts: dict[Path, Entry] = {}
    for entry, tree in theirs:
        for path in _parts(tree, known, ()):
            parts.setdefault(path, entry)
    # Of a part and a part of it, the whole is enough.
    return [
        (path, entry)
        for path, entry in parts.items()
        if not any(path[:length] in parts for length in range(1, len(path)))
    ]


def _injected(entry: Entry, own: Collection[str]) -> bool:
    # What admission adds to the program's own request is recorded as an update by the program's manager.
    return entry.manager in own and entry.operation == UPDATE


def _parts(tree: Tree, known: Tree, above: Path) -> Iterator[Path]:
    for step, part in tree.items():
        if step == paths.SELF:
            continue
        path = (*above, step)
        # A map's other keys may be the server's own: whole sections, labels and annotations are not one part.
        if step not in known and (len(path) > 1 or not part) and not left.is_map(path):
            yield path
        else:
            yield from _parts(part, known.get(step, {}), path)


def _reaches(tree: Tree, path: Path) -> bool:
    """Return whether a tree holds the path, something below it, or a whole of which it is a part."""
    for step in path:
        if not {name for name in tree if name != paths.SELF}:
            return True
        if step not in tree:
            return False
        tree = tree[step]
    return True
