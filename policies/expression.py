"""The language of the rules: an expression is evaluated here, and printed as CEL for the API server.

Only what the rules need of CEL (https://kubernetes.io/docs/reference/using-api/cel/). Here are the values;
what is said of them is in logic.py. What depends on an unknown is unknown, unless the known part decides. A
value of another type than a field has is `Malformed`; the API server refuses such an object before any policy
sees it.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Scope = Mapping[str, Any]

# Words that CEL reserves, or that are no identifiers, are read as keys.
_IDENTIFIER = re.compile(
    r"(?!(?:namespace|package|import|var|if|else|for|in|as|null|true|false)$)[A-Za-z_]\w*"
)


class IntOrString:
    """The type of a field that is a whole number or a text, such as a port or a share of pods."""


class Long:
    """The type of a field that is a whole number of 64 bits; others have 32."""


_BITS = {int: 31, Long: 63}
_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    Long: "a whole number",
    str: "a text",
    IntOrString: "a whole number or a text",
    list: "a list",
    dict: "an object",
}


class Absence(Enum):
    """The value of a field that is not there."""

    MISSING = "missing"


MISSING = Absence.MISSING


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """The value of a field that the engine does not know yet."""

    path: tuple[str, ...]


class Malformed(Exception):  # noqa: N818 - a finding about the object, not an error of the rules
    """A field holds what it cannot hold."""

    def __init__(self, field: str, value: object, wanted: str) -> None:
        super().__init__(f"{field} is {_described(value)} where {wanted} belongs")


class Expression(ABC):
    """A value that depends on the object judged."""

    @abstractmethod
    def value(self, scope: Scope) -> Any:
        """Return the value in this scope.

        Raises:
            Malformed: when a field on the way holds a value of another type.
        """

    @abstractmethod
    def cel(self) -> str:
        """Return the expression in CEL."""


@dataclass(frozen=True)
class Variable(Expression):
    """A name of the scope; `printed` is what the API server knows it by."""

    name: str
    printed: str = ""

    def value(self, scope: Scope) -> Any:
        return scope[self.name]

    def cel(self) -> str:
        return self.printed or self.name


@dataclass(frozen=True)
class Named(Expression):
    """An expression that the API server computes once, as a variable of the policy by this name."""

    body: Expression
    printed: str

    def value(self, scope: Scope) -> Any:
        return self.body.value(scope)

    def cel(self) -> str:
        return self.printed


@dataclass(frozen=True)
class Field(Expression):
    """A field some steps below another value; missing when any step is."""

    base: Expression
    names: tuple[str, ...]
    shape: type = object

    def value(self, scope: Scope) -> Any:
        found = self.base.value(scope)
        for depth, name in enumerate(self.names):
            if found is MISSING or isinstance(found, Unknown):
                return found
            if not isinstance(found, Mapping):
                raise Malformed(".".join(self.names[:depth]) or "the object", found, _NAMES[dict])
            found = found.get(name)
            found = MISSING if found is None else found
        if found is MISSING or isinstance(found, Unknown) or is_of(found, self.shape):
            return found
        raise Malformed(".".join(self.names), found, _NAMES[self.shape])

    def cel(self) -> str:
        steps = (f".?{name}" if _IDENTIFIER.fullmatch(name) else f"[?{quoted(name)}]" for name in self.names)
        return self.base.cel() + "".join(steps)


@dataclass(frozen=True)
class Either(Expression):
    """The first field, or the second where the first is missing."""

    first: Expression
    second: Expression

    def value(self, scope: Scope) -> Any:
        found = self.first.value(scope)
        return self.second.value(scope) if found is MISSING else found

    def cel(self) -> str:
        return f"{self.first.cel()}.or({self.second.cel()})"


@dataclass(frozen=True)
class Default(Expression):
    """The field, or a literal where it is missing."""

    field: Expression
    default: Any

    def value(self, scope: Scope) -> Any:
        found = self.field.value(scope)
        return self.default if found is MISSING else found

    def cel(self) -> str:
        return f"{self.field.cel()}.orValue({literal(self.default)})"


@dataclass(frozen=True)
class Present(Expression):
    """A test that a field is present."""

    field: Expression

    def value(self, scope: Scope) -> Any:
        found = self.field.value(scope)
        return found if isinstance(found, Unknown) else found is not MISSING

    def cel(self) -> str:
        return f"{self.field.cel()}.hasValue()"


@dataclass(frozen=True)
class At(Expression):
    """The entry of an object under a key that is there."""

    mapping: Expression
    key: Expression
    shape: type = object

    def value(self, scope: Scope) -> Any:
        key = self.key.value(scope)
        found = self.mapping.value(scope)[key]
        if isinstance(found, Unknown) or is_of(found, self.shape):
            return found
        raise Malformed(str(key), found, _NAMES[self.shape])

    def cel(self) -> str:
        return f"{self.mapping.cel()}[{self.key.cel()}]"


@dataclass(frozen=True)
class Literal(Expression):
    """A value as it stands."""

    meant: Any

    def value(self, scope: Scope) -> Any:  # noqa: ARG002 - the same in every scope
        return self.meant

    def cel(self) -> str:
        return literal(self.meant)


def is_of(value: object, shape: type) -> bool:
    """Return True if a JSON value is of this type, as Kubernetes distinguishes types."""
    if shape is IntOrString:
        return is_of(value, str) or is_of(value, int)
    if shape in _BITS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return float(value).is_integer() and abs(value) < 2 ** _BITS[shape]
    if shape is list:
        return isinstance(value, Sequence) and not isinstance(value, str)
    return isinstance(value, Mapping if shape is dict else shape)


def _described(value: object) -> str:
    shape = next((shape for shape in _NAMES if is_of(value, shape)), None)
    if shape:
        return _NAMES[shape]
    return "a number that is no whole one, or too large" if isinstance(value, int | float) else "something"


def quoted(text: str) -> str:
    """Return a text as CEL writes it."""
    return json.dumps(text)


def literal(value: object) -> str:
    """Return a JSON value as CEL writes it."""
    return json.dumps(value)
