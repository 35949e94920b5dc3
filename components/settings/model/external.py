"""Names of objects that the settings say are made elsewhere, found by a mark on the fields themselves.

A field whose value names an object that the stack uses and does not create has the mark in its type, such as
`Annotated[Name, External("Secret")]`; nothing else lists these fields.
"""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel


@dataclass(frozen=True)
class External:
    """The mark: a text of this type names an object of this kind."""

    kind: str


def external(settings: BaseModel) -> tuple[str, ...]:
    """Return each object that the settings name and the stack does not create, as `Kind/name`, in order."""
    return tuple(sorted(set(_of_model(settings))))


def _of_model(model: BaseModel) -> Iterator[str]:
    for name, field in type(model).model_fields.items():
        # Pydantic takes what stands around a field's whole type apart from it.
        annotation: Any = field.annotation
        for mark in field.metadata:
            annotation = Annotated[annotation, mark]
        yield from _of(annotation, getattr(model, name))


def _of(annotation: Any, value: Any) -> Iterator[str]:  # noqa: ANN401 - a type, and a value of it
    if isinstance(value, BaseModel):
        yield from _of_model(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _of_parts(annotation, inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _of_parts(annotation, inner)
    elif isinstance(value, str):
        yield from (f"{mark.kind}/{value}" for mark in _marks(annotation))


def _of_parts(annotation: Any, value: Any) -> Iterator[str]:  # noqa: ANN401 - a type, and an element's value
    # The last part of a mapping's type is its values', and of a tuple's, before the dots, its elements'.
    parts = [part for part in typing.get_args(_bare(annotation)) if part is not Ellipsis]
    yield from _of(parts[-1] if parts else None, value)


def _marks(annotation: Any) -> Iterator[External]:  # noqa: ANN401 - a type
    if typing.get_origin(annotation) is Annotated:
        yield from (mark for mark in annotation.__metadata__ if isinstance(mark, External))
        yield from _marks(annotation.__origin__)
    else:
        for part in typing.get_args(annotation):
            yield from _marks(part)


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - a type
    """Return the type of a container, without what is around it and without `None`."""
    if typing.get_origin(annotation) is Annotated:
        return _bare(annotation.__origin__)
    if typing.get_origin(annotation) in (tuple, dict):
        return annotation
    return next(
        (found for part in typing.get_args(annotation) if typing.get_args(found := _bare(part))), annotation
    )
