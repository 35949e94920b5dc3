"""What a killed run left running is ended, and nothing that only has the same variables."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import orphans, workspace
from toolchain import cache, process

from .fakes import Machine

Begin = Callable[..., int]
# For ever, and without a child, which would have the program's own name until it becomes another one.
_RUNS = 'read _ < "$ROOT/never"'


def _environment(number: int) -> bytes:
    # A process that nobody asks after when it has ended stays as a zombie, without an environment.
    try:
        return Path(f"/proc/{number}/environ").read_bytes()
    except OSError:
        return b""


def _ends(number: int) -> bool:
    ended = time.monotonic() + 5
    while _environment(number) and time.monotonic() < ended:
        time.sleep(0.005)
    return not _environment(number)


@pytest.fixture
def begin(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Start a program of that name, with that backend, that outlives who started it; returns its number."""
    begun: list[int] = []
    os.mkfifo(machine.root / "never")

    def orphan(name: str, backend: str, script: str = _RUNS) -> int:
        program = machine.program(name, script)
        machine.program("run", f"PULUMI_BACKEND_URL='{backend}' '{program}' >/dev/null 2>&1 & echo $!")
        number = int(process.output(["run"]))
        begun.append(number)
        while b"PULUMI_BACKEND_URL=" not in _environment(number):
            time.sleep(0.005)
        # Init, or whoever takes in orphans where the test runs.
        stat = Path(f"/proc/{number}/stat").read_text()
        monkeypatch.setattr(orphans, "_INIT", int(stat.rpartition(")")[2].split()[1]))
        return number

    yield orphan
    for number in begun:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def test_a_plugin_whose_run_was_killed_is_ended(machine: Machine, begin: Begin) -> None:
    mine = f"file://{machine.root}"
    number = begin("pulumi-resource-kubernetes", mine)

    assert orphans.end("PULUMI_BACKEND_URL", mine) == [number]
    assert _ends(number)


def test_what_such_a_plugin_started_ends_with_it(machine: Machine, begin: Begin) -> None:
    mine = f"file://{machine.root}"
    child = machine.program("pulumi-policy", _RUNS)
    number = begin("pulumi-analyzer", mine, f"'{child}' & wait")
    while not (below := Path(f"/proc/{number}/task/{number}/children").read_text().split()):
        time.sleep(0.005)
    (policy,) = map(int, below)
    while b"pulumi-policy" not in Path(f"/proc/{policy}/cmdline").read_bytes():
        time.sleep(0.005)

    assert orphans.end("PULUMI_BACKEND_URL", mine) == sorted([number, policy])
    assert _ends(policy)


def test_a_plugin_of_another_state_and_one_whose_run_lives_are_left_alone(
    machine: Machine, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = f"file://{machine.root}"
    begin("pulumi-resource-kubernetes", f"{mine}-2")
    assert orphans.end("PULUMI_BACKEND_URL", mine) == []

    begin("pulumi-resource-kubernetes", mine)
    monkeypatch.setattr(orphans, "_INIT", os.getpid())
    assert orphans.end("PULUMI_BACKEND_URL", mine) == []


def test_a_program_of_the_users_that_only_has_the_variables_is_left_alone(
    machine: Machine, begin: Begin
) -> None:
    mine = f"file://{machine.root}/state"
    begin("tmux", mine)

    assert orphans.end("PULUMI_BACKEND_URL", mine) == []


def test_forgetting_a_cluster_ends_what_still_works_on_its_state(begin: Begin) -> None:
    number = begin("pulumi-resource-random", f"file://{cache.state_home()}/stacks/uid?metadata=skip")
    workspace.forget("uid")

    assert _ends(number)
