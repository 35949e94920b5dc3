"""Terminal output: steps that fit the width, durations, and failures without a traceback."""

import errno
import io
import os
import re
import signal
import sys
import time
from collections.abc import Callable

import pytest

from tools.toolchain import console
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError

from .fakes import Machine, python


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (12.4, "12 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (119.7, "2 min 00 s"),
        (3661, "61 min 01 s"),
    ],
)
def test_a_duration_is_written_in_words(seconds: float, text: str) -> None:
    assert console.elapsed(seconds) == text


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown(monkeypatch: pytest.MonkeyPatch, note: str, columns: int) -> list[str]:
    """Return every state of the running line on a terminal of that width, the final one included."""
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(console, "_TERMINAL_INTERVAL", 0.01)
    with Step("environment", "doing something that takes a long time to tell") as step:
        step.note(note)
        while terminal.getvalue().count("\r") < 2:
            time.sleep(0.005)
        step.result(note)
    return re.split(r"\r\x1b\[K", terminal.getvalue().rstrip("\n"))[1:]


@pytest.mark.parametrize(("columns", "most"), [(200, 100), (100, 100), (80, 80), (40, 40)])
def test_a_step_never_shows_more_than_100_columns_nor_more_than_the_terminal_has(
    monkeypatch: pytest.MonkeyPatch, columns: int, most: int
) -> None:
    shown = _shown(monkeypatch, "word " * 100, columns)

    assert len(shown) >= 3
    assert max(map(len, shown)) <= most
    assert all("..." in line for line in shown if "word" in line)


def test_a_note_of_several_lines_is_shown_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(monkeypatch, "one\n  two\tthree\rfour", 100)

    assert "one two three four" in shown[-1]
    assert not any(set("\n\r\t") & set(line) for line in shown)


def test_a_step_ends_with_its_result_and_its_duration(capsys: pytest.CaptureFixture[str]) -> None:
    with Step("tools", "looking") as step:
        step.result("found")

    assert re.fullmatch(r"ok tools +found +\d\.\d s\n", capsys.readouterr().out)


def test_a_step_without_a_result_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    with Step("tools", "looking"):
        pass

    assert capsys.readouterr().out.startswith("ok tools        looking ")


def test_a_step_that_fails_says_that_it_is_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with Step("tools", "looking") as step:
            step.result("found")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert capsys.readouterr().out.startswith("-- tools        looking: not done ")


def test_a_pipe_is_told_now_and_then_that_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", pipe)
    monkeypatch.setattr(console, "_QUIET_INTERVAL", 0.01)
    with Step("tools", "compiling") as step:
        while "\n" not in pipe.getvalue():
            time.sleep(0.005)
        step.note("3 of 7")
        while "3 of 7" not in pipe.getvalue():
            time.sleep(0.005)

    lines = pipe.getvalue().splitlines()
    assert lines[0].startswith(".. tools        compiling ")
    assert lines[-2].startswith(".. tools        compiling: 3 of 7 ")
    assert "\x1b" not in pipe.getvalue()


def test_a_pipe_is_not_told_as_often_as_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "_TERMINAL_INTERVAL", 0.001)
    with Step("tools", "compiling"):
        time.sleep(0.02)

    assert len(capsys.readouterr().out.splitlines()) == 1


def _refuse() -> None:
    raise UserError("found\nand more", "why", "fix")


def _fail() -> None:
    raise CommandError(["go", "build"], 1, "it broke")


def _fill_the_disk() -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/cache/file")


def _be_forbidden() -> None:
    raise PermissionError(errno.EACCES, "Permission denied", "/cache/file")


def _interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (_refuse, 1, ["error\n  found: found\n         and more\n  why:   why\n  next:  fix\n"]),
        (_fail, 1, ["  found: go build ended with 1\n         it broke", "next:  run it again"]),
        (_fill_the_disk, 1, ["found: /cache/file: No space left on device", "next:  free some room"]),
        (_be_forbidden, 1, ["found: /cache/file: Permission denied", "fix the permissions"]),
        (_interrupt, 130, ["interrupted: nothing is lost"]),
        (lambda: None, 0, []),
        (lambda: 3, 3, []),
    ],
)
def test_a_command_ends_with_a_code_and_one_message(
    capsys: pytest.CaptureFixture[str], command: Callable[[], int | None], code: int, words: list[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        console.run(command)

    assert end.value.code == code
    told = capsys.readouterr().err
    assert all(word in told for word in words)
    assert bool(told) == bool(words)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        ("UserError('found', 'why', 'fix')", 1),
        ("CommandError(['tool'], 1, 'tail')", 1),
        ("KeyboardInterrupt", 130),
    ],
)
def test_no_traceback_reaches_the_terminal(failure: str, code: int) -> None:
    script = (
        "from tools.toolchain import console\nfrom tools.toolchain.process import CommandError\n"
        f"from tools.toolchain.errors import UserError\ndef main():\n    raise {failure}\nconsole.run(main)"
    )
    child = python(script)
    _, told = child.communicate()

    assert child.returncode == code
    assert told
    assert "Traceback" not in told


def test_a_defect_of_the_program_keeps_its_traceback() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    def miss() -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "go")

    with pytest.raises(ZeroDivisionError):
        console.run(fail)
    with pytest.raises(FileNotFoundError):
        console.run(miss)


_IN_THE_MOMENT_OF_ITS_START = """
import os, signal, subprocess
from tools.toolchain import console, process

class Started(subprocess.Popen):
    def __init__(self, *about, **more):
        super().__init__(*about, **more)
        os.kill(os.getpid(), signal.{name})

subprocess.Popen = Started
console.run(lambda: process.stream(["tool"]))
"""


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 128 + signal.SIGTERM), ("SIGINT", 130)])
def test_a_signal_in_the_moment_in_which_a_program_starts_ends_that_too(
    machine: Machine, name: str, code: int
) -> None:
    machine.program("tool", 'echo $$ > "$ROOT/pid"; exec sleep 30')
    child = python(_IN_THE_MOMENT_OF_ITS_START.format(name=name))
    child.communicate(timeout=60)

    assert child.returncode == code
    # It may have been ended before it printed its id.
    text = (machine.root / "pid").read_text() if (machine.root / "pid").exists() else ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(text or 2**22 + 1), 0)


def test_a_command_that_is_terminated_ends_what_it_runs_first(machine: Machine) -> None:
    machine.program("tool", 'echo $$ > "$ROOT/pid"; exec sleep 30')
    child = python(
        "from tools.toolchain import console, process\nconsole.run(lambda: process.stream(['tool']))"
    )
    while not (machine.root / "pid").exists() or not (machine.root / "pid").read_text():
        assert child.poll() is None
    child.terminate()
    child.communicate(timeout=20)

    assert child.returncode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int((machine.root / "pid").read_text()), 0)
