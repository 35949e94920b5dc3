"""Pulumi's files in TMPDIR: deleted when the command ends, or by the next command after a kill."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.toolchain import scratch

from .fakes import Machine, ended, python

_MAKES = "from tools.toolchain import scratch; print(scratch.folder(), flush=True); input()"


@pytest.fixture(autouse=True)
def rooms(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the machine's folder for temporary files, where every folder counts as old at once."""
    made = machine.root / "tmp"
    made.mkdir()
    monkeypatch.setenv("TMPDIR", str(made))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(scratch, "_NEW_SECONDS", -1)
    return made


@pytest.fixture
def command() -> Iterator["subprocess.Popen[str]"]:
    """Yield a command that has made its folder and goes on until it reads a line."""
    child = python(_MAKES)
    yield child
    if child.poll() is None:
        ended(child)


def _folder(command: "subprocess.Popen[str]") -> Path:
    assert command.stdout is not None
    return Path(command.stdout.readline().strip())


def _left(rooms: Path, name: str = "killed") -> Path:
    made = rooms / f"{scratch.PREFIX}{name}"
    made.mkdir()
    (made / "kubeconfig1").write_text("token: secret")
    return made


def test_a_commands_folder_is_its_own_and_removed_with_what_is_in_it(
    command: "subprocess.Popen[str]", rooms: Path
) -> None:
    folder = _folder(command)
    assert folder.parent == rooms
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "kubeconfig1").touch()

    command.communicate("\n")

    assert command.returncode == 0
    assert list(rooms.iterdir()) == []


def test_a_command_that_is_interrupted_removes_it_too(command: "subprocess.Popen[str]", rooms: Path) -> None:
    _folder(command)
    command.send_signal(signal.SIGINT)
    command.communicate()

    assert list(rooms.iterdir()) == []


def test_the_folder_of_a_command_that_lives_is_left_alone_and_goes_when_it_was_killed(
    command: "subprocess.Popen[str]",
) -> None:
    folder = _folder(command)
    assert scratch.sweep() == []
    assert folder.exists()

    ended(command)

    assert scratch.sweep() == [folder]
    assert not folder.exists()


def test_the_next_command_removes_what_a_killed_one_left(rooms: Path) -> None:
    left = _left(rooms)
    os.utime(left, (0, 0))
    with python(_MAKES) as following:
        folder = _folder(following)
        assert [*rooms.iterdir()] == [folder]
        following.communicate("\n")


def test_the_folder_of_a_plugin_that_outlasts_its_killed_command_is_left_alone(
    machine: Machine, rooms: Path
) -> None:
    left = _left(rooms)
    plugin = machine.program("plugin", "echo runs; read _")
    pipe = subprocess.PIPE
    command = [str(plugin)]
    with subprocess.Popen(command, env={"TMPDIR": str(left)}, stdin=pipe, stdout=pipe) as running:  # noqa: S603 - as above
        assert running.stdout is not None
        running.stdout.readline()
        assert scratch.sweep() == []
        running.communicate(b"\n")

    assert scratch.sweep() == [left]


def test_a_folder_that_was_just_made_is_left_alone(rooms: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_NEW_SECONDS", 60)
    left = _left(rooms)
    assert scratch.sweep() == []

    os.utime(left, (0, 0))
    assert scratch.sweep() == [left]


def test_only_folders_that_are_this_projects_and_this_users_are_removed(
    rooms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = rooms / "theirs"
    theirs.mkdir()
    (rooms / f"{scratch.PREFIX}link").symlink_to(theirs)
    (rooms / f"{scratch.PREFIX}file").touch()
    (rooms / "kubeconfig1").touch()
    assert scratch.sweep() == []

    left = _left(rooms)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert scratch.sweep() == []
    assert scratch.sweep() == [left]
    assert {path.name for path in rooms.iterdir()} == {
        "theirs",
        "kubeconfig1",
        f"{scratch.PREFIX}link",
        f"{scratch.PREFIX}file",
    }


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_in_a_shell_each_run_of_pulumi_has_a_folder_and_leaves_nothing(
    machine: Machine, rooms: Path, shell: str
) -> None:
    machine.program("pulumi", 'echo "$TMPDIR"; echo token > "$TMPDIR/kubeconfig1"; exit 7')
    function = scratch.function("-C 'a folder'")
    ran = subprocess.run(  # noqa: S603 - a shell of the machine's
        [f"/bin/{shell}", "-c", f'{function}\npulumi up "two words"; echo "$? $TMPDIR"'],
        env={"PATH": f"{machine.bin}:/usr/bin:/bin", "TMPDIR": str(rooms)},
        capture_output=True,
        text=True,
        check=True,
    )

    folder, after = ran.stdout.splitlines()
    assert folder.startswith(f"{rooms}/{scratch.PREFIX}")
    assert after == f"7 {rooms}"
    assert machine.calls("pulumi") == ["-C a folder up two words"]
    assert list(rooms.iterdir()) == []
