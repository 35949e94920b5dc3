"""`make bench`: what may be asked, what is deleted first, and its exit code."""

from pathlib import Path

import pytest

from tools.bench import __main__ as command
from tools.bench import place, runner
from tools.cluster.handle import Cluster
from tools.toolchain import pins
from tools.toolchain.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BENCH", "AGAINST", "RUNS", "CLUSTER", "CONTEXT"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_name_everything_is_measured_against_everything() -> None:
    chosen = command._read([])

    assert tuple(chosen.benches) == command.BENCHES
    assert chosen.against == ["kubectl", "judged", "helm", "tofu"]
    assert (chosen.runs, chosen.cluster) == (3, "feastflow")


def test_the_environment_chooses_as_make_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BENCH": "first-up, stacks", "AGAINST": "helm", "RUNS": "1"}.items():
        monkeypatch.setenv(name, value)

    chosen = command._read([])

    assert (chosen.benches, chosen.against, chosen.runs) == (["first-up", "stacks"], ["helm"], 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--context", "prod"], "never touches a cluster of yours"),
        (["--bench", "latency"], "BENCH names latency"),
        (["--against", "terraform"], "take one or several of: kubectl, judged, helm, tofu"),
        (["--runs", "0"], "a whole number from 1 to 20"),
        (["--runs", "many"], "RUNS is 'many'"),
        (["--cluster", "No Name"], "nodes are named after it"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as refused:
        command._read(arguments)

    assert message in str(refused.value)


def test_only_what_is_asked_for_is_looked_for() -> None:
    assert command._contenders(command._read(["--bench", "stacks,profile"]), None) == {}  # type: ignore[arg-type]


def test_what_an_earlier_run_left_is_deleted_first(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    monkeypatch.setattr(place, "left", lambda _: ["feastflow-bench-helm"])
    monkeypatch.setattr(place, "remove", lambda _, names: removed.extend(names))

    command._tidy(_no_cluster())

    assert removed == ["feastflow-bench-helm"]


def test_the_page_names_every_bench_and_every_tool() -> None:
    text = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")

    assert {name for name in (*command.BENCHES, *command._AGAINST) if f"`{name}`" not in text} == set()
    assert command.BENCHES[:4] == runner.BENCHES


def test_no_first_up_compiles_what_is_only_measured() -> None:
    assert not set(map(repr, pins.BENCH_BUILDS)) & set(map(repr, pins.ALL_BUILDS))
    assert not set(map(repr, pins.BENCH_BUILDS)) & set(map(repr, pins.TEST_BUILDS))


def _no_cluster() -> Cluster:
    return None  # type: ignore[return-value]
