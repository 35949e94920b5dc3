"""The verdicts that the tests read, and their sums at the end of the run."""

from collections.abc import Callable, Iterator

import pytest

from . import verdicts, waivers
from .verdicts import Verdict
from .waivers import Waiver

_VERDICTS = pytest.StashKey[dict[tuple[str, str], Verdict]]()


def pytest_configure(config: pytest.Config) -> None:
    """Have room for what the judges say."""
    config.stash[_VERDICTS] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show how much each judge found, and how much of it was waived."""
    said = config.stash[_VERDICTS]
    if said:
        terminalreporter.section("judges")
        for line in verdicts.table([said[key] for key in sorted(said)]):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def no_cluster() -> Iterator[None]:
    """Hide the machine's cluster, if it has one: the manifests are rendered without it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", "/nonexistent")
        yield


@pytest.fixture(scope="session")
def known() -> list[Waiver]:
    """Return the project's waivers."""
    return waivers.load(verdicts.JUDGES)


@pytest.fixture(scope="session")
def verdict(pytestconfig: pytest.Config, known: list[Waiver]) -> Callable[[str, str], Verdict]:
    """Return a judge's verdict on a stack; each judge runs once per stack."""
    said = pytestconfig.stash[_VERDICTS]

    def ask(judge: str, stack: str) -> Verdict:
        if (judge, stack) not in said:
            said[judge, stack] = verdicts.verdict(judge, stack, known)
        return said[judge, stack]

    return ask
