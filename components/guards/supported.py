"""The versions of Kubernetes that a stack is deployed to: the one range that code, documents and tests have.

A test validates the objects of many stacks against the API of each (tests/judges/matrix).
"""

OLDEST = (1, 33)
NEWEST = (1, 37)


def versions() -> tuple[str, ...]:
    """Return every version of the range, the oldest first."""
    return tuple(f"{OLDEST[0]}.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1))


def span() -> str:
    """Return the range as text."""
    return f"{told(OLDEST)} to {told(NEWEST)}"


def told(version: tuple[int, int]) -> str:
    """Return a version as text."""
    return ".".join(map(str, version))
