"""The end of a run: everything is as before, however it ends."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.drills import runner, waiting
from tools.drills.drill import Drill
from tools.drills.journal import Journal
from tools.drills.samples import Sample
from tools.drills.stage import Stage
from tools.drills.verdict import Measured
from tools.stacks.stack import Stack
from tools.stacks.workspace import Workspace
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError
from tools.toolchain.pulumi import Pulumi

from .fakes import NO_API, Broken, drill, sample

Run = Callable[[Drill], Measured]


class _Load:
    """Requests that all succeed, and an order that is acknowledged."""

    def __init__(self, program: Path, *, url: str, rate: float, run: str) -> None:
        self.found = [sample(1.0), sample(2.0, 201, kind="order", number="FF-1", note=f"{run}-1")]
        self.asked = (program, url, rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        pass

    def steady(self, seconds: float) -> None:
        assert seconds > 0

    def alive(self) -> None:
        pass

    def seen(self) -> Sequence[Sample]:
        return self.found

    def stop(self) -> Sequence[Sample]:
        return self.found


class _Stage(Stage):
    """Whole, and it stores every order."""

    def missing(self) -> list[str]:
        return []

    def sql(self, statement: str, **values: str) -> list[list[str]]:
        assert "orders" in statement
        return [[f"{values['begin']}-1", "FF-1"]]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    cluster = Cluster(
        name="x",
        port=8080,
        engine=Engine(command="podman", own=False, why=""),
        kubeconfig=tmp_path / "kubeconfig",
        tools=tmp_path,
    )
    cli = Pulumi(executable=tmp_path / "pulumi", environment={}, official=False)
    stack = Stack(name="dev", workspace=Workspace(folder=tmp_path, environment={}), cli=cli, environment={})
    return _Stage(cluster=cluster, api=NO_API, stack=stack, namespace="shop", url="http://shop.localhost")


@pytest.fixture
def book(tmp_path: Path) -> Journal:
    return Journal(path=tmp_path / "journal.json")


@pytest.fixture
def run(stage: Stage, book: Journal, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(runner, "Load", _Load)
    monkeypatch.setattr(runner, "_TAIL_SECONDS", 0.0)
    monkeypatch.setattr(runner, "_WHOLE_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "_PAUSE_SECONDS", 0.02)

    def once(pretended: Drill) -> Measured:
        return runner.run(pretended, stage, program=Path("load"), rate=10, journal=book)

    return once


def test_a_drill_is_aimed_prepared_aimed_again_injected_watched_and_undone(run: Run, book: Journal) -> None:
    broken = Broken(restored_after=3)
    found = run(drill(broken))

    assert broken.calls == ["aim", "prepare", "aim", "inject", *["restored"] * 3, "undo pod-1"]
    assert (found.sent, found.acknowledged, found.lost, found.failed) == (2, 1, [], 0)
    assert 0 < found.seconds < 1
    assert book.open() is None


def test_the_load_begins_before_and_the_repair_ends_after_what_is_measured(run: Run) -> None:
    found = run(drill(Broken()))

    assert found.begun is not None
    assert found.restored is not None
    assert found.repaired is not None
    assert found.begun <= found.moment <= found.restored <= found.repaired
    assert found.begins == found.begun
    assert found.observed is None, "the stores are asked by the command, after the run"


def test_what_is_not_restored_in_its_time_is_undone_all_the_same(run: Run, book: Journal) -> None:
    broken = Broken(restored_after=10**6)
    found = run(drill(broken))

    assert found.restored is None
    assert found.stands == "as before"
    assert broken.calls[-1] == "undo pod-1"
    assert book.open() is None


@pytest.mark.parametrize("at", ["prepare", "inject", "restored"])
@pytest.mark.parametrize("problem", [KeyboardInterrupt(), UserError("a", "b", "c"), MemoryError()])
def test_whatever_ends_a_run_it_is_undone_first(
    run: Run, book: Journal, at: str, problem: BaseException
) -> None:
    broken = Broken(fails={at: problem})
    with pytest.raises(type(problem)):
        run(drill(broken))

    assert broken.calls[-1] == "undo pod-1"
    assert book.open() is None


def test_a_drill_that_cannot_be_undone_stays_in_the_journal(run: Run, book: Journal) -> None:
    broken = Broken(fails={"undo pod-1": CommandError(["podman"], 1, "no")})
    with pytest.raises(CommandError):
        run(drill(broken))

    entry = book.open()
    assert entry is not None
    assert (entry.drill, entry.stack, entry.facts) == ("pretended", "dev", {"victim": "pod-1"})


def test_the_journal_is_written_before_anything_is_done(run: Run, book: Journal) -> None:
    seen: list[bool] = []

    class _Noting(Broken):
        def did(self, what: str) -> None:
            seen.append(book.open() is not None)
            super().did(what)

    run(drill(_Noting()))
    assert seen == [False, *[True] * (len(seen) - 1)]


def test_what_must_come_back_is_brought_back_and_counted_from_then(run: Run) -> None:
    broken = Broken()
    found = run(drill(broken, relief=True, hold=0.25))

    assert broken.calls == ["aim", "prepare", "aim", "inject", "undo pod-1", "restored", "undo pod-1"]
    assert found.seconds < 0.2
    assert found.restored is not None
    assert found.restored - found.moment >= 0.25


def test_seconds_count_from_when_the_failure_shows(run: Run) -> None:
    asked: list[float] = []

    def shows(*_: Any) -> bool:
        asked.append(time.monotonic())
        return asked[-1] - asked[0] >= 0.2

    found = run(drill(Broken(), begun=shows))

    assert found.restored is not None
    assert found.restored - found.moment >= 0.2
    assert found.seconds < found.restored - found.moment


def test_a_question_that_cannot_be_answered_is_no_answer(run: Run) -> None:
    asked: list[int] = []

    def restored(*_: Any) -> bool:
        asked.append(1)
        if len(asked) == 1:
            raise CommandError(["kubectl"], 1, "connection refused")
        return True

    assert run(drill(Broken(), restored=restored)).restored is not None


def test_a_stack_that_is_not_whole_is_not_drilled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken()
    monkeypatch.setattr(_Stage, "missing", lambda _: ["deployment api"])
    with pytest.raises(UserError, match=r"before the drill(.|\n)*deployment api(.|\n)*make status STACK=dev"):
        run(drill(broken))
    assert broken.calls == []
