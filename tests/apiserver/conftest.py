"""One server for each worker, and the stacks on it that several files look at."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.running import Ran
from ..harness.waiting import until
from . import edge, server, teams
from .server import Server
from .teams import Office, Team

_FIGURES = pytest.StashKey[Figures]()


def pytest_configure(config: pytest.Config) -> None:
    """Have the figures ready."""
    config.stash[_FIGURES] = Figures()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand a worker's figures over."""
    if isinstance(handed := getattr(session.config, "workeroutput", None), dict):
        handed["figures"] = session.config.stash[_FIGURES].rows


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker measured; one that crashed hands nothing over."""
    handed: Any = getattr(node, "workeroutput", None) or {}
    node.config.stash[_FIGURES].extend(handed.get("figures", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured."""
    if figures := config.stash[_FIGURES]:
        terminalreporter.section("figures")
        for line in figures.table():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """Where measured values go."""
    return pytestconfig.stash[_FIGURES]


@pytest.fixture(scope="session", name="server")
def _server() -> Iterator[Server]:
    """A server of this worker's own."""
    with server.running() as made:
        yield made


@pytest.fixture(scope="session")
def office(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A user of that server, with a checkout and a state of their own."""
    folder = tmp_path_factory.mktemp("office")
    with edge.answering(server.known.certificate, server.known.key) as answered:
        yield teams.opened(server, answered, folder, cluster=f"nodeless-{os.getpid()}")


@pytest.fixture(scope="session")
def dev(office: Office) -> Team:
    """The dev stack, before anything is deployed."""
    return office.team("dev")


@pytest.fixture(scope="session")
def deployed(dev: Team, figures: Figures) -> Ran:
    """The dev stack deployed to a context of the user's, as the README says, with every pod that it wants."""
    command = documented(
        "make up CONTEXT=my-context BACKEND_IMAGE=registry.example.com/api:1.4.2"
        " FRONTEND_IMAGE=registry.example.com/page:1.4.2",
        {"my-context": dev.product.variables["CONTEXT"]},
    )
    ran = dev.product.typed(command)
    figures.seconds("first up without nodes", ran.seconds)
    until(dev.kube.complete, what="as many pods as the autoscaler wants", within=120)
    return ran


@pytest.fixture(scope="session")
def kube(dev: Team, deployed: Ran) -> Kube:
    """The namespace of the deployed dev stack."""
    assert deployed.code == 0
    return dev.kube
