"""The parts of acceptance: their names, their order, and what PART, ORDER and KEEP ask of pytest."""

import random
from collections.abc import Iterable
from pathlib import Path

from tools.toolchain.errors import UserError

_HERE = Path(__file__).parent
_PREFIX = "test_"
_SLOWEST = "25"
_NO = {"", "no", "0", "false"}


def parts() -> list[str]:
    """Return the names of all parts, as PART takes them."""
    return sorted(path.stem.removeprefix(_PREFIX) for path in _HERE.glob(f"{_PREFIX}*.py"))


def command(named: str, order: str, keep: str) -> list[str]:
    """Return pytest's arguments for what PART, ORDER and KEEP say; empty texts mean that nothing is said.

    Raises:
        UserError: when there is no such part, or the order is no number.
    """
    chosen = [name.strip() for name in named.split(",") if name.strip()]
    if unknown := sorted(set(chosen) - set(parts())):
        raise UserError(
            f"PART names {', '.join(unknown)}",
            "acceptance has no such part, and nothing would be tested",
            f"make acceptance PART=…, one or several of: {','.join(parts())}",
        )
    if order and not order.isdecimal():
        raise UserError(
            f"ORDER is {order!r}",
            "it is the seed by which the parts are shuffled",
            "take the number that the run printed which you want again: make acceptance ORDER=1234",
        )
    files = [str(_HERE / f"{_PREFIX}{name}.py") for name in chosen] or [str(_HERE)]
    return [
        *("--quiet", "--durations", _SLOWEST, "--junitxml", "artifacts/acceptance.xml"),
        *(("--order", order) if order else ()),
        *(("--keep",) if keep.lower() not in _NO else ()),
        *files,
    ]


def shuffled(files: Iterable[str], seed: int) -> list[str]:
    """Return the files, each once, in the order that the seed stands for, whatever order they came in."""
    found = sorted(set(files))
    random.Random(seed).shuffle(found)  # noqa: S311 - an order, no secret
    return found
