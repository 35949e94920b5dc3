"""Pull requests of a temporary repository, previewed by the workflow's own step, each once."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.delivery import comment, report
from tools.delivery.report import Report
from tools.toolchain import environment as python
from tools.toolchain import golang, pins
from tools.toolchain.console import Step

from . import registries, repository
from .registries import Served
from .repository import Repository

_SECONDS = pytest.StashKey[dict[str, float]]()


def pytest_configure(config: pytest.Config) -> None:
    """Have room for what is measured."""
    config.stash[_SECONDS] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured."""
    measured = config.stash[_SECONDS]
    if measured:
        terminalreporter.section("delivery")
        for what, seconds in measured.items():
            terminalreporter.write_line(f"{what:<60}{seconds:>8.1f} s")


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> dict[str, float]:
    """Return seconds to show at the end, by what took them."""
    return pytestconfig.stash[_SECONDS]


@dataclass(frozen=True, kw_only=True)
class Previewed:
    """The step's exit code, what it printed, its report, and the comment that would be posted."""

    code: int
    out: str
    report: Report

    @property
    def comment(self) -> str:
        """The comment."""
        return comment.text(self.report)


Change = Callable[[Repository], object]
Preview = Callable[..., Previewed]


@pytest.fixture(scope="session")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    """Preview a change: a base as the project is, or as `before` leaves it, and the change on top."""

    def make(
        change: Change,
        *,
        before: Change = lambda _: None,
        stacks: tuple[str, ...] = ("dev",),
        labels: tuple[str, ...] = (),
    ) -> Previewed:
        room = tmp_path_factory.mktemp("pull-request")
        made = repository.made(room / "clone", stacks)
        before(made)
        made.commit()
        change(made)
        made.commit()
        (step,) = repository.steps("preview.yml", "preview")
        known = {
            "runner.temp": str(room),
            "toJSON(github.event.pull_request.labels.*.name)": json.dumps(labels, indent=2),
        }
        environment = {"GITHUB_STEP_SUMMARY": str(room / "summary.md"), "PYTHON": sys.executable}
        ran = repository.run(step, made.folder, known, environment)
        assert (room / "report.json").exists(), ran.out
        return Previewed(code=ran.code, out=ran.out, report=report.load(room / "report.json"))

    return make


@pytest.fixture(scope="session")
def actionlint() -> Path:
    """Return actionlint, compiled now unless it was compiled before."""
    with Step("actionlint", "compiling it") as step:
        return golang.binaries(pins.ACTIONLINT_BUILD, step) / "actionlint"


@pytest.fixture(scope="session")
def registry() -> Iterator[Served]:
    """Yield a registry of images, whose program is compiled now unless it was compiled before."""
    with Step("registry", "compiling it") as step:
        crane = golang.binaries(pins.REGISTRY_BUILD, step) / "crane"
    with registries.serving(crane) as served:
        yield served


@pytest.fixture(scope="session")
def zizmor() -> Path:
    """Return zizmor, installed now unless it was installed before."""
    return python.of(Path(__file__).parent / "requirements.txt") / "bin" / "zizmor"
