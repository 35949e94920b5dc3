"""The parts of acceptance: their names, their order, and what PART, ORDER and KEEP ask of pytest.

A part is a file of tests on a cluster; `slow` are the slow tests of the lanes that need none.
"""

import random
from collections.abc import Iterable
from pathlib import Path

from tools.toolchain.errors import UserError

SLOW = "slow"
# Those that have slow tests.
LANES = ("apiserver", "postgres", "state", "policies", "delivery")

_HERE = Path(__file__).parent
_PREFIX = "test_"
_SLOWEST = "25"
_NO = {"", "no", "0", "false"}


def parts() -> list[str]:
    """Return the names of all parts, as PART takes them."""
    return sorted([SLOW, *(path.stem.removeprefix(_PREFIX) for path in _HERE.glob(f"{_PREFIX}*.py"))])


def lanes(named: str) -> tuple[str, ...]:
    """Return the lanes whose slow tests PART asks for."""
    chosen = _chosen(named)
    return LANES if not chosen or SLOW in chosen else ()


def command(named: str, order: str, keep: str) -> list[str]:
    """Return pytest's arguments for what PART, ORDER and KEEP say; empty texts mean that nothing is said.

    They are empty where PART asks for nothing that needs a cluster.

    Raises:
        UserError: when there is no such part, or the order is no number.
    """
    chosen = _chosen(named)
    if order and not order.isdecimal():
        raise UserError(
            f"ORDER is {order!r}",
            "it is the seed by which the parts are shuffled",
            "take the number that the run printed which you want again: make acceptance ORDER=1234",
        )
    if chosen == [SLOW]:
        return []
    files = [str(_HERE / f"{_PREFIX}{name}.py") for name in chosen if name != SLOW] or [str(_HERE)]
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


def _chosen(named: str) -> list[str]:
    chosen = [name.strip() for name in named.split(",") if name.strip()]
    if unknown := sorted(set(chosen) - set(parts())):
        raise UserError(
            f"PART names {', '.join(unknown)}",
            "acceptance has no such part, and nothing would be tested",
            f"make acceptance PART=…, one or several of: {','.join(parts())}",
        )
    return list(dict.fromkeys(chosen))
