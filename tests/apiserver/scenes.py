"""Scenes: tests that share a stack, and therefore a worker.

A folder is a scene, and so is each file. (The groups of pytest-xdist 3.8 have no effect with pytest 9.)
"""

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

_HERE = PurePath(__file__).parent.name


class ByScene(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Gives whole scenes to workers, the largest first."""

    def _split_scope(self, nodeid: str) -> str:
        return of(nodeid)


def of(nodeid: str) -> str:
    """Return the scene of a test, by pytest's name for it."""
    file = PurePath(nodeid.split("::", maxsplit=1)[0])
    return str(file if file.parent.name == _HERE else file.parent)
