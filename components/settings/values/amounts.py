"""Amounts of CPU, memory and storage: what can be meant by a text, and what most probably was.

Kubernetes takes `512m` for memory, which is half a byte, and `256Mi` for CPU, which is 268 million cores.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from . import quantities

_WRITTEN = re.compile(r"\s*(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(?P<letter>[A-Za-z]?)[A-Za-z]*\s*")
_SUFFIX = re.compile(r"[A-Za-z]+$")
_UNITS = {"k": "Ki", "m": "Mi", "g": "Gi", "t": "Ti"}
# The largest pods of Kubernetes' nodes are far below; 250 is written by people who mean 250m.
_MOST_CORES = 128
_FEW_CORES = 16
_MILLI = Decimal("0.001")


class AmountError(ValueError):
    """An amount that cannot be meant: why, and what was meant most probably."""

    def __init__(self, why: str, instead: str, *, guessed: bool = True) -> None:
        super().__init__(why)
        self.why = f"{why}; did you mean {instead}?" if guessed else why
        self.instead = instead


@dataclass(frozen=True, kw_only=True)
class Use:
    """The use of an amount of bytes: the least and the most of them, in words, and what is usual."""

    what: str
    least: str
    most: str
    # From where on an amount without its unit is taken to be meant in this one.
    usual: str
    unit: str
    example: str


MEMORY = Use(what="the memory of a pod", least="1Mi", most="24Ti", usual="16Mi", unit="Mi", example="256Mi")
STORAGE = Use(
    # An empty one has some 100 MiB with its log.
    what="a PostgreSQL's volume",
    least="256Mi",
    most="1Pi",
    usual="1Gi",
    unit="Gi",
    example="2Gi",
)
DIRECTORY = Use(what="a directory", least="4Ki", most="1Ti", usual="1Mi", unit="Mi", example="64Mi")


def cpu(text: str) -> str:
    """Return the text, when it is an amount of CPU that a pod can be given.

    Raises:
        AmountError: otherwise.
    """
    cores = _amount(text, "250m", _meant_cores(text))
    suffix = _SUFFIX.search(text)
    if suffix and suffix[0] not in ("m", "e", "E"):
        raise AmountError(
            f"CPU counts cores and thousandths of one (m), and {suffix[0]} is a unit of something else",
            _meant_cores(text) or "250m",
        )
    if cores % _MILLI:
        raise AmountError("nothing is finer than a thousandth of a core", _meant_cores(text) or "250m")
    if cores > _MOST_CORES:
        raise AmountError(
            f"it is {quantities.format_cpu(cores)} cores, and no node has room for such a pod",
            _meant_cores(text) or "250m",
        )
    return text


def bytes_for(text: str, use: Use) -> str:
    """Return the text, when it is as many bytes as such a use can have.

    Raises:
        AmountError: otherwise.
    """
    meant = next(_meant_bytes(text, use), None)
    amount = _amount(text, use.example, meant)
    suffix = _SUFFIX.search(text)
    if (suffix and suffix[0] in ("m", "u", "n")) or (amount % 1 and not suffix):
        raise AmountError("it is a fraction of a byte", meant or use.example)
    if amount < quantities.parse(use.least):
        raise AmountError(
            f"it is {int(amount)} bytes, and {use.what} takes {use.least} at least", meant or use.example
        )
    if amount > quantities.parse(use.most):
        raise AmountError(
            f"it is above {use.most}, which is more than {use.what} can be", meant or use.example
        )
    return text


def _amount(text: str, example: str, meant: str | None) -> Decimal:
    try:
        amount = quantities.parse(text)
    except quantities.QuantityError:
        why = "it is no Kubernetes quantity, so the API server would refuse every pod"
        raise AmountError(why, meant or example, guessed=meant is not None) from None
    if amount <= 0:
        raise AmountError("nothing runs with an amount of zero", example, guessed=False)
    return amount


def _meant_cores(text: str) -> str | None:
    match = _WRITTEN.fullmatch(text)
    if match is None or not (number := Decimal(match["number"])):
        return None
    if number < 1:
        milli = int(number * 1000)
        return f"{milli}m" if milli else None
    if match["letter"].lower() != "m" and number <= (_FEW_CORES if match["letter"] else _MOST_CORES):
        return f"{number}"
    milli = int(number)
    return f"{milli}m" if milli <= _MOST_CORES * 1000 else None


def _meant_bytes(text: str, use: Use) -> Iterator[str]:
    """Yield the number with the unit that was written, with the usual one, and with the others."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return
    written = _UNITS.get(match["letter"].lower())
    for unit in dict.fromkeys([*([written] if written else []), use.unit, "Mi", "Gi"]):
        amount = Decimal(match["number"]) * quantities.parse(f"1{unit}")
        if (
            quantities.parse(use.usual) <= amount <= quantities.parse(use.most)
            and f"{match['number']}{unit}" != text
        ):
            yield f"{match['number']}{unit}"
