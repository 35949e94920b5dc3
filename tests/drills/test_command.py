"""`make drill`: what may be asked, what is repaired first, and its exit code."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.drills import __main__ as command
from tools.drills import journal, opening, report, runner, watching
from tools.drills.annotations import Subject
from tools.drills.catalogue import DRILLS
from tools.drills.drill import Drill
from tools.drills.journal import Entry, Journal
from tools.drills.observed import Observed
from tools.drills.verdict import Measured, Row
from tools.stacks import scope
from tools.telemetry.stores import Stores
from tools.toolchain import golang
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError
from tools.toolchain.pulumi import Pulumi

from .fakes import Broken, drill, run

ROOT = Path(__file__).parents[2]
# A drill that is lost, or has another name, is missed by users who name it in DRILL.
WANTED = {
    *("backend-killed", "frontend-killed", "oom-killed", "readiness-lost", "liveness-lost", "worker-killed"),
    *("zone-gone", "node-drained", "primary-killed", "primary-node", "primary-drained"),
    *("connection-cut", "dns-killed", "ingress-restarted", "operator-away", "disk-full", "release-good"),
    *("release-unready", "release-crashes", "rotation", "scaled", "up-interrupted", "api-server-away"),
    *("scaled-by-load", "observability-gone", "table-dropped", "canary-judged", "primary-and-volume-lost"),
    *("bucket-away", "log-full", "backed-up", "namespace-lost"),
}


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DRILL", "RUNS", "STACK", "RATE", "CLUSTER", "CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # The locks are there: a test must not wait for a developer's own cluster.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_every_failure_has_its_drill_and_each_says_what_it_does() -> None:
    assert set(DRILLS) == WANTED
    for name, each in DRILLS.items():
        assert each.name == name
        assert each.what
        assert each.__doc__
        assert set(each.stacks) <= {"dev", "prod"}
        assert each.hold == 0 or each.relief


def test_the_pages_name_every_drill() -> None:
    text = (ROOT / "docs" / "drills.md").read_text(encoding="utf-8")

    assert {name for name in DRILLS if f"`{name}`" not in text} == set()


def test_without_a_name_all_are_run_each_where_it_belongs() -> None:
    chosen = command._read([])

    assert list(chosen.drills) == [name for name in DRILLS if name != "namespace-lost"]
    assert chosen.drills["backend-killed"] == "dev"
    assert chosen.drills["primary-killed"] == "prod"
    assert (chosen.runs, chosen.rate, chosen.cluster) == (1, None, "feastflow")


def test_the_environment_chooses_as_make_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DRILL": "rotation, dns-killed", "RUNS": "3", "STACK": "prod", "RATE": "20"}.items():
        monkeypatch.setenv(name, value)
    chosen = command._read([])

    assert chosen.drills == {"rotation": "prod", "dns-killed": "prod"}
    assert (chosen.runs, chosen.rate) == (3, 20)


def test_a_stack_leaves_out_what_is_not_made_for_it() -> None:
    chosen = command._read(["--stack", "dev"])

    assert "primary-killed" not in chosen.drills
    assert set(chosen.drills.values()) == {"dev"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--drill", "earthquake"], r"there is no drill earthquake(.|\n)*backend-killed"),
        (
            ["--drill", "primary-killed", "--stack", "dev"],
            r"not made for the stack dev(.|\n)*unset STACK",
        ),
        (["--stack", "test"], r"no drill is made for a stack test"),
        (["--runs", "0"], r"RUNS is '0'"),
        (["--runs", "many"], r"RUNS is 'many'"),
        (["--rate", "9999"], r"RATE is '9999'"),
        (["--cluster", "a/b"], r"CLUSTER is 'a/b'"),
        (["--context", "theirs"], r"CONTEXT is 'theirs'(.|\n)*never touch a cluster of yours"),
    ],
)
def test_what_cannot_be_drilled_is_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        command._read(arguments)


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Journal:
    """Return a cluster that is never reached."""
    cli = Pulumi(executable=Path("pulumi"), environment={}, official=False)
    monkeypatch.setattr(scope, "tools", lambda: cli)
    monkeypatch.setattr(golang, "binaries", lambda *_: Path())
    monkeypatch.setattr(opening, "stage", lambda cluster, stack, _: _Named(f"{stack} on {cluster}", stack))
    monkeypatch.setattr(command, "replace", lambda stage, **_: stage)
    monkeypatch.setattr(watching, "watched", lambda *_: None)
    monkeypatch.setattr(report, "write", lambda _: [Path("artifacts/drills/drills.json")])
    return journal.of("feastflow")


class _Named:
    namespace = "shop-dev"

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name, self.cluster = text, name, SimpleNamespace(port=1)


def _pretend(monkeypatch: pytest.MonkeyPatch, broken: Broken, name: str = "pretended") -> None:
    kind = type(drill(broken))
    monkeypatch.setitem(DRILLS, name, kind)


@pytest.mark.parametrize(("arguments", "code"), [(["--drill", "backend-killed"], 1), ([], 0)])
def test_what_cannot_be_drilled_here_is_left_out_unless_it_is_named(
    book: Journal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
) -> None:
    assert book.open() is None
    kind = type(drill(Broken()))
    for name in [each for each in DRILLS if each != "backend-killed"]:
        monkeypatch.delitem(DRILLS, name)
    monkeypatch.setitem(DRILLS, "backend-killed", kind)
    monkeypatch.setattr(kind, "lacking", lambda *_: UserError("no store", "it is asked", "make observe"))

    assert command.main(arguments) == code
    assert ("left out     backend-killed: no store; make observe" in capsys.readouterr().out) is not bool(
        arguments
    )


def test_what_an_earlier_run_was_cut_off_in_is_repaired_first(
    book: Journal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Broken()
    _pretend(monkeypatch, broken)
    book.begin(Entry(drill="pretended", stack="prod", facts={"victim": "pod-9"}))
    monkeypatch.setattr(runner, "run", lambda *_, **__: run())

    assert command.main(["--drill", "backend-killed"]) == 0
    assert broken.calls == ["undo pod-9"]
    assert book.open() is None
    assert "it is repaired" in capsys.readouterr().out


def test_what_cannot_be_repaired_is_refused(book: Journal) -> None:
    book.begin(Entry(drill="earthquake", stack="prod", facts={}))
    with pytest.raises(UserError, match=r"earthquake, which is not known here(.|\n)*delete"):
        command.main([])
    assert book.open() is not None


def test_every_run_counts_and_what_does_not_hold_ends_with_1(
    book: Journal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert book.open() is None
    seconds = iter([2.0, 99.0, 3.0])
    monkeypatch.setattr(runner, "run", lambda *_, **__: run(seconds=next(seconds)))

    assert command.main(["--drill", "backend-killed", "--runs", "3"]) == 1
    out = capsys.readouterr().out
    assert "run 2: took 99.0 s, wanted 5 s" in out
    assert out.count("ok drill") == 3


def test_what_observers_know_is_kept_of_each_run_and_what_they_do_not_is_told_once(
    book: Journal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert book.open() is None
    written: list[Row] = []
    asked: list[tuple[Stores, Subject]] = []

    def watched(stores: Stores, subject: Subject, measured: Measured) -> Observed:
        asked.append((stores, subject))
        return Observed(lines=[(0.0, measured.seconds)], unknown=["metrics: nothing listens there"])

    def write(rows: list[Row]) -> list[Path]:
        written.extend(rows)
        return [Path("drills.json")]

    monkeypatch.setattr(command, "replace", _changed)
    monkeypatch.setattr(runner, "run", lambda *_, **__: run())
    monkeypatch.setattr(watching, "watched", watched)
    monkeypatch.setattr(report, "write", write)

    assert command.main(["--drill", "backend-killed", "--runs", "2"]) == 0
    assert [each.observed.lines for each in written[0].runs if each.observed] == [[(0.0, 3.0)]] * 2
    subject = Subject(
        drill="backend-killed", what=DRILLS["backend-killed"].what, stack="dev", namespace="shop-dev"
    )
    assert asked == [(Stores(port=1), subject)] * 2
    told = "backend-killed: not all of it was observed: metrics: nothing listens there"
    assert capsys.readouterr().out.count(told) == 1


def _changed(found: object, **changes: Any) -> object:
    return dataclasses.replace(found, **changes) if isinstance(found, Measured) else found


def test_a_drill_that_cannot_be_run_does_not_keep_the_others(
    book: Journal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert book.open() is None

    def once(which: Drill, *_: object, **__: object) -> Measured:
        if which.name == "backend-killed":
            raise CommandError(["podman"], 1, "no such container")
        return run()

    monkeypatch.setattr(runner, "run", once)
    assert command.main(["--drill", "backend-killed,dns-killed", "--runs", "2"]) == 1
    out = capsys.readouterr().out
    assert "backend-killed: run 1 came to no end: podman ended with 1 no such container" in out
    assert out.count("dns-killed on dev, run 2: 3.0 s") == 1


def test_what_could_not_be_repaired_ends_everything(book: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def once(*_: object, **__: object) -> Measured:
        book.begin(Entry(drill="backend-killed", stack="dev", facts={}))
        raise CommandError(["podman"], 1, "no such container")

    monkeypatch.setattr(runner, "run", once)
    with pytest.raises(CommandError):
        command.main(["--drill", "backend-killed,dns-killed"])
