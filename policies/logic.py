"""Comparisons, quantifiers, and, or, not: expressions over the values of expression.py."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .expression import Expression, Malformed, Scope, Unknown, Variable, literal, quoted
from .quantity import QuantityError, parse


@dataclass(frozen=True)
class Compare(Expression):
    """`==` or `<`; values of different types are different."""

    left: Expression
    sign: str
    right: Expression

    def value(self, scope: Scope) -> Any:
        left, right = self.left.value(scope), self.right.value(scope)
        if unknown := _unknown_of((left, right)):
            return unknown
        if self.sign == "<":
            return left < right
        return isinstance(left, bool) == isinstance(right, bool) and left == right

    def cel(self) -> str:
        return f"{self.left.cel()} {self.sign} {self.right.cel()}"


@dataclass(frozen=True)
class Calculated(Expression):
    """The sum (`+`) or product (`*`) of two whole numbers."""

    left: Expression
    sign: str
    right: Expression

    def value(self, scope: Scope) -> Any:
        left, right = self.left.value(scope), self.right.value(scope)
        if unknown := _unknown_of((left, right)):
            return unknown
        return left + right if self.sign == "+" else left * right

    def cel(self) -> str:
        return f"({self.left.cel()} {self.sign} {self.right.cel()})"


@dataclass(frozen=True)
class OneOf(Expression):
    """A test that a value is one of these options."""

    member: Expression
    options: tuple[Any, ...]

    def value(self, scope: Scope) -> Any:
        found = self.member.value(scope)
        return found if isinstance(found, Unknown) else found in self.options

    def cel(self) -> str:
        # A list literal in CEL has one type.
        kinds = dict.fromkeys(type(option) for option in self.options)
        lists = [[option for option in self.options if type(option) is kind] for kind in kinds]
        return " || ".join(f"{self.member.cel()} in {literal(options)}" for options in lists)


@dataclass(frozen=True)
class Matches(Expression):
    """A test that a part of the text matches; the pattern must mean the same to RE2 and to Python's `re`."""

    text: Expression
    pattern: str

    def value(self, scope: Scope) -> Any:
        found = self.text.value(scope)
        return found if isinstance(found, Unknown) else re.search(self.pattern, str(found)) is not None

    def cel(self) -> str:
        return f"{self.text.cel()}.matches({quoted(self.pattern)})"


@dataclass(frozen=True)
class StartsWith(Expression):
    """A test that a text begins with another."""

    text: Expression
    beginning: Expression

    def value(self, scope: Scope) -> Any:
        text, beginning = self.text.value(scope), self.beginning.value(scope)
        return _unknown_of((text, beginning)) or str(text).startswith(str(beginning))

    def cel(self) -> str:
        return f"{self.text.cel()}.startsWith({self.beginning.cel()})"


@dataclass(frozen=True)
class Size(Expression):
    """The number of elements or entries."""

    collection: Expression

    def value(self, scope: Scope) -> Any:
        found = self.collection.value(scope)
        return found if isinstance(found, Unknown) else len(found)

    def cel(self) -> str:
        return f"size({self.collection.cel()})"


@dataclass(frozen=True)
class Letters(Expression):
    """The number of characters of an object's texts and their keys, which are counted without being read."""

    texts: Expression

    def value(self, scope: Scope) -> Any:
        found = self.texts.value(scope)
        if unknown := _unknown_of([found, *(found.values() if isinstance(found, Mapping) else ())]):
            return unknown
        return sum(len(name) + len(text) for name, text in found.items() if isinstance(text, str))

    def cel(self) -> str:
        texts = self.texts.cel()
        return f"{texts}.map(name, size(name) + size({texts}[name])).sum()"


@dataclass(frozen=True)
class Amount(Expression):
    """A Kubernetes quantity as a number to compare; see quantity.py."""

    text: Expression

    def value(self, scope: Scope) -> Any:
        found = self.text.value(scope)
        if isinstance(found, Unknown):
            return found
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            raise Malformed("a quantity", found, "a number with a unit")
        try:
            return parse(str(found))
        except QuantityError as error:
            raise Malformed(
                "a quantity", found, "one that Kubernetes reads, such as 250m or 256Mi"
            ) from error

    def cel(self) -> str:
        return f"quantity(string({self.text.cel()}))"


@dataclass(frozen=True)
class AtMost(Expression):
    """A test that one quantity is at most another."""

    less: Amount
    more: Amount

    def value(self, scope: Scope) -> Any:
        return Not(Compare(self.more, "<", self.less)).value(scope)

    def cel(self) -> str:
        return f"{self.less.cel()}.compareTo({self.more.cel()}) <= 0"


@dataclass(frozen=True)
class Not(Expression):
    """The opposite."""

    body: Expression

    def value(self, scope: Scope) -> Any:
        found = self.body.value(scope)
        return found if isinstance(found, Unknown) else not found

    def cel(self) -> str:
        return f"!({self.body.cel()})"


@dataclass(frozen=True)
class All(Expression):
    """Every one of these holds."""

    parts: tuple[Expression, ...]

    def value(self, scope: Scope) -> Any:
        return _all(part.value(scope) for part in self.parts)

    def cel(self) -> str:
        return " && ".join(f"({part.cel()})" for part in self.parts)


