"""The Python environment: the user's own is kept as it is, and nothing unverified is installed."""

import ast
import shutil
import sys
from pathlib import Path

import pytest

from tools.toolchain import cache, environment, golang, pins
from tools.toolchain.errors import UserError

from .fakes import ROOT, Heard, Machine, python, with_go

# `python -m venv` creates a folder whose python is this program again; files of the machine make both fail.
_PYTHON = """
case "$*" in
  "-m venv "*)
    [ ! -e "$ROOT/venv.error" ] || { cat "$ROOT/venv.error" >&2; exit 1; }
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip install "*) [ ! -e "$ROOT/pip.error" ] || { cat "$ROOT/pip.error" >&2; exit 1; } ;;
esac
"""


@pytest.fixture(autouse=True)
def checkout(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with a lock file, and a Python that installs at once."""
    lock = machine.file("checkout/requirements-dev.txt", "a==1 --hash=sha256:00\n")
    monkeypatch.setattr(environment, "_ROOT", lock.parent)
    monkeypatch.delenv("REQUIREMENTS", raising=False)
    monkeypatch.setattr(environment, "_LINK", lock.parent / ".venv")
    monkeypatch.setattr(sys, "executable", str(machine.program("python", _PYTHON)))
    return lock.parent


def test_the_environment_is_made_once_outside_the_checkout(machine: Machine, checkout: Path) -> None:
    made = environment.ensure()
    before = machine.calls("python")

    assert environment.ensure() == made
    assert machine.calls("python") == before
    assert made.is_relative_to(cache.home())
    assert (checkout / ".venv").readlink() == made
    assert sorted(path.name for path in checkout.iterdir()) == [".venv", "requirements-dev.txt"]


def test_every_package_is_held_against_its_hash_and_none_is_added(machine: Machine) -> None:
    environment.ensure()

    (call,) = machine.called("python", "pip install")
    assert "--require-hashes --no-deps -r " in call


def test_a_folder_of_the_users_own_is_used_as_it_is(machine: Machine, checkout: Path) -> None:
    machine.file("checkout/.venv/kept", "kept")

    assert environment.ensure() == checkout / ".venv"
    assert [path.name for path in (checkout / ".venv").iterdir()] == ["kept"]
    assert machine.calls("python") == []


def test_another_lock_means_another_environment(checkout: Path) -> None:
    first = environment.ensure()
    (checkout / "requirements-dev.txt").write_text("a==2 --hash=sha256:00\n")
    second = environment.ensure()

    assert first != second
    assert (checkout / ".venv").readlink() == second


def test_a_link_that_leads_elsewhere_or_nowhere_is_repaired(machine: Machine, checkout: Path) -> None:
    (checkout / ".venv").symlink_to(machine.root / "nowhere")
    made = environment.ensure()

    assert (checkout / ".venv").readlink() == made


def test_a_package_that_does_not_match_its_hash_is_refused(machine: Machine) -> None:
    machine.file("pip.error", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.")

    with pytest.raises(UserError) as caught:
        environment.ensure()

    assert "is not what the lock file says it must be" in caught.value.found
    assert "DO NOT MATCH THE HASHES" in caught.value.found
    assert "nothing of it was installed" in caught.value.why
    assert "find out before you touch requirements-dev.txt" in caught.value.fix


def test_packages_that_cannot_be_fetched_are_refused_with_what_pip_said(machine: Machine) -> None:
    machine.file("pip.error", "ERROR: Could not find a version that satisfies the requirement a==1")

    with pytest.raises(UserError, match=r"Could not find a version(.|\n)*check the network"):
        environment.ensure()


def test_a_python_without_venv_is_told_which_package_has_it(machine: Machine) -> None:
    machine.file("venv.error", "ensurepip is not available")

    with pytest.raises(UserError, match=r"ensurepip is not available(.|\n)*apt-get install python3-venv"):
        environment.ensure()


def test_an_environment_that_was_not_finished_is_recreated(machine: Machine, checkout: Path) -> None:
    error = machine.file("pip.error", "interrupted")
    with pytest.raises(UserError):
        environment.ensure()
    assert not (checkout / ".venv").exists()
    (half,) = (cache.home() / "venv").iterdir()
    (half / "half").touch()
    error.unlink()

    assert environment.ensure() == half
    assert not (half / "half").exists()


def test_an_old_python_is_refused_by_its_version_and_not_by_a_traceback(machine: Machine) -> None:
    shutil.copytree(
        ROOT / "tools" / "toolchain",
        machine.root / "old" / "tools" / "toolchain",
        ignore=shutil.ignore_patterns("go"),
    )
    child = python(
        "import collections, runpy, sys, typing\n"
        "del typing.Self\n"
        "sys.version_info = collections.namedtuple('Old', 'major minor micro')(3, 9, 2)\n"
        "runpy.run_module('tools.toolchain.environment', run_name='__main__')",
        machine.root / "old",
    )
    _, told = child.communicate()

    assert child.returncode == 1
    assert "this is Python 3.9" in told
    assert "make PYTHON=python3.11" in told
    assert "Traceback" not in told


def test_another_programs_packages_are_installed_apart_and_held_against_their_own_hashes(
    machine: Machine, checkout: Path
) -> None:
    lock = machine.file("checkout/tests/program/requirements.txt", "b==1 --hash=sha256:00\n")
    project = environment.ensure()
    apart = environment.of(lock)

    assert apart != project
    assert (checkout / ".venv").readlink() == project
    assert f"--require-hashes --no-deps -r {lock}" in machine.called("python", "pip install")[-1]


def test_another_programs_packages_are_installed_once_and_a_torn_environment_is_recreated(
    machine: Machine,
) -> None:
    lock = machine.file("checkout/tests/program/requirements.txt", "b==1 --hash=sha256:00\n")
    apart = environment.of(lock)
    before = machine.calls("python")

    assert environment.of(lock) == apart
    assert machine.calls("python") == before
    (apart / ".complete").unlink()
    assert environment.of(lock) == apart
    assert machine.calls("python") != before


def test_a_refused_package_of_another_program_is_said_to_be_of_its_own_lock(machine: Machine) -> None:
    lock = machine.file("checkout/tests/program/programs.txt", "b==1 --hash=sha256:00\n")
    machine.file("pip.error", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.")

    with pytest.raises(UserError, match=r"before you touch programs\.txt"):
        environment.of(lock)


@pytest.mark.parametrize(
    "name", ["__init__", "environment", "cache", "console", "errors", "private", "process"]
)
def test_what_an_old_python_reads_before_the_refusal_it_can_read(name: str) -> None:
    text = (ROOT / "tools" / "toolchain" / f"{name}.py").read_text()
    tree = ast.parse(text, feature_version=(3, 8))
    future = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)

    assert future or " | " not in text


@pytest.mark.parametrize(("arguments", "times"), [(["up"], 1), ([], 0)])
def test_up_begins_to_compile_while_the_packages_are_installed_and_other_commands_do_not(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], times: int
) -> None:
    begun: list[bool] = []
    monkeypatch.setattr(environment, "_compile", lambda: begun.append(True))
    monkeypatch.setattr(sys, "argv", ["environment", *arguments])
    environment.main()
    environment.main()

    assert len(begun) == times


def test_what_is_begun_is_kind_and_a_machine_that_cannot_compile_is_told_nothing_yet(
    machine: Machine, step: Heard
) -> None:
    environment._compile()
    assert golang._begun == {}

    with_go(machine)
    environment._compile()
    assert (golang.binaries(pins.KIND_BUILD, step) / "kind").exists()
    assert len(machine.called("go", "build")) == 1
