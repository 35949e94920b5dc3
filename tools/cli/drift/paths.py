"""Paths into an object in the notation of managedFields, and the trees that they form.

A step is `f:NAME` (a field), `k:{"name":"x"}` (the entry of a list with these keys) or `v:VALUE` (an
entry that is the value itself); `.` stands for the node and not for what is below it.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
Tree = dict[str, Any]

SELF = "."
ABSENT = object()
_FIELD, _KEYED, _VALUE = "f:", "k:", "v:"
_SPECIAL = set("./[]")


def field_path(*names: str) -> Path:
    """Return the path of fields below each other."""
    return tuple(f"{_FIELD}{name}" for name in names)


def leaves(tree: Tree, above: Path = ()) -> Iterator[Path]:
    """Yield every path to which a tree leads, without what stands for a node with others below it."""
    below = {step: part for step, part in tree.items() if step != SELF}
    if not below and above:
        yield above
    for step, part in below.items():
        yield from leaves(part, (*above, step))


def union(*trees: Tree) -> Tree:
    """Return one tree with the paths of all."""
    result: Tree = {}
    for tree in trees:
        for step, part in tree.items():
            result[step] = union(result.get(step, {}), part)
    return result


def branch(path: Path) -> Tree:
    """Return the tree of one path."""
    tree: Tree = {}
    for step in reversed(path):
        tree = {step: tree}
    return tree


def is_entry(step: str) -> bool:
    """Return whether a step leads to an entry of a list."""
    return step.startswith((_KEYED, _VALUE))


def value(thing: Any, path: Path) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return what a path leads to in an object; ABSENT where it leads to nothing."""
    for step in path:
        position = locate(thing, step)
        if position is None:
            return ABSENT
        thing = thing[position]
    return thing


def without(thing: Any, path: Path) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return a copy of an object without what the path leads to, which must be there."""
    step, *rest = path
    position = locate(thing, step)
    if isinstance(thing, list):
        copied = [
            without(part, tuple(rest)) if index == position and rest else part
            for index, part in enumerate(thing)
        ]
        return copied if rest else [part for index, part in enumerate(thing) if index != position]
    if not rest:
        return {name: part for name, part in thing.items() if name != position}
    return {name: without(part, tuple(rest)) if name == position else part for name, part in thing.items()}


def locate(thing: Any, step: str) -> str | int | None:  # noqa: ANN401 - JSON of any shape
    """Return the key or index to which a step leads in a mapping or a list; None where to nothing."""
    kind, text = step[:2], step[2:]
    if kind == _FIELD:
        return text if isinstance(thing, Mapping) and text in thing else None
    if not isinstance(thing, list):
        return None
    wanted = json.loads(text)
    for index, entry in enumerate(thing):
        if kind == _VALUE and entry == wanted:
            return index
        if kind == _KEYED and isinstance(entry, Mapping) and _has(entry, wanted):
            return index
    return None


def shown(path: Path) -> str:
    """Return the path as a reader knows it: `spec.template.spec.containers[backend].image`."""
    text = ""
    for step in path:
        kind, name = step[:2], step[2:]
        if kind == _FIELD:
            text += f"[{name}]" if _SPECIAL & set(name) else f"{'.' if text else ''}{name}"
        elif kind == _KEYED:
            text += f"[{'/'.join(str(part) for part in json.loads(name).values())}]"
        else:
            text += f"[{name}]"
    return text


def _has(entry: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    # A key that an entry does not set is the one of its default, which only the server knows: a port's TCP.
    return all(entry.get(name, part) == part for name, part in wanted.items())
