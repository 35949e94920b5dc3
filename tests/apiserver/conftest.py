"""One server for each worker, and a user of it; scenes deploy stacks of their own to it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from ..harness.figures import Figures
from . import edge, scenes, server, teams
from .server import Server
from .teams import Office

_FIGURES = pytest.StashKey[Figures]()


def pytest_configure(config: pytest.Config) -> None:
    """Have the figures ready."""
    config.stash[_FIGURES] = Figures()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand a worker's figures over."""
    if isinstance(handed := getattr(session.config, "workeroutput", None), dict):
        handed["figures"] = session.config.stash[_FIGURES].rows


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> scenes.ByScene:
    """Have the tests of a scene on one worker."""
    return scenes.ByScene(config, log)


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
    """Return the session's figures, for measured values."""
    return pytestconfig.stash[_FIGURES]


@pytest.fixture(scope="session", name="server")
def _server() -> Iterator[Server]:
    """Yield a server of this worker's own."""
    with server.running() as made:
        yield made


@pytest.fixture(scope="session")
def office(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Yield a user of that server, with a checkout and a state of their own."""
    folder = tmp_path_factory.mktemp("office")
    with edge.answering(server.known.certificate, server.known.key) as answered:
        yield teams.opened(server, answered, folder, cluster=f"nodeless-{os.getpid()}")
