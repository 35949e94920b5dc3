"""What a killed run left running is ended, and nothing that only has the same variables."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import orphans

from .fakes import Machine


def _parent(number: int) -> int:
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])


def _runs(number: int) -> bool:
    # A process whose parent does not ask after it is a zombie for ever: it has no environment.
    try:
        return bool(Path(f"/proc/{number}/environ").read_bytes())
    except OSError:
        return False


@pytest.fixture
def url(machine: Machine) -> str:
    """A value that no other process on this machine has."""
    return f"file://{machine.root}"


@pytest.fixture
def begin(machine: Machine, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Start a program that outlives who started it; returns its number."""
    begun: list[int] = []

    def orphan(name: str, value: str = url) -> int:
        program = machine.program(name, "while :; do sleep 0.05; done")
        run = machine.program("run", f"BACKEND='{value}' '{program}' >/dev/null 2>&1 & echo $!")
        number = int(os.popen(str(run)).read())  # noqa: S605 - the test's own
        mine = {os.getpid()}
        while not _runs(number) or _parent(number) in mine or "run" in _name(_parent(number)):
            time.sleep(0.005)
        begun.append(number)
        # Init, or whoever takes in orphans here.
        monkeypatch.setattr(orphans, "_INIT", _parent(number))
        return number

    yield orphan
    for number in begun:
        if _runs(number):
            os.kill(number, 9)


def _name(number: int) -> str:
    return Path(f"/proc/{number}/comm").read_text().strip()
