"""Validation of orders: exact shapes and limits; the answer names every problem."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final

MAX_LINES: Final = 30
MAX_QUANTITY: Final = 20
MAX_NAME: Final = 80
MAX_NOTE: Final = 300
MAX_ID: Final = 64
MAX_TOTAL_CENTS: Final = 100_000_000
_KEY: Final = re.compile(r"[A-Za-z0-9_.:-]{16,128}")
_FIELDS: Final = frozenset({"items", "customer_name", "note", "expected_total_cents"})
_LINE_FIELDS: Final = frozenset({"menu_item_id", "quantity"})


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with the request, at a path such as `items[0].quantity`."""

    path: str
    message: str


class InvalidOrderError(Exception):
    """The request's body cannot be an order."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep every problem, so that a client shows all of them."""
        super().__init__("; ".join(f"{problem.path}: {problem.message}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Line:
    """So many of one dish."""

    menu_item_id: str
    quantity: int


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """A valid order, not yet priced. `expected_total_cents` is what the customer saw, if they said."""

    lines: tuple[Line, ...]
    customer_name: str
    note: str
    expected_total_cents: int | None

    @property
    def fingerprint(self) -> str:
        """Equal for equal orders: tells a repeated request from another one under the same key."""
        lines = sorted((line.menu_item_id, line.quantity) for line in self.lines)
        canonical = json.dumps(
            [lines, self.customer_name, self.note], ensure_ascii=False, separators=(",", ":")
        )
        return hashlib.sha256(canonical.encode()).hexdigest()


def parse_order(body: bytes) -> NewOrder:
    """Return the order in a request's body, or InvalidOrderError."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidOrderError([Problem(path="$", message="the body must be JSON")]) from None
    if not isinstance(data, dict):
        raise InvalidOrderError([Problem(path="$", message="the body must be an object")])
    problems = [
        Problem(path=_shown(key), message="is not a known field") for key in data if key not in _FIELDS
    ]
    lines = _lines(data.get("items"), problems)
    name = _text(data.get("customer_name", ""), "customer_name", MAX_NAME, problems)
    note = _text(data.get("note", ""), "note", MAX_NOTE, problems)
    expected = data.get("expected_total_cents")
    if expected is not None and not _is_whole(expected, 0, MAX_TOTAL_CENTS):
        problems.append(Problem(path="expected_total_cents", message="must be a whole number of cents"))
    if problems:
        raise InvalidOrderError(problems)
    return NewOrder(lines=lines, customer_name=name or "Guest", note=note, expected_total_cents=expected)


def parse_idempotency_key(raw: str | None) -> str | None:
    """Return the key of a request that may be sent again; None where the client sent none.

    Short keys are refused: repeating a key gets that order's receipt, so it must be hard to guess.
    """
    if raw is None:
        return None
    if not _KEY.fullmatch(raw):
        message = (
            "must be 16 to 128 letters, digits or -_.: and random, made once for each order (a UUID is fine)"
        )
        raise InvalidOrderError([Problem(path="Idempotency-Key", message=message)])
    return raw


def _lines(raw: object, problems: list[Problem]) -> tuple[Line, ...]:
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_LINES:
        problems.append(Problem(path="items", message=f"must be a list of 1 to {MAX_LINES} dishes"))
        return ()
    lines: list[Line] = []
    seen: set[str] = set()
    for index, entry in enumerate(raw):
        path = f"items[{index}]"
        if not isinstance(entry, dict):
            problems.append(Problem(path=path, message="must be an object"))
            continue
        problems.extend(
            Problem(path=f"{path}.{_shown(key)}", message="is not a known field")
            for key in entry
            if key not in _LINE_FIELDS
        )
        item, quantity = entry.get("menu_item_id"), entry.get("quantity")
        if not isinstance(item, str) or not 1 <= len(item) <= MAX_ID or not item.isprintable():
            problems.append(
                Problem(path=f"{path}.menu_item_id", message="must be the id of a dish on the menu")
            )
            continue
        if not isinstance(quantity, int) or not _is_whole(quantity, 1, MAX_QUANTITY):
            problems.append(
                Problem(path=f"{path}.quantity", message=f"must be a whole number from 1 to {MAX_QUANTITY}")
            )
            continue
        if item in seen:
            problems.append(
                Problem(path=f"{path}.menu_item_id", message="is listed twice: add up the quantities")
            )
            continue
        seen.add(item)
        lines.append(Line(menu_item_id=item, quantity=quantity))
    return tuple(lines)


def _text(raw: object, path: str, longest: int, problems: list[Problem]) -> str:
    if not isinstance(raw, str) or len(raw) > longest or not (raw == "" or raw.isprintable()):
        problems.append(
            Problem(path=path, message=f"must be one line of at most {longest} printable characters")
        )
        return ""
    return raw.strip()


def _shown(key: str) -> str:
    """Return a client's own word as any answer and any log line can hold it.

    JSON can spell half of a surrogate pair, which no UTF-8 can; what does not print is spelled out.
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in key[:80])


def _is_whole(value: object, low: int, high: int) -> bool:
    # bool is an int to Python, but not to a client.
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