@dataclass(frozen=True)
class AnyOf(Expression):
    """At least one of these holds."""

    parts: tuple[Expression, ...]

    def value(self, scope: Scope) -> Any:
        return Not(All(tuple(Not(part) for part in self.parts))).value(scope)

    def cel(self) -> str:
        return " || ".join(f"({part.cel()})" for part in self.parts)


@dataclass(frozen=True)
class Every(Expression):
    """The body holds for every element of a list, or every key of an object."""

    collection: Expression
    element: Variable
    body: Expression

    def value(self, scope: Scope) -> Any:
        found = _collection(self.collection.value(scope))
        if isinstance(found, Unknown):
            return found
        return _all(self.body.value({**scope, self.element.name: element}) for element in found)

    def cel(self) -> str:
        return f"{self.collection.cel()}.all({self.element.cel()}, {self.body.cel()})"


@dataclass(frozen=True)
class Some(Expression):
    """The body holds for at least one element of a list, or key of an object."""

    collection: Expression
    element: Variable
    body: Expression

    def value(self, scope: Scope) -> Any:
        return Not(Every(self.collection, self.element, Not(self.body))).value(scope)

    def cel(self) -> str:
        return f"{self.collection.cel()}.exists({self.element.cel()}, {self.body.cel()})"


@dataclass(frozen=True)
class Those(Expression):
    """The elements of a list for which the body holds."""

    collection: Expression
    element: Variable
    body: Expression

    def value(self, scope: Scope) -> Any:
        found = _collection(self.collection.value(scope))
        if isinstance(found, Unknown):
            return found
        verdicts = [self.body.value({**scope, self.element.name: element}) for element in found]
        return _unknown_of(verdicts) or [
            element for element, verdict in zip(found, verdicts, strict=True) if verdict
        ]

    def cel(self) -> str:
        return f"{self.collection.cel()}.filter({self.element.cel()}, {self.body.cel()})"


@dataclass(frozen=True)
class Mapped(Expression):
    """The list of the body's values, one for each element of a collection."""

    collection: Expression
    element: Variable
    body: Expression

    def value(self, scope: Scope) -> Any:
        found = _collection(self.collection.value(scope))
        if isinstance(found, Unknown):
            return found
        return [self.body.value({**scope, self.element.name: element}) for element in found]

    def cel(self) -> str:
        return f"{self.collection.cel()}.map({self.element.cel()}, {self.body.cel()})"


@dataclass(frozen=True)
class ListOf(Expression):
    """A list of these values."""

    parts: tuple[Expression, ...]

    def value(self, scope: Scope) -> Any:
        return [part.value(scope) for part in self.parts]

    def cel(self) -> str:
        # The parts of a list may have different types.
        return f"[{', '.join(f'dyn({part.cel()})' for part in self.parts)}]"


@dataclass(frozen=True)
class Lines(Expression):
    """The texts of a list as one text, one on each line."""

    texts: Expression

    def value(self, scope: Scope) -> Any:
        found = self.texts.value(scope)
        if unknown := _unknown_of(found if isinstance(found, list) else [found]):
            return unknown
        for text in found:
            if not isinstance(text, str):
                raise Malformed("an element", text, "a text")
        return "\n".join(found)

    def cel(self) -> str:
        return f'{self.texts.cel()}.join("\\n")'


@dataclass(frozen=True)
class Wildcard(Expression):
    """A host name with `*` in place of its first label; the name itself where it has only one."""

    host: Expression

    def value(self, scope: Scope) -> Any:
        found = self.host.value(scope)
        if isinstance(found, Unknown):
            return found
        _, dot, rest = str(found).partition(".")
        return f"*{dot}{rest}" if dot else str(found)

    def cel(self) -> str:
        host = self.host.cel()
        return f'({host}.contains(".") ? "*" + {host}.substring({host}.indexOf(".")) : {host})'


@dataclass(frozen=True)
class Joined(Expression):
    """The elements of several lists."""

    lists: tuple[Expression, ...]

    def value(self, scope: Scope) -> Any:
        found = [part.value(scope) for part in self.lists]
        return _unknown_of(found) or [element for part in found for element in part]

    def cel(self) -> str:
        return f"({' + '.join(part.cel() for part in self.lists)})"


@dataclass(frozen=True)
class Choice(Expression):
    """One value or another."""

    condition: Expression
    then: Expression
    otherwise: Expression

    def value(self, scope: Scope) -> Any:
        condition = self.condition.value(scope)
        if isinstance(condition, Unknown):
            return condition
        return self.then.value(scope) if condition else self.otherwise.value(scope)

    def cel(self) -> str:
        return f"({self.condition.cel()} ? {self.then.cel()} : {self.otherwise.cel()})"


def _unknown_of(values: Iterable[Any]) -> Unknown | None:
    return next((value for value in values if isinstance(value, Unknown)), None)


def _collection(found: Any) -> Any:
    if isinstance(found, Unknown | Mapping) or (isinstance(found, Sequence) and not isinstance(found, str)):
        return found
    raise Malformed("an entry", found, "an object")


def _all(verdicts: Any) -> Any:
    unknown: Unknown | None = None
    for verdict in verdicts:
        if isinstance(verdict, Unknown):
            unknown = unknown or verdict
        elif not verdict:
            return False
    return unknown or True
