"""Recordings that many tests read."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from .recorder import Recording, record_stack, stack_file

# The same examples every time, and none kept on disk: a failure here is a failure everywhere.
settings.register_profile("feastflow", derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile("feastflow")
# Hypothesis would look into every imported module for constants, and thereby load all the modules that
# pulumi_kubernetes imports lazily: four seconds.
providers._get_local_constants = lambda: providers._local_constants


@pytest.fixture(scope="session", autouse=True)
def no_cluster() -> Iterator[None]:
    """Hide the machine's cluster, if it has one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", "/nonexistent")
        yield


@pytest.fixture(scope="session")
def dev() -> Recording:
    """Return the dev stack, whole, as its own file configures it."""
    return record_stack(stack_file("dev"))


@pytest.fixture(scope="session")
def prod() -> Recording:
    """Return the prod stack, whole, as its own file configures it."""
    return record_stack(stack_file("prod"))
