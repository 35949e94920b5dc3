"""The database administrator's password: another one each time that `rotation` is raised.

All follow from two secrets of the state, so an update that is repeated, or goes back, finds the one that is
in force: what was recorded of the last update says which.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

OUTPUT = "administrator"
_ROTATION = "rotation"


def turn(rotation: int, before: Mapping[str, Any]) -> int:
    """Return which password the administrator has after this update, the first one being 1.

    `before` is what the last update recorded. A rotation that is lowered leaves the password as it is.
    """
    last = before.get(OUTPUT) or before.get(_ROTATION)
    if last is None:
        return rotation
    return int(last) + (1 if rotation > before.get(_ROTATION, rotation) else 0)


def password(first: str, key: str, number: int) -> str:
    """Return the password of a turn: letters and digits, 256 bits of the key after the first one."""
    if number <= 1:
        return first
    return hmac.new(key.encode(), f"administrator {number}".encode(), hashlib.sha256).hexdigest()
