"""The runner of lanes, run as `make test` runs it, over targets of a Makefile of the test's own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_LIMIT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class _Project:
    """A folder with a Makefile and a file of tests."""

    folder: Path

    def rule(self, name: str, *recipe: str) -> None:
        """Add a target."""
        with (self.folder / "Makefile").open("a") as makefile:
            makefile.write("".join((f".PHONY: {name}\n{name}:\n", *(f"\t@{line}\n" for line in recipe))))

    def tests(self, name: str, *failing: str, passed: int) -> None:
        """Add a target that reports tests as pytest does."""
        cases = '<testcase classname="tests.y" name="test_passes" file="tests/y.py"/>' * passed
        for test in failing:
            file, _, case = test.partition("::")
            cases += f'<testcase classname="tests.y" name="{case}" file="{file}"><failure/></testcase>'
        (self.folder / f"{name}.report").write_text(f"<testsuites>{cases}</testsuites>")
        self.rule(name, f'cp {name}.report "$$LANE_FOLDER/report.xml"', f"exit {int(bool(failing))}")

    def started(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start the runner, which hears every signal: what ran the tests may ignore one, as nohup does."""
        return subprocess.Popen(  # noqa: S603 - the project's own
            ["/usr/bin/env", "--default-signal", sys.executable, "-m", "tests.lanes", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(_ROOT), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ran(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run it to its end; returns how it ended and what it printed."""
        return _end(self.started(*arguments, **environment))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Project:
    for name in ("TEST", "LANE_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    return _Project(folder=tmp_path)


def _end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    out, _ = process.communicate(timeout=_LIMIT_SECONDS)
    return process.returncode, out


def _await(what: Callable[[], bool]) -> None:
    ends = time.monotonic() + _LIMIT_SECONDS
    while not what():
        assert time.monotonic() < ends, "it never came to be so"
        time.sleep(0.05)


def _is_running(process: int) -> bool:
    """Return True if the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _table(out: str) -> dict[str, list[str]]:
    rows = out.rpartition("verdict\n")[2].partition("in all")[0].splitlines()
    return {row.split()[0]: row.split()[2:] for row in rows}


def test_lanes_that_pass_are_a_table_and_a_sum_and_end_with_0(project: _Project) -> None:
    project.rule("lint", "echo nothing to say")
    project.tests("good", passed=2)

    code, out = project.ran("lint", "good")

    assert code == 0
    assert _table(out) == {"lint": ["1", "0", "0", "passed"], "good": ["2", "0", "0", "passed"]}
    assert out.splitlines()[-1] == "3 passed, 0 failed"
    assert "nothing to say" in out
    assert "FAILED" not in out


def test_every_failing_test_is_named_with_the_command_that_runs_it_alone(project: _Project) -> None:
    failing = ("tests/y.py::test_a[it's $5 - [so]]", "tests/y.py::test_b")
    project.tests("some", *failing, passed=1)

    code, out = project.ran("some")

    end = out.rpartition("in all")[2].splitlines()
    assert code == 1
    assert [line.removeprefix("  FAILED ") for line in end if "FAILED" in line] == list(failing)
    assert any("artifacts/lanes/some/output.log" in line for line in end)
    assert end[-1] == "1 passed, 2 failed"
    (project.folder / "Makefile").unlink()
    project.rule("some", """printf '%s\\n' $(if $(TEST),"$$TEST")""")
    commands = "\n".join(line.removeprefix("    alone: ") for line in end if "alone: " in line)
    named = subprocess.run(  # noqa: S602 - what the user is told to type
        commands, shell=True, cwd=project.folder, capture_output=True, text=True, check=True
    )
    assert named.stdout.splitlines() == list(failing)


def test_a_lane_that_fails_without_a_failing_test_shows_its_last_lines(project: _Project) -> None:
    project.rule("lint", "echo the line is too long", "exit 3")
    project.tests("good", passed=2)

    code, out = project.ran("lint", "good")

    end = out.rpartition("in all")[2]
    assert code == 1
    assert "| the line is too long" in end
    assert "alone: make lint" in end
    assert out.splitlines()[-1] == "2 passed, 1 failed"


def test_a_failure_stops_no_other_lane(project: _Project) -> None:
    project.rule("first", "exit 1")
    project.rule("second", "exit 1")
    project.tests("third", passed=2)

    code, out = project.ran("first", "second", "third", "--alone", "third")

    assert code == 1
    assert _table(out)["third"] == ["2", "0", "0", "passed"]


def test_two_lanes_run_side_by_side(project: _Project) -> None:
    # Each ends once the other has begun.
    project.rule("first", "touch first; until [ -e second ]; do sleep 0.05; done")
    project.rule("second", "touch second; until [ -e first ]; do sleep 0.05; done")

    assert project.ran("first", "second")[0] == 0


def test_what_a_lane_prints_is_whole_although_another_prints_too(project: _Project) -> None:
    project.rule("first", "echo 1a; touch first; until [ -e second ]; do sleep 0.05; done; echo 1b")
    project.rule("second", "echo 2a; until [ -e first ]; do sleep 0.05; done; echo 2b; touch second")

    out = project.ran("first", "second")[1]

    assert "== first\n1a\n1b\nok first passed" in out
    assert "== second\n2a\n2b\nok second passed" in out


def test_what_a_lane_that_runs_alone_prints_is_shown_as_it_comes(project: _Project) -> None:
    project.rule("long", "echo begun; until [ -e seen ]; do sleep 0.05; done; echo ended")
    runner = project.started("long", "--alone", "long")
    assert runner.stdout

    for line in runner.stdout:
        if line == "begun\n":
            break
    (project.folder / "seen").touch()

    code, out = _end(runner)
    assert code == 0
    assert "ended\nok long passed" in out


def test_a_report_of_an_earlier_run_counts_for_nothing(project: _Project) -> None:
    project.tests("lane", "tests/y.py::test_a", passed=1)
    assert project.ran("lane")[0] == 1
    (project.folder / "Makefile").unlink()
    project.rule("lane", "true")

    assert project.ran("lane")[1].splitlines()[-1] == "1 passed, 0 failed"


def test_a_lane_is_given_nothing_that_make_hands_down_to_its_own_children(project: _Project) -> None:
    project.rule("lane", 'echo "<$$MAKELEVEL>"')
    project.rule("test", f'PYTHONPATH="{_ROOT}" {sys.executable} -m tests.lanes lane')

    done = subprocess.run(
        ["make", "-j3", "test"],  # noqa: S607 - the machine's
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "<1>" in done.stdout
    assert "jobserver" not in done.stdout + done.stderr


def test_one_test_for_every_lane_is_refused(project: _Project) -> None:
    project.rule("lane", "true")

    code, out = project.ran("lane", TEST="tests/y.py")

    assert code == 2
    assert "make unit TEST=" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_the_lanes_and_waits_for_what_they_take_down(
    project: _Project, number: signal.Signals
) -> None:
    project.rule("tests", "trap 'rm made; exit 1' INT; touch made; while :; do sleep 0.05; done")
    project.rule("other", "echo $$$$ >other; exec sleep 60")
    runner = project.started("tests", "other", "never", "--alone", "never")
    _await(lambda: all((project.folder / name).exists() for name in ("made", "other")))

    runner.send_signal(number)

    code, out = _end(runner)
    assert code == 128 + number
    assert not (project.folder / "made").exists()
    assert not _is_running(int((project.folder / "other").read_text()))
    assert {name: row[-1] for name, row in _table(out).items()} == {
        "tests": "interrupted",
        "other": "interrupted",
        "never": "begun",
    }
    assert out.splitlines()[-1] == "0 passed, 0 failed"


def test_a_second_signal_kills_what_does_not_hear_the_first(project: _Project) -> None:
    project.rule("deaf", "trap 'touch heard' INT; echo $$$$ >deaf; while :; do sleep 0.05; done")
    runner = project.started("deaf")
    _await(lambda: (project.folder / "deaf").exists() and bool((project.folder / "deaf").read_text()))

    runner.send_signal(signal.SIGINT)
    _await((project.folder / "heard").exists)
    runner.send_signal(signal.SIGTERM)

    code, _ = _end(runner)
    assert code == 128 + signal.SIGINT
    _await(lambda: not _is_running(int((project.folder / "deaf").read_text())))


def test_lanes_do_not_outlive_a_reader_that_has_gone_away(project: _Project) -> None:
    project.rule("long", "echo $$$$ >long; echo begun; while true; do echo more; sleep 0.05; done")
    runner = project.started("long", "--alone", "long")
    _await((project.folder / "long").exists)
    assert runner.stdout

    runner.stdout.close()

    assert runner.wait(timeout=_LIMIT_SECONDS) != 0
    _await(lambda: not _is_running(int((project.folder / "long").read_text())))
