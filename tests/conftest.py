"""The environment of every test: nothing of the shell, hook or workflow that started it."""

import gc
import os
from collections.abc import Iterator

import pytest

from .surroundings import neutral

# Recordings are kept; looking through their objects again and again took an eighth of the unit tests' time.
gc.set_threshold(100_000, 20, 100)

# At import: modules below read the environment when they are imported.
_NEUTRAL = neutral(os.environ)
os.environ.clear()
os.environ.update(_NEUTRAL)
os.umask(0o022)


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the tests a state folder of their own, apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state-home")))
        yield
