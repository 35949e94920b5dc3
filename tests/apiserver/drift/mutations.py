"""Changes of an object, generated from what the program applies: each scalar, and each list."""

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]
Steps = tuple[str | int, ...]

CHANGED, ADDED, REMOVED, LABELLED = "changed", "added", "removed", "labelled"
KINDS = (CHANGED, ADDED, REMOVED, LABELLED)
_LABEL = "stranger.example.com/mark"
# Fields that identify the object, or that the server sets.
_KEPT = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))
# The program knows its objects by the owner label; a change of it is refused, not repaired.
_OWNER = "feastflow.pulumi.com/owner"


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One change. `steps` lead to what it changes; `values` are tried in turn, until the server takes one."""

    what: str
    steps: Steps
    values: tuple[Any, ...] = field(repr=False)

    def of(self, thing: Manifest) -> Iterator[Manifest]:
        """Yield every version of the object that it tries; none where the steps lead to nothing."""
        for value in self.values:
            mutated = copy.deepcopy(thing)
            try:
                place: Any = mutated
                for step in self.steps[:-1]:
                    place = place[step]
                if self.what == REMOVED:
                    place = place[self.steps[-1]]
                    del place[0]
                elif self.what == ADDED:
                    place = place[self.steps[-1]]
                    place.append(value)
                else:
                    place[self.steps[-1]] = value
            except (KeyError, IndexError, TypeError):
                continue
            yield mutated

    @property
    def place(self) -> str:
        """The field, without the entries of lists on the way to it."""
        return ".".join(step for step in self.steps if isinstance(step, str))


def of(manifest: Manifest, what: str) -> Iterator[Mutation]:
    """Yield every mutation of this sort of an object that the program applies."""
    if what == LABELLED:
        labels = {**manifest["metadata"].get("labels", {}), _LABEL: "x"}
        yield Mutation(what=what, steps=("metadata", "labels"), values=(labels,))
    elif what == CHANGED:
        for steps, value in _scalars(manifest):
            yield Mutation(what=what, steps=steps, values=tuple(_others(value)))
    else:
        for steps, entries in _lists(manifest):
            values = tuple(_entries(entries[0])) if what == ADDED else (None,)
            yield Mutation(what=what, steps=steps, values=values)


def is_told(mutation: Mutation, fields: Iterable[str]) -> bool:
    """Return whether one of these fields of a report is the mutated one, a part or the whole of it."""
    return any(
        told.startswith(mutation.place) or mutation.place.startswith(told)
        for told in map(_without_entries, fields)
        if told
    )


def _without_entries(told: str) -> str:
    """Return the field without the keys of list entries, which mutations know by their index."""
    # A name in brackets is an entry of a map: it stays.
    named = re.sub(r"(labels|annotations|data|matchLabels|hard)\[([^\]]*)\]", r"\1.\2", told)
    return re.sub(r"\[[^\]]*\]", "", named)


def _scalars(thing: Any, above: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    if above in _KEPT or (above and above[-1] == _OWNER):
        return
    if isinstance(thing, dict):
        for name, part in thing.items():
            yield from _scalars(part, (*above, name))
    elif isinstance(thing, list):
        for index, part in enumerate(thing):
            yield from _scalars(part, (*above, index))
    elif thing is not None:
        yield above, thing


def _lists(thing: Any, above: Steps = ()) -> Iterator[tuple[Steps, list[Any]]]:
    if isinstance(thing, dict):
        for name, part in thing.items():
            yield from _lists(part, (*above, name))
    elif isinstance(thing, list) and thing:
        yield above, thing
        for index, part in enumerate(thing):
            yield from _lists(part, (*above, index))


def _others(value: Any) -> Iterator[Any]:
    """Yield other values than this one, of which the server may refuse some."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
        yield value - 1
    else:
        yield f"{value}x"
        if re.search(r"\d", value):
            yield re.sub(r"\d+", lambda number: str(int(number[0]) + 1), value, count=1)
        yield "Always" if value != "Always" else "Never"


def _entries(entry: Any) -> Iterator[Any]:
    """Yield entries like this one that a list does not have yet."""
    if not isinstance(entry, dict):
        yield from _others(entry)
        return
    for name in ("name", "containerPort", "port", "mountPath", "key", "topologyKey", "whenUnsatisfiable"):
        if name in entry:
            for value in _others(entry[name]):
                yield {**entry, name: value}
    for name, part in entry.items():
        if isinstance(part, list) and part:
            yield {
                **entry,
                name: [*part, *(list(_others(part[0]))[:1] if not isinstance(part[0], dict) else [])],
            }
        if isinstance(part, str):
            yield {**entry, name: f"{part}x"}
    yield copy.deepcopy(entry)
