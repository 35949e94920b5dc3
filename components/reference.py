"""The reference of every configuration key, written from the model itself so that it cannot fall behind.

`python -m components.reference` prints the tables that docs/configuration.md holds.
"""

import json
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .encrypted import PROJECT
from .model.base import model_in
from .model.stack import Stack

_LONGEST = 60


def tables() -> str:
    """One Markdown table for each top-level key of the stack, and one for the keys that have none below."""
    simple, sections = [], []
    for name, field in _fields(Stack):
        below = model_in(field.annotation)
        if below is None:
            simple.append(_row(f"{PROJECT}:{name}", field, field.get_default()))
            continue
        default = None if field.is_required() else field.get_default()
        rows = list(_rows(name, below, default))
        sections.append(_table(f"### {PROJECT}:{name}\n\n{field.description}", rows))
    return "\n".join([_table("### Single values", simple), *sections])


def _rows(prefix: str, model: type[BaseModel], default: Any) -> Iterator[str]:  # noqa: ANN401 - a model or none
    for name, field in _fields(model):
        key = f"{prefix}.{name}"
        value = getattr(default, _attribute(model, name)) if default is not None else field.get_default()
        below = model_in(field.annotation)
        if below is None or not _nested(field.annotation):
            yield _row(key, field, value)
            if below is not None:
                yield from _rows(f"{key}{_each(field.annotation)}", below, None)
        else:
            yield from _rows(key, below, value)


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _attribute(model: type[BaseModel], alias: str) -> str:
    return next(name for name, field in model.model_fields.items() if (field.alias or name) == alias)


def _nested(annotation: Any) -> bool:  # noqa: ANN401 - a type
    return isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias)


def _each(annotation: Any) -> str:  # noqa: ANN401 - a type
    """Return how a key goes on below a list, a mapping, or a single value."""
    return {tuple: "[]", dict: ".NAME"}.get(typing.get_origin(annotation), "")


def _row(key: str, field: FieldInfo, value: object) -> str:
    default = "required" if field.is_required() and not _known(value) else f"`{_text(value)}`"
    return f"| `{key}` | {default} | {field.description} |"


def _known(value: object) -> bool:
    return value is not None and type(value).__name__ != "PydanticUndefinedType"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        parts = [part.model_dump(by_alias=True) if isinstance(part, BaseModel) else part for part in value]
        return json.dumps(parts)
    text = json.dumps(value) if not isinstance(value, str) else value
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, "", "| key | default | meaning |", "| --- | --- | --- |", *rows, ""])


if __name__ == "__main__":
    print(tables())  # noqa: T201 - its purpose
