"""The base of every settings model, and the one kind of error its rules raise."""

import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from ..values import merging

REFUSED = "refused"


def refuse(why: str, fix: str, *, at: str = "") -> PydanticCustomError:
    """Return an error to raise in a validator.

    `why` is the consequence for the user, `fix` an example of a value that works (or a sentence that begins
    with a verb), `at` the key below the model's own when a rule spans several keys.
    """
    return PydanticCustomError(REFUSED, "{why}", {"why": why, "fix": fix, "at": at})


class Model(BaseModel):
    """Frozen and strict: nothing is converted, nothing unknown is let through.

    Keys are camelCase in stack files. A nested value may be given in part: what it leaves out keeps the
    default that the surrounding model gives it, not the default of its own type.
    """

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    @model_validator(mode="before")
    @classmethod
    def _over_defaults(cls, data: Any) -> Any:  # noqa: ANN401 - raw input of any shape
        if not isinstance(data, Mapping):
            return data
        merged = dict(data)
        for field in cls.model_fields.values():
            key = field.alias or ""
            default = field.get_default(call_default_factory=True, validated_data={})
            given = merged.get(key)
            if isinstance(default, Model) and isinstance(given, Mapping):
                merged[key] = merging.merged(default.model_dump(by_alias=True), given)
        return merged


def model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type
    """Return the model in a field's type, however deep: in `Model`, `Model | None`, `tuple[Model, ...]`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for part in typing.get_args(annotation) if (found := model_in(part))), None)
