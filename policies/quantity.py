"""Kubernetes quantities as exact numbers.

Units: CPU is counted in cores, memory and storage in bytes; both as `Decimal`, so that nothing is rounded.
The grammar is the one of k8s.io/apimachinery/pkg/api/resource (plain, decimal suffix, binary suffix,
exponent). Not a goal: negative quantities, which no field of an object here may hold.
"""

import re
from decimal import Decimal

_GRAMMAR = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?"
)

_FACTORS: dict[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


class QuantityError(ValueError):
    """A text that Kubernetes would not read as a quantity."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no Kubernetes quantity (examples: 250m, 1.5, 256Mi, 2Gi)")
        self.text = text


def parse(text: str) -> Decimal:
    """Return the quantity in base units (cores or bytes).

    Raises:
        QuantityError: when Kubernetes would refuse the text.
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise QuantityError(text)
    number = Decimal(match["number"])
    suffix = match["suffix"] or ""
    if suffix and suffix[0] in "eE" and len(suffix) > 1 and suffix != "Ei":
        return number * Decimal(10) ** int(suffix[1:])
    return number * _FACTORS[suffix] if suffix else number
