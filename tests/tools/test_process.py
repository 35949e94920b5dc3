"""Other programs: their output is kept, their time is bounded, and none outlives its caller."""

import os
import time
from pathlib import Path

import pytest

from tools.toolchain import process
from tools.toolchain.aside import Aside
from tools.toolchain.process import CommandError

from .fakes import Machine, python


def _fails(machine: Machine, script: str, timeout: float = 5) -> CommandError:
    command = [str(machine.program("tool", script)), "with space"]
    with pytest.raises(CommandError) as caught:
        process.output(command, timeout=timeout)
    return caught.value


def test_the_output_is_what_a_program_prints_and_not_what_it_complains_about(machine: Machine) -> None:
    machine.program("tool", "echo said; echo complained >&2")

    assert process.output(["tool"]) == "said\n"


def test_a_failure_names_the_command_its_code_and_its_last_words(machine: Machine) -> None:
    failure = _fails(machine, "echo said; echo complained >&2; exit 3")

    assert failure.code == 3
    assert failure.tail == "complained"
    assert "tool 'with space' ended with 3\ncomplained" in str(failure)


def test_a_failure_without_complaint_shows_what_was_printed(machine: Machine) -> None:
    assert _fails(machine, "echo said; exit 1").tail == "said"


def test_a_failure_shows_the_last_lines_only(machine: Machine) -> None:
    tail = _fails(machine, "seq 1000 >&2; exit 1").tail.splitlines()

    assert tail == [str(number) for number in range(976, 1001)]


def test_a_program_that_takes_too_long_is_ended_and_said_to_be_late(machine: Machine) -> None:
    failure = _fails(machine, "exec sleep 30", timeout=0.05)

    assert failure.code == process.TIMED_OUT
    assert "no answer within 0 s" in failure.tail


def test_a_program_is_given_the_users_own_environment_and_what_is_added(machine: Machine) -> None:
    machine.program("tool", 'echo "$HOME $ADDED"')

    assert process.output(["tool"], env={"ADDED": "more"}) == f"{machine.root}/home more\n"


def test_a_program_is_given_text_on_its_standard_input_or_nothing(machine: Machine) -> None:
    machine.program("tool", "cat")
    assert process.output(["tool"], stdin="text") == "text"

    child = python("from tools.toolchain import process\nprint(repr(process.output(['tool'])))")
    told, _ = child.communicate("the terminal's")
    assert told == "''\n"


def test_a_program_that_is_missing_fails_or_is_silent_does_not_answer(machine: Machine) -> None:
    machine.program("failing", "exit 1")
    machine.program("silent", "exec sleep 30")
    machine.program("good")

    assert not process.answers(["missing"])
    assert not process.answers(["failing"])
    assert not process.answers(["silent"], timeout=0.05)
    assert process.answers(["good"])


def test_a_stream_gives_every_line_complaints_included_and_keeps_them_in_the_log(machine: Machine) -> None:
    machine.program("tool", "echo one; echo two >&2; printf three")
    log = machine.file("log", "earlier\n")
    heard: list[str] = []

    process.stream(["tool"], log=log, each=heard.append)

    assert heard == ["one", "two", "three"]
    assert log.read_text() == "earlier\none\ntwo\nthree\n"


def test_a_stream_gives_a_line_while_the_program_still_runs(machine: Machine) -> None:
    machine.program("tool", 'echo one; while [ ! -e "$ROOT/heard" ]; do sleep 0.01; done; echo two')

    def hear(line: str) -> None:
        machine.file("heard", line)

    process.stream(["tool"], each=hear, timeout=5)


def test_a_stream_puts_lines_together_that_come_in_pieces_and_reads_what_is_not_text(
    machine: Machine,
) -> None:
    machine.program("tool", r"printf 'caf\303'; sleep 0.02; printf '\251\nbad\377\n'")
    heard: list[str] = []

    process.stream(["tool"], each=heard.append)

    assert heard == ["café", "bad�"]


def test_a_stream_that_fails_shows_its_last_lines(machine: Machine) -> None:
    machine.program("tool", "seq 1000; exit 7")

    with pytest.raises(CommandError) as caught:
        process.stream(["tool"])

    assert caught.value.code == 7
    assert caught.value.tail.splitlines() == [str(number) for number in range(976, 1001)]


