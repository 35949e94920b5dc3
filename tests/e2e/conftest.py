"""One cluster for the short path end to end: created by its first `up`, deleted at the end, whatever happens.

The files are numbered because the path is one: from nothing to a site, through a failure, back to nothing.
Each of them also runs alone: the fixtures make what it needs.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..harness import machine, suite
from ..harness.machine import Machine
from ..harness.prod import prod, prod_up, shop, there  # noqa: F401 - pytest looks for fixtures here
from ..harness.product import Product, free_port
from ..harness.suite import (  # noqa: F401 - pytest looks for hooks and fixtures here
    customer,
    figures,
    first_up,
    kube,
    ordered,
    pytest_addoption,
    pytest_collection_finish,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    site,
)

_CLUSTER = "feastflow-test"
_BEFORE = pytest.StashKey[Machine]()


@pytest.fixture(scope="session")
def product(request: pytest.FixtureRequest) -> Iterator[Product]:
    """Return FeastFlow with a cluster name, a port and a state folder of the suite's own."""
    state = Path(tempfile.mkdtemp(prefix="feastflow-e2e-"))
    product = Product(cluster=_CLUSTER, port=free_port(), state=state)
    assert product.kubectl, "compiled now, so that no test has to wait for it"
    with suite.prepared(request, product):
        # An earlier run may have been killed.
        product.done("down")
        request.config.stash[_BEFORE] = machine.look()
        yield product
        if suite.left(request):
            return
        ran = product.local("down")
        assert ran.code == 0, ran
    shutil.rmtree(state)


@pytest.fixture(scope="session")
def before(product: Product, pytestconfig: pytest.Config) -> Machine:
    """Return the machine as it was before the suite's first command that could change it."""
    assert product.state.exists()
    return pytestconfig.stash[_BEFORE]
