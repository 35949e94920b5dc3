"""Plain scalars of YAML as Pulumi's engine reads them: gopkg.in/yaml.v3, which is neither YAML 1.1 nor 1.2.

`NO` is a text and `0777` a number; a day is a moment. A document is written and read once more on its way to
the program, as JSON, and each value is here as it arrives there. Pure.
See resolve.go of https://pkg.go.dev/gopkg.in/yaml.v3, and object.go of Pulumi's package `config`.
"""

import base64
import binascii
import datetime as dt
import math
import re
from decimal import Decimal

Scalar = str | int | float | bool | None

_NAMED: dict[str, Scalar] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
_MOMENT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2})"
    r"(?:(?:[Tt](?P<clock>[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?)(?P<zone>Z|[-+][0-9]{2}:[0-9]{2}))"
    r"|(?: (?P<alone>[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?)))?"
)
_LEAST, _MOST = -(2**63), 2**64 - 1
# Go writes whole numbers out to here without an exponent.
_WHOLE = 1e21
# The largest offset of a zone.
_HOURS, _MINUTES = 24, 60
_PREFIX = "tag:yaml.org,2002:"
_INT, _REAL, _BOOL = (f"{_PREFIX}{name}" for name in ("int", "float", "bool"))
_NULL, _TIME = f"{_PREFIX}null", f"{_PREFIX}timestamp"
_TEXT, _BINARY = f"{_PREFIX}str", f"{_PREFIX}binary"


class ScalarError(ValueError):
    """A scalar that the engine does not read."""


def read(text: str, tag: str | None) -> Scalar:
    """Return the value of a scalar, whose tag is None where it is plain and has none.

    Raises:
        ScalarError: when it is not of the kind that its tag says, or nothing that JSON can hold.
    """
    if tag == _BINARY:
        return arriving(_binary(text))
    if tag not in (None, _INT, _REAL, _BOOL, _NULL, _TIME):
        # A tag of the user's own says nothing to the engine.
        return arriving(text)
    kind, value = _resolved(text, moments=tag in (None, _TIME))
    if tag not in (None, kind) and (tag, kind) != (_REAL, _INT):
        raise ScalarError(f"it is not of the kind that its tag says ({str(tag).removeprefix(_PREFIX)})")
    return arriving(value)


def arriving(value: Scalar) -> Scalar:
    """Return a value as the program gets it, after it has been written and read once more.

    Whole numbers have no fraction, the largest ones are rounded, and a text has lost its first empty line.

    Raises:
        ScalarError: for what is lost on the way.
    """
    if isinstance(value, str):
        if value.startswith("\t") and "\n" in value:
            raise ScalarError("a text of several lines that begins with a tab is lost on the way")
        return value.removeprefix("\n")
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise ScalarError("infinity, and what is no number, cannot be a setting")
    if value.is_integer() and abs(value) < _WHOLE:
        return int(Decimal(repr(value)))
    return value


def departing(text: str) -> str:
    """Return what to write so that the text arrives."""
    return f"\n{text}" if text.startswith("\n") else text


def is_fraction(text: str) -> bool:
    """Return whether a plain scalar is a number that is not whole as it is written."""
    return _resolved(text, moments=True)[0] == _REAL


def is_plain_text(text: str) -> bool:
    """Return whether a plain scalar of this text is that text to the engine."""
    return text != "<<" and _resolved(text, moments=True)[0] == _TEXT


def _resolved(text: str, *, moments: bool) -> tuple[str, Scalar]:
    if text in _NAMED:
        named = _NAMED[text]
        kinds: dict[type, str] = {bool: _BOOL, float: _REAL}
        return kinds.get(type(named), _NULL), named
    if not text or text[0] not in "+-.0123456789":
        return _TEXT, text
    if text[0] != ".":
        if moments and (moment := _moment(text)):
            return _TIME, moment
        plain = text.replace("_", "")
        whole = _whole(plain)
        if whole is not None:
            return _INT, whole
    else:
        # Here Go's own rule for a literal holds: one underscore, between digits.
        plain = re.sub(r"(?<=[0-9])_(?=[0-9])", "", text)
    if _FLOAT.fullmatch(plain) and math.isfinite(number := float(plain)):
        return _REAL, number
    return _TEXT, text


def _whole(text: str) -> int | None:
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    base, digits = next((base, match[name]) for name, base in _BASES.items() if match[name])
    number = int(digits, base) * (-1 if match["sign"] == "-" else 1)
    # A sign is only for the smaller ones.
    return number if _LEAST <= number <= (_MOST if not match["sign"] else 2**63 - 1) else None


_BASES = {"x": 16, "b": 2, "o": 8, "d": 10}


def _moment(text: str) -> str:
    """Return the moment as Go writes one, or nothing."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return ""
    clock = match["clock"] or match["alone"] or "0:0:0"
    seconds, _, fraction = clock.replace(",", ".").partition(".")
    year, month, day = map(int, match["day"].split("-"))
    hour, minute, second = map(int, seconds.split(":"))
    zone = match["zone"] or "Z"
    try:
        # Go has a year 0, which is a leap year.
        dt.datetime(year or 2000, month, day, hour, minute, second)  # noqa: DTZ001 - its zone is written out
    except ValueError:
        return ""
    if zone != "Z" and (int(zone[1:3]) > _HOURS or int(zone[4:]) > _MINUTES):
        return ""
    offset = "+0000 UTC" if zone in ("Z", "+00:00", "-00:00") else " ".join([zone.replace(":", "")] * 2)
    digits = fraction[:9].rstrip("0")
    written = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
    return f"{written}{f'.{digits}' if digits else ''} {offset}"


def _binary(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode(errors="replace")
    except binascii.Error:
        raise ScalarError("its tag says that it is base64, and it is none") from None
