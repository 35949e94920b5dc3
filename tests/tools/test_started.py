"""Processes that a recorded run left: they are ended, and no other process is, whatever its parent."""

import contextlib
from pathlib import Path

import pytest

from tools.toolchain import proc, started
from tools.toolchain.started import VARIABLE

from .fakes import Begin, Machine


def _is_pulumis(number: int) -> bool:
    return "pulumi" in " ".join(proc.command(number))


@pytest.fixture
def folder(machine: Machine) -> Path:
    """Return the folder of recorded runs."""
    return machine.root / "runs"


def _cut_off(folder: Path) -> dict[str, str]:
    """Record a run that did not come to its end, and return what its processes carry."""
    with contextlib.suppress(KeyboardInterrupt), started.recorded(folder) as mark:
        raise KeyboardInterrupt
    return mark


def test_what_a_run_left_that_was_cut_off_is_ended_and_its_record_with_it(folder: Path, begin: Begin) -> None:
    mark = _cut_off(folder)
    number = begin("pulumi-resource-kubernetes", **mark)

    assert started.end(folder, _is_pulumis) == [number]
    assert not proc.runs(number)
    assert list(folder.iterdir()) == []


def test_a_run_that_came_to_its_end_is_no_record(folder: Path, begin: Begin) -> None:
    with started.recorded(folder) as mark:
        assert len(list(folder.iterdir())) == 1
    number = begin("pulumi-resource-kubernetes", **mark)

    assert started.end(folder, _is_pulumis) == []
    assert proc.runs(number)


@pytest.mark.parametrize(
    "variables", [{}, {VARIABLE: "of-another-state"}, {"PULUMI_BACKEND_URL": "file:///x"}]
)
def test_a_pulumi_that_was_not_recorded_is_never_ended(
    folder: Path, begin: Begin, variables: dict[str, str]
) -> None:
    _cut_off(folder)
    number = begin("pulumi", **variables)

    assert started.end(folder, _is_pulumis) == []
    assert proc.runs(number)


def test_a_program_of_the_users_that_only_inherited_the_mark_is_left(folder: Path, begin: Begin) -> None:
    number = begin("tmux", **_cut_off(folder))

    assert started.end(folder, _is_pulumis) == []
    assert proc.runs(number)


def test_while_the_runs_own_program_lives_nothing_of_it_is_ended(folder: Path, begin: Begin) -> None:
    mark = _cut_off(folder)
    numbers = {begin(name, **mark) for name in ("pulumi", "pulumi-language-python")}

    assert started.end(folder, _is_pulumis, main="pulumi") == []
    assert all(proc.runs(number) for number in numbers)
    assert len(list(folder.iterdir())) == 1


def test_without_records_nothing_is_looked_for(folder: Path) -> None:
    assert started.end(folder, lambda _: True) == []
