"""Files in which a suite on a real cluster keeps the pods and events that a failed test left."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "artifacts" / "failed"
_UNSAFE = re.compile(r"[^\w.-]+")


def path(test: str) -> Path:
    """Return the file for the pods and events of a test, by its node id; it need not exist."""
    return FOLDER / f"{_UNSAFE.sub('-', test)}.txt"
