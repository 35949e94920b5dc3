"""Hooks and fixtures that every suite on a real cluster shares; its conftest imports them by name.

A suite's own conftest says which cluster its `product` is. What a failed test left on that cluster is written
down at once: the events are deleted with the cluster.
"""

import os
import signal
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tools.toolchain import cache

from .. import failed
from ..documented import documented
from . import chromium, machine, own
from .chromium import Confirmation, Customer
from .figures import Figures
from .kube import Kube
from .product import ARTIFACTS, FROM_NOTHING, Product
from .running import CommandError, Ran
from .site import Site

NAMESPACE = "feastflow-dev"
_FIGURES = pytest.StashKey[Figures]()
_PRODUCT = pytest.StashKey[Product]()
_FAILED = pytest.StashKey[dict[str, Path]]()
# The evidence of a failed test, collected while the cluster exists.
_QUESTIONS = (
    ("get", "nodes,pods", "--all-namespaces", "--output", "wide"),
    ("get", "events", "--all-namespaces", "--sort-by", ".lastTimestamp"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options of every suite on a cluster, once when pytest is given several."""
    with suppress(ValueError):
        parser.addoption(
            "--keep-failed",
            action="store_true",
            help="stop at the first failure, leave the cluster as it is, and say how to look at it",
        )


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the figures, and stop early when a failed cluster is to be looked at."""
    config.stash[_FIGURES] = Figures()
    config.stash[_FAILED] = {}
    if config.getoption("--keep-failed"):
        config.option.maxfail = 1


def pytest_collection_finish(session: pytest.Session) -> None:
    """End at once, with the reason, on a machine where no suite on a cluster can run."""
    if session.config.option.collectonly or not session.items:
        return
    reason = machine.why_not() or chromium.installed()
    if reason:
        pytest.exit(f"the tests on a real cluster cannot run here: {reason}", returncode=1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the cluster's pods and events down for a test that failed."""
    report = yield
    if report.failed and _PRODUCT in item.config.stash:
        path = _written_down(item.nodeid, item.config.stash[_PRODUCT])
        if path:
            item.config.stash[_FAILED].setdefault(item.nodeid, path)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured, and where a failed test's events and logs are."""
    figures = config.stash[_FIGURES]
    if figures:
        terminalreporter.section("figures")
        for line in figures.table():
            terminalreporter.write_line(line)
        figures.write(ARTIFACTS / "figures.json")
    if written := config.stash[_FAILED]:
        terminalreporter.section("where to look")
        for test, path in written.items():
            terminalreporter.write_line(f"{test}\n  pods and events: {path}")
        terminalreporter.write_line(f"logs of the commands: {cache.home() / 'logs'}")


def _written_down(test: str, product: Product) -> Path | None:
    if not product.kubeconfig.exists():
        return None
    kube = Kube(kubectl=product.kubectl, kubeconfig=product.kubeconfig, namespace=NAMESPACE)
    texts = []
    for question in _QUESTIONS:
        ran = kube.ask(*question, "--request-timeout=10s", timeout=30)
        texts.append(f"$ kubectl {' '.join(question)}\n{ran.text}")
    path = failed.path(test)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


@contextmanager
def prepared(request: pytest.FixtureRequest, product: Product, *, keep: bool = False) -> Iterator[Product]:
    """Give the product a kubeconfig of a user's, and end its processes when the block ends.

    What fails meanwhile is explained by this product's cluster.

    With `--keep-failed` and a failure, everything is left and the way to look at it is printed; the block
    must not remove the cluster then (`left`). With `keep` nothing is ended: the cluster keeps running.
    """
    product.give_users_kubeconfig()
    stash = request.config.stash
    outer = stash.get(_PRODUCT, product)
    stash[_PRODUCT] = product
    try:
        yield product
    finally:
        stash[_PRODUCT] = outer
        if left(request):
            _tell_how_to_look(request, product)
        elif not keep:
            for process in machine.left_running(str(product.state)):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)


def left(request: pytest.FixtureRequest) -> bool:
    """Return True if the cluster stays as a failed test left it."""
    return bool(request.config.getoption("--keep-failed") and request.session.testsfailed)


def brought_up(product: Product, line: str, *, within: float) -> Ran:
    """Type the line that begins a scene; its failure is shown as the command printed it."""
    try:
        return product.typed(line, within=within)
    except CommandError as failure:
        pytest.fail(str(failure), pytrace=False)


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """Collect measured values."""
    return pytestconfig.stash[_FIGURES]


@pytest.fixture(scope="session")
def first_up(product: Product) -> Ran:
    """Run the session's first `make up`."""
    return brought_up(product, documented("make up"), within=FROM_NOTHING)


@pytest.fixture(scope="session")
def kube(product: Product, first_up: Ran) -> Kube:
    """Return the cluster, seen from the dev stack's namespace."""
    assert first_up.code == 0
    return Kube(kubectl=product.kubectl, kubeconfig=product.kubeconfig, namespace=NAMESPACE)


@pytest.fixture(scope="session")
def site(product: Product, first_up: Ran) -> Site:
    """Return the site at the address that `make up` printed."""
    site = Site(url=f"http://{NAMESPACE}.localhost:{product.port}")
    assert site.url in first_up.out, first_up
    return site


@pytest.fixture(scope="session")
def deployed(kube: Kube) -> dict[str, str]:
    """Return the images that the first `make up` brought to the nodes, by tier."""
    return own.images(kube)


@pytest.fixture(scope="session")
def customer(first_up: Ran) -> Iterator[Customer]:
    """Start a browser."""
    assert first_up.code == 0
    with (
        tempfile.TemporaryDirectory(prefix="feastflow-profile-", ignore_cleanup_errors=True) as profile,
        chromium.customer(ARTIFACTS, Path(profile)) as person,
    ):
        yield person


@pytest.fixture(scope="session")
def ordered(customer: Customer, site: Site) -> Confirmation:
    """Place an order in the browser: two pizzas and a lemon tart."""
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
        f'  make status; eval "$(make -s shell)"; kubectl -n {NAMESPACE} get events\n'
        f"and delete it:\n"
        f"  make down && rm -r {product.state}"
    )
