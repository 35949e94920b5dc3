"""The reports that pytest itself writes, read back: what is named is what pytest takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import reports
from .reports import Counts

_ROOT = Path(__file__).parents[2]
_TESTS = """
import pytest

@pytest.mark.parametrize("word", ["plain", "it's $5 - [so]"])
def test_fails(word): assert not word
def test_passes(): pass
def test_is_skipped(): pytest.skip("of no use here")
@pytest.fixture
def broken(): raise RuntimeError
def test_cannot_be_set_up(broken): pass
@pytest.fixture
def leaving():
    yield
    raise RuntimeError
def test_cannot_be_taken_down(leaving): pass
class TestInside:
    def test_fails(self): assert False
"""


def _pytest(folder: Path, *arguments: str) -> str:
    """Run pytest with this project's settings over another's tests; returns what it printed."""
    settings = ["-c", str(_ROOT / "pyproject.toml"), "--rootdir", str(folder)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *settings]
    done = subprocess.run(  # noqa: S603 - this environment's
        [*command, *arguments],
        cwd=folder,
        # Without the plugins it starts in half the time.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with a test of every outcome, and a file that cannot be collected."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "test_some.py").write_text(_TESTS)
    (tmp_path / "test_torn.py").write_text("import nothing_of_that_name\n")
    return tmp_path


def test_every_test_counts_once_and_those_that_did_not_pass_are_named(project: Path, tmp_path: Path) -> None:
    _pytest(project, ".", "--continue-on-collection-errors", "--junitxml=report/of.xml")

    counts = reports.read(tmp_path / "report")

    assert counts.passed == 1
    assert counts.skipped == 1
    assert counts.failing == (
        "test_torn.py",
        "inner/test_some.py::test_fails[plain]",
        "inner/test_some.py::test_fails[it's $5 - [so]]",
        "inner/test_some.py::test_cannot_be_set_up",
        "inner/test_some.py::test_cannot_be_taken_down",
        "inner/test_some.py::TestInside::test_fails",
    )
    assert "3 failed, 1 passed, 2 errors" in _pytest(project, *counts.failing[1:])


def test_reports_are_summed_and_one_that_was_cut_short_counts_for_nothing(tmp_path: Path) -> None:
    case = '<testcase classname="a" name="test_{}" file="a.py">{}</testcase>'
    first, second = case.format("1", ""), case.format("2", "<failure/>")
    (tmp_path / "1.xml").write_text(f"<testsuites>{first}</testsuites>")
    (tmp_path / "2.xml").write_text(f"<testsuites>{second}{first}</testsuites>")
    (tmp_path / "3.xml").write_text(f"<testsuites>{second}")

    assert reports.read(tmp_path) == Counts(passed=2, failing=("a.py::test_2",))


def test_a_lane_without_reports_has_no_tests(tmp_path: Path) -> None:
    assert reports.read(tmp_path) == Counts()
