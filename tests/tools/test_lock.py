"""Pulumi's locks: those whose process has certainly ended on this machine, and all others."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tools.state import lock

from .fakes import python


@pytest.fixture
def dead() -> int:
    """Return the number of a process that has ended."""
    child = python("")
    child.communicate()
    return child.pid


def _locked(files: Path, text: str) -> Path:
    path = files / ".pulumi" / "locks" / "organization" / "feastflow" / "dev" / "one.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def _by(process: int, host: str = "") -> str:
    since = "2026-11-28T10:00:00+00:00"
    owner = {"username": "u", "hostname": host or socket.gethostname(), "pid": process, "timestamp": since}
    return json.dumps(owner)


def _held(files: Path) -> list[int]:
    return [owner.process for owner in lock.held(files, "feastflow", "dev")]


def test_the_lock_of_a_dead_process_of_this_machine_is_deleted(tmp_path: Path, dead: int) -> None:
    path = _locked(tmp_path, _by(dead))

    assert _held(tmp_path) == []
    assert not path.exists()


def test_the_lock_of_another_machine_is_kept_though_no_process_has_its_number_here(
    tmp_path: Path, dead: int
) -> None:
    path = _locked(tmp_path, _by(dead, "far"))

    assert _held(tmp_path) == [dead]
    assert path.exists()


def test_a_number_that_another_program_has_by_now_is_no_owner(tmp_path: Path) -> None:
    path = _locked(tmp_path, _by(os.getpid()))

    assert _held(tmp_path) == []
    assert not path.exists()


@pytest.mark.parametrize("works_on", ["this state", "another"])
def test_a_number_that_another_pulumi_has_by_now_is_an_owner_only_of_the_state_it_works_on(
    tmp_path: Path, works_on: str
) -> None:
    files = tmp_path if works_on == "this state" else tmp_path / "elsewhere"
    program = tmp_path / "pulumi"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([program, "60"], env={lock.BACKEND: f"file://{files}"})  # noqa: S603 - sleep
    try:
        path = _locked(tmp_path, _by(child.pid))

        assert _held(tmp_path) == ([child.pid] if works_on == "this state" else [])
        assert path.exists() == (works_on == "this state")
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("age", [0.0, 60.0])
def test_a_torn_lock_is_kept_until_its_writer_must_have_ended(tmp_path: Path, age: float) -> None:
    path = _locked(tmp_path, '{"pid": 1')
    os.utime(path, (time.time() - age,) * 2)

    assert _held(tmp_path) == ([0] if age == 0.0 else [])
    assert path.exists() == (age == 0.0)
