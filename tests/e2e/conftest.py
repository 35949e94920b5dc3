"""One cluster for the whole suite, made by its first `up` and taken away at its end, whatever happens.

The files are numbered because their order matters: refusals that need no cluster, everything on the running
cluster, and at last what takes it away.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ..documented import documented
from . import chromium, machine, own
from .chromium import Confirmation, Customer
from .figures import Figures
from .kube import Kube
from .machine import Machine
from .product import ARTIFACTS, FROM_NOTHING, Product, free_port
from .running import CommandError, Ran
from .site import Site

_CLUSTER = "feastflow-test"
_NAMESPACE = "feastflow-dev"
_HERE = Path(__file__).parent
_FIGURES = pytest.StashKey[Figures]()
_BEFORE = pytest.StashKey[Machine]()
_DECOY = """\
apiVersion: v1
kind: Config
current-context: of-the-user
contexts: [{name: of-the-user, context: {cluster: of-the-user, user: of-the-user}}]
clusters: [{name: of-the-user, cluster: {server: "https://127.0.0.1:9"}}]
users: [{name: of-the-user, user: {}}]
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register what a person may choose."""
    parser.addoption(
        "--keep-failed",
        action="store_true",
        help="stop at the first failure, leave the cluster as it is, and say how to look at it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have the figures ready, and stop early when a failed cluster is to be looked at."""
    config.stash[_FIGURES] = Figures()
    if config.getoption("--keep-failed"):
        config.option.maxfail = 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as needing the real cluster."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def pytest_collection_finish(session: pytest.Session) -> None:
    """End at once, with the reason, on a machine where nothing here can run."""
    if session.config.option.collectonly or not any(_HERE in item.path.parents for item in session.items):
        return
    reason = machine.why_not() or chromium.installed()
    if reason:
        pytest.exit(f"the end-to-end tests cannot run here: {reason}", returncode=1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured, and keep it."""
    figures = config.stash[_FIGURES]
    if figures:
        terminalreporter.section("figures")
        for line in figures.table():
            terminalreporter.write_line(line)
        figures.write(ARTIFACTS / "figures.json")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """Where measured values go."""
    return pytestconfig.stash[_FIGURES]


@pytest.fixture(scope="session")
def product(request: pytest.FixtureRequest) -> Iterator[Product]:
    """FeastFlow with a cluster name, a port and a state folder that nobody else has."""
    state = Path(tempfile.mkdtemp(prefix="feastflow-e2e-"))
    product = Product(cluster=_CLUSTER, port=free_port(), state=state)
    product.users_kubeconfig.write_text(_DECOY, encoding="utf-8")
    assert product.kubectl, "compiled now, so that no test has to wait for it"
    # An earlier run may have been killed.
    product.done("down")
    request.config.stash[_BEFORE] = machine.look(str(state))
    yield product
    if request.config.getoption("--keep-failed") and request.session.testsfailed:
        _tell_how_to_look(request, product)
        return
    ran = product.local("down")
    for process in machine.left_running(str(state)):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    assert ran.code == 0, ran
    shutil.rmtree(state)


@pytest.fixture(scope="session")
def before(product: Product, pytestconfig: pytest.Config) -> Machine:
    """The machine as it was before the suite's first command that could change it."""
    assert product.state.exists()
    return pytestconfig.stash[_BEFORE]


@pytest.fixture(scope="session")
def first_up(product: Product) -> Ran:
    """The first `make up`: from a machine without a cluster to a site that answers."""
    try:
        return product.typed(documented("make up"), within=FROM_NOTHING)
    except CommandError as failure:
        pytest.fail(str(failure), pytrace=False)


@pytest.fixture(scope="session")
def kube(product: Product, first_up: Ran) -> Kube:
    """The cluster, seen from the stack's namespace."""
    assert first_up.code == 0
    return Kube(kubectl=product.kubectl, kubeconfig=product.kubeconfig, namespace=_NAMESPACE)


@pytest.fixture(scope="session")
def site(product: Product, first_up: Ran) -> Site:
    """The site at the address that `make up` printed."""
    site = Site(url=f"http://{_NAMESPACE}.localhost:{product.port}")
    assert site.url in first_up.out, first_up
    return site


@pytest.fixture(scope="session")
def deployed(kube: Kube) -> dict[str, str]:
    """The images that the first `make up` brought to the nodes, by tier."""
    return own.images(kube)


@pytest.fixture(scope="session")
def customer(first_up: Ran) -> Iterator[Customer]:
    """A person with a browser."""
    assert first_up.code == 0
    with (
        tempfile.TemporaryDirectory(prefix="feastflow-e2e-profile-", ignore_cleanup_errors=True) as profile,
        chromium.customer(ARTIFACTS, Path(profile)) as person,
    ):
        yield person


@pytest.fixture(scope="session")
def ordered(customer: Customer, site: Site) -> Confirmation:
    """An order that was placed in the browser: two pizzas and a lemon tart."""
    customer.opens(site.url)
    customer.adds("margherita", times=2)
    customer.adds("lemon-tart")
    return customer.orders_as("Ada Lovelace")


def _tell_how_to_look(request: pytest.FixtureRequest, product: Product) -> None:
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    assert isinstance(reporter, pytest.TerminalReporter)
    reporter.write_line(
        f"\nthe cluster is left as it is, by --keep-failed; look at it:\n"
        f"  export XDG_STATE_HOME={product.state} CLUSTER={product.cluster} PORT={product.port}\n"
        f'  make status; eval "$(make -s shell)"; kubectl -n {_NAMESPACE} get events\n'
        f"and take it away:\n"
        f"  make down && rm -r {product.state}"
    )