@pytest.mark.parametrize(
    "script",
    [
        "exec sleep 30",
        "sleep 30 & exec sleep 30",
        "sleep 30 &",
        "exec sleep 30 >/dev/null 2>&1",
    ],
    ids=["silent", "its child keeps the pipe", "only its child is left", "closed its output"],
)
def test_a_stream_that_takes_too_long_is_ended_whatever_process_keeps_its_pipe(
    machine: Machine, script: str
) -> None:
    machine.program("tool", script)
    begun = time.monotonic()

    with pytest.raises(CommandError) as caught:
        process.stream(["tool"], timeout=0.05)

    assert caught.value.code == process.TIMED_OUT
    assert caught.value.tail == "no end within 0 s"
    assert time.monotonic() - begun < 5


def test_a_stream_that_never_stops_talking_is_ended_too(machine: Machine) -> None:
    machine.program("tool", 'exec yes "$(printf %065536d 0)"')

    with pytest.raises(CommandError) as caught:
        process.stream(["tool"], each=lambda _: time.sleep(0.002), timeout=0.05)

    assert caught.value.code == process.TIMED_OUT


def _interrupted(machine: Machine, script: str) -> int:
    """Return the number of a child whose stream was interrupted at its first line."""
    machine.program("tool", script)
    heard: list[int] = []

    def interrupt(line: str) -> None:
        heard.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.stream(["tool"], each=interrupt)
    return heard[0]


def _runs(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_interrupted_child_is_ended_and_may_say_goodbye(machine: Machine) -> None:
    goodbye = 'trap "echo bye > $ROOT/goodbye; exit" TERM; echo $$; while :; do sleep 0.01; done'
    number = _interrupted(machine, goodbye)

    assert not _runs(number)
    assert (machine.root / "goodbye").read_text() == "bye\n"


def test_an_interrupted_child_that_will_not_go_is_killed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_GRACE_SECONDS", 0.05)

    assert not _runs(_interrupted(machine, 'trap "" TERM; echo $$; while :; do sleep 0.01; done'))


def test_a_log_that_cannot_be_written_starts_no_program(machine: Machine) -> None:
    machine.program("tool")

    with pytest.raises(FileNotFoundError):
        process.stream(["tool"], log=Path("/nonexistent/log"))
    assert machine.calls("tool") == []


def test_what_other_threads_run_ends_with_the_process_and_nothing_is_begun_any_more(machine: Machine) -> None:
    machine.program("first", 'echo $$ > "$ROOT/pid"; echo begun; exec sleep 30')
    machine.program("second", ': > "$ROOT/second"')
    child = python(
        "import threading, pathlib, time\n"
        "from tools.toolchain import process\n"
        "def work():\n"
        "    try: process.stream(['first'], each=lambda line: begun.set())\n"
        "    finally: process.stream(['second'])\n"
        "begun = threading.Event()\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "begun.wait()\n"
    )
    child.communicate(timeout=20)

    number = int((machine.root / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    assert not (machine.root / "second").exists()


def test_what_a_program_says_aside_comes_line_by_line_and_is_in_neither_output_nor_log(
    machine: Machine,
) -> None:
    heard: list[str] = []
    aside = Aside(heard.append)
    program = machine.program("says", 'printf "one\\ntw" > "$1"; echo aloud; printf "o\\nthr" > "$1"')
    lines: list[str] = []
    log = machine.root / "log"
    process.stream([str(program), aside.path], each=lines.append, log=log, aside=aside)

    assert (heard, lines, log.read_text()) == (["one", "two"], ["aloud"], "aloud\n")


def test_a_program_that_says_more_than_a_pipe_holds_is_not_kept_waiting(machine: Machine) -> None:
    heard: list[str] = []
    aside = Aside(heard.append)
    program = machine.program("says", 'seq 100000 > "$1"')
    process.stream([str(program), aside.path], aside=aside, timeout=30)

    assert heard[-1] == "100000"


def test_a_program_that_is_ended_does_not_wait_for_somebody_to_read_what_it_says_aside(
    machine: Machine,
) -> None:
    aside = Aside(lambda _: None)
    program = machine.program(
        "says",
        """trap '' PIPE
        trap 'seq 100000 > "$1" 2>/dev/null; echo ended > "$ROOT/ended"; exit 1' TERM
        echo ready
        while :; do sleep 0.01; done""",
    )

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.stream([str(program), aside.path], each=interrupt, aside=aside)
    assert (machine.root / "ended").exists()


def test_nothing_of_what_was_said_aside_stays_open(machine: Machine) -> None:
    program = machine.program("says", 'echo one > "$1"')
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        aside = Aside(lambda _: None)
        process.stream([str(program), aside.path], aside=aside)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
