"""The reference of every configuration key, written from the model itself so that it cannot fall behind.

`python -m components.settings.reference` prints the tables that docs/configuration.md holds.
"""

import json
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from . import examples
from .file.encrypted import PROJECT
from .model.base import model_in
from .model.stack import Stack

_LONGEST = 60
_HEAD = "| key | default | accepted | refused | meaning |"
_RULE = "| --- | --- | --- | --- | --- |"


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key of the stack's settings, without the prefix of the first part, and what the model says of it."""

    name: str
    field: FieldInfo
    default: Any
    model: type[BaseModel]

    @property
    def accepted(self) -> object:
        """Return the example that is accepted."""
        return (self.field.examples or [])[0]

    @property
    def refused(self) -> object:
        """Return the example that is refused."""
        return examples.refused(self.model, self.name.rpartition(".")[2])


def keys() -> Iterator[Key]:
    """Yield every key that has a value of its own, in the model's order."""
    for name, field in _fields(Stack):
        below = model_in(field.annotation)
        if below is None:
            yield Key(name=name, field=field, default=field.get_default(), model=Stack)
        else:
            yield from _below(name, below, None if field.is_required() else field.get_default())


def tables() -> str:
    """Return a Markdown table for each top-level key, and one for the keys that have none below."""
    every = list(keys())
    single = [_row(f"{PROJECT}:{key.name}", key) for key in every if "." not in key.name]
    sections = [
        _table(
            f"### {PROJECT}:{name}\n\n{field.description}",
            [_row(key.name, key) for key in every if key.name.startswith(f"{name}.")],
        )
        for name, field in _fields(Stack)
        if model_in(field.annotation)
    ]
    return "\n".join([_table("### Single values", single), *sections])


def _below(prefix: str, model: type[BaseModel], default: Any) -> Iterator[Key]:  # noqa: ANN401 - a model or none
    for name, field in _fields(model):
        key = f"{prefix}.{name}"
        value = getattr(default, _attribute(model, name)) if default is not None else field.get_default()
        below = model_in(field.annotation)
        if below is None or not _nested(field.annotation):
            yield Key(name=key, field=field, default=value, model=model)
            if below is not None:
                yield from _below(key + _each(field.annotation), below, None)
        else:
            yield from _below(key, below, value if _known(value) else None)


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _attribute(model: type[BaseModel], alias: str) -> str:
    return next(name for name, field in model.model_fields.items() if (field.alias or name) == alias)


def _nested(annotation: Any) -> bool:  # noqa: ANN401 - a type
    return isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias)


def _each(annotation: Any) -> str:  # noqa: ANN401 - a type
    """Return the part of a key for each entry of a list, or of a map."""
    return {tuple: "[]", dict: ".NAME"}.get(typing.get_origin(annotation), "")


def _row(name: str, key: Key) -> str:
    required = key.field.is_required() and not _known(key.default)
    default = "required" if required else f"`{_text(key.default)}`"
    own = examples.name_of(key.name)
    others = [(path, value) for path, value in _leaves(examples.needed(key.name)) if path != own]
    needs = ", ".join(f"`{path}: {_text(value)}`" for path, value in others)
    accepted = _example(key.accepted) + (f" with {needs}" if needs else "")
    return f"| `{name}` | {default} | {accepted} | {_example(key.refused)} | {key.field.description} |"


def _example(value: object) -> str:
    # A text that YAML would read as something else is quoted in a stack's file too.
    quoted = isinstance(value, str) and not isinstance(yaml.safe_load(value), str)
    return f"`{json.dumps(value) if quoted else _text(value)}`"


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _leaves(below, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from _leaves(value[0], f"{path}[0]")
    else:
        yield path, value


def _known(value: object) -> bool:
    return value is not None and type(value).__name__ != "PydanticUndefinedType"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        parts = [part.model_dump(by_alias=True) if isinstance(part, BaseModel) else part for part in value]
        return json.dumps(parts)
    text = json.dumps(value) if not isinstance(value, str) or "\n" in value else value
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "", _HEAD, _RULE, *rows, ""])


if __name__ == "__main__":
    print(tables())  # noqa: T201 - its purpose
