"""The engine's tools, a workspace for each program, and what was counted, at the end of the run."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.toolchain import pulumi
from tools.toolchain.console import Step
from tools.toolchain.pulumi import Pulumi

from . import engine
from .engine import Workspace

_COUNTED = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    """Have room for what is counted."""
    config.stash[_COUNTED] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was counted."""
    counted = config.stash[_COUNTED]
    if counted:
        terminalreporter.section("policies")
        for what, number in counted.items():
            terminalreporter.write_line(f"{what:<40}{number:>8}")


@pytest.fixture(scope="session")
def count(pytestconfig: pytest.Config) -> dict[str, int]:
    """Return numbers to show at the end, by what they count."""
    return pytestconfig.stash[_COUNTED]


@pytest.fixture(scope="session", autouse=True)
def no_cluster() -> Iterator[None]:
    """Hide the machine's cluster, if it has one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", "/nonexistent")
        yield


@pytest.fixture(scope="session")
def cli() -> Pulumi:
    """Return the CLI with its plugins, had as `make up` has them."""
    with Step("toolchain", "looking for pulumi") as step:
        return pulumi.ensure(Path(sys.prefix), step)


@pytest.fixture(scope="session")
def workspace(cli: Pulumi, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], Workspace]:
    """Return an empty stack of a program."""

    def make(program: Path, stack: str = "test") -> Workspace:
        return engine.workspace(tmp_path_factory.mktemp(program.name), program, cli, stack)

    return make
