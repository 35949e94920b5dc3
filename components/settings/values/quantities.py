"""Kubernetes quantities as exact numbers, and back: sums for a quota are never rounded.

How they are read is one of the rules' own questions (policies/quantity.py) and answered there, once.
"""

from decimal import ROUND_CEILING, Decimal

from policies.quantity import QuantityError, parse

__all__ = ["QuantityError", "format_bytes", "format_cpu", "parse"]

_MEBIBYTE = 2**20


def format_cpu(cores: Decimal) -> str:
    """Return cores as Kubernetes itself writes them: whole cores plain, otherwise millicores, rounded up."""
    millicores = int((cores * 1000).to_integral_value(ROUND_CEILING))
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"


def format_bytes(amount: Decimal) -> str:
    """Return bytes as the largest whole binary unit, rounded up to a mebibyte."""
    mebibytes = int((amount / _MEBIBYTE).to_integral_value(ROUND_CEILING))
    for unit in ("Mi", "Gi"):
        if mebibytes % 1024 or mebibytes == 0:
            return f"{mebibytes}{unit}"
        mebibytes //= 1024
    return f"{mebibytes}Ti"
