"""A setting on its way to fields: what of the objects changes when it does, found by composing both.

It shows what changes directly. An object whose name follows its content is another object then; what only
refers to it by that name is left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.render.recording import Registered

_DIGEST = re.compile(r"-[0-9a-f]{10}\b")


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of an object with both values. `component` is the component that creates the object."""

    component: str
    kind: str
    name: str
    path: str
    before: str
    after: str


def fields(before: Sequence[Registered], after: Sequence[Registered]) -> list[Field]:
    """Return the fields of the second composition that the first has not or has otherwise, by component."""
    known = {_key(each): dict(_leaves(each.inputs)) for each in before}
    owners = {each.urn: each for each in after}
    found = [
        Field(
            component=_component(each, owners),
            kind=each.kind,
            name=_DIGEST.sub("", str(each.inputs.get("metadata", {}).get("name", each.name))),
            path=path,
            before=str(was),
            after=str(value),
        )
        for each in after
        for path, value in _leaves(each.inputs)
        if _DIGEST.sub("", str(was := known.get(_key(each), {}).get(path))) != _DIGEST.sub("", str(value))
    ]
    # The order in which they are registered is that of the moment.
    return sorted(found, key=lambda each: (each.component, each.kind, each.name, each.path))


def _key(each: Registered) -> tuple[str, str]:
    return each.type, _DIGEST.sub("", each.name)


def _component(each: Registered, owners: Mapping[str, Registered]) -> str:
    """Return the last part of the type of the component at the root of its parents."""
    name = "stack"
    parent = each.parent
    while "feastflow:kubernetes:" in parent:
        name = parent.split("::")[2].rsplit("$", 1)[-1].rsplit(":", 1)[-1]
        parent = owners[parent].parent if parent in owners else ""
    return name


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}[{index}]")
    else:
        yield path, value
