"""Recordings that many tests read."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from .recorder import Recording, record_stack, stack_file

# The same examples every time, and none kept on disk: a failure here is a failure everywhere.
settings.register_profile("feastflow", derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile("feastflow")


@pytest.fixture(scope="session")
def session_patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session")
def dev(session_patch: pytest.MonkeyPatch) -> Recording:
    """The dev stack, whole, as its own file configures it."""
    return record_stack(stack_file("dev"), session_patch)


@pytest.fixture(scope="session")
def prod(session_patch: pytest.MonkeyPatch) -> Recording:
    """The prod stack, whole, as its own file configures it."""
    return record_stack(stack_file("prod"), session_patch)
