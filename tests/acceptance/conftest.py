"""The parts of acceptance: each runs alone against a running dev stack, which it leaves as it was.

The cluster is the suite's own. KEEP=yes leaves it for the next run; otherwise it is removed at the end. Each
run draws the parts' order; its header says how to repeat it.
"""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.toolchain import cache

from ..harness import standing, suite
from ..harness.kube import Kube
from ..harness.prod import prod, prod_up, shop, there  # noqa: F401 - pytest looks for fixtures here
from ..harness.product import Product, free_port
from ..harness.site import Site
from ..harness.suite import (  # noqa: F401 - pytest looks for hooks and fixtures here
    customer,
    deployed,
    figures,
    first_up,
    kube,
    ordered,
    pytest_collection_finish,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    site,
)
from ..harness.waiting import until
from .parts import shuffled

_CLUSTER = "feastflow-acceptance"
# At import: tests have a state of their own for as long as they run, and a cluster may be kept for longer.
_STATE = cache.state_home().with_name("feastflow-acceptance")
_HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register what may be chosen about acceptance."""
    suite.pytest_addoption(parser)
    parser.addoption(
        "--order", type=int, default=secrets.randbelow(10_000), help="the seed of the parts' order"
    )
    parser.addoption("--keep", action="store_true", help="leave the cluster running for the next run")


def pytest_report_header(config: pytest.Config) -> str:
    """Say how to repeat this order."""
    return f"parts in the order of ORDER={config.getoption('--order')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffle the parts; within a part, tests stay in the order in which they are written."""
    own = [item for item in items if _HERE in item.path.parents]
    parts = shuffled((str(item.path) for item in own), config.getoption("--order"))
    own.sort(key=lambda item: parts.index(str(item.path)))
    items[:] = [item for item in items if _HERE not in item.path.parents] + own


@pytest.fixture(scope="session")
def product(request: pytest.FixtureRequest) -> Iterator[Product]:
    """Return FeastFlow on the suite's own cluster, which an earlier run may have left."""
    found = Product(cluster=_CLUSTER, port=0, state=_STATE)
    product = Product(cluster=_CLUSTER, port=found.known_port or free_port(), state=_STATE)
    assert product.kubectl, "compiled now, so that no test has to wait for it"
    keep = bool(request.config.getoption("--keep"))
    with suite.prepared(request, product, keep=keep):
        yield product
        if keep or suite.left(request):
            return
        ran = product.local("down")
        assert ran.code == 0, ran
    shutil.rmtree(_STATE)


@pytest.fixture(scope="module", autouse=True)
def as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Begin each part with the whole site, and see at its end that the stack is as the part found it."""
    if not getattr(request.module, "NEEDS_THE_STACK", True):
        yield
        return
    cluster: Kube = request.getfixturevalue("kube")
    served: Site = request.getfixturevalue("site")
    until(lambda: served.answers() and cluster.complete(), what="the whole site", within=180)
    before = standing.look(cluster)
    yield
    until(
        lambda: not standing.differences(before, standing.look(cluster)),
        what="the stack as it was",
        within=120,
    )
