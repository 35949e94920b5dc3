"""Canaries in `make up`: judged by a store's figures, withdrawn when worse, and never left without a word."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.cli import commands
from tools.cluster.handle import Cluster
from tools.stacks import smoke
from tools.stacks.releases import Releases
from tools.stacks.target import Target
from tools.telemetry import judging
from tools.telemetry.prometheus import Value
from tools.telemetry.watch import Watch
from tools.toolchain import cache
from tools.toolchain.errors import UserError

from .counting import QUERY, Counting, counters, vector
from .edge import Edge, Reply, serving
from .fakes import Machine
from .test_commands import THEIRS

_PULUMI = """
case "$*" in
  version) echo v3.200.0 ;;
  *" export "*) echo '{}' ;;
  *" output "*)
    told=$(cat "$ROOT/digest" 2>/dev/null || :)
    echo '{"url": "http://x", "configuration": "'"$told"'", "commands":
      {"pods": "", "backendLogs": "", "psql": ""}}' ;;
  *" up "*) [ ! -e "$ROOT/error" ] || exit 1 ;;
esac
"""
_WORSE = [counters(38 * n, 2 * n) for n in range(1, 40)]
_GOOD = [counters(20 * n) for n in range(1, 40)]
_QUIET = [counters(0) for n in range(1, 40)]

Told = Callable[[list[list[Value]]], Counting]


def _write(checkout: Path, **canary: Any) -> None:
    """Have a stack with this canary; without anything it has none."""
    version = {"image": "api:2", "weight": 20, "judge": {"seconds": 60}, **canary}
    release = {"strategy": "canary", **({"canary": version} if canary else {})}
    config = {
        "feastflow:namespace": "shop-dev",
        "feastflow:backend": {"image": "api:1", "release": release},
        "feastflow:frontend": {"image": "page:1"},
    }
    (checkout / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))


@pytest.fixture
def edge(machine: Machine, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    """Yield the edge with the store that METRICS names, and a stack with a canary on a cluster of theirs."""
    machine.program("pulumi", _PULUMI)
    monkeypatch.setattr(smoke, "check", lambda *_, **__: "the page")
    _write(checkout, weight=20)
    with serving() as edge:
        monkeypatch.setenv("METRICS", f"http://metrics.localhost:{edge.port}/")
        yield edge


@pytest.fixture
def told(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Return a function that has the store tell these counters, one after the other."""

    def begin(each: list[list[Value]]) -> Counting:
        made = Counting(edge, iter(each))
        timed = partial(Watch, clock=lambda: made.now, pause=made.pause)
        monkeypatch.setattr(judging, "Watch", timed)
        return made

    return begin


def _settings() -> dict[str, Any]:
    path = cache.state_home() / "workspaces" / "uid-1" / "Pulumi.dev.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text())["config"]
    return found


def _weight() -> int:
    return int(_settings()["feastflow:backend"]["release"]["canary"]["weight"])


def _releases() -> Releases:
    return Releases(folder=cache.state_home() / "workspaces" / "uid-1" / "releases" / "dev")


def _numbered() -> list[str]:
    return sorted(path.name for path in _releases().folder.glob("[0-9]*.yaml"))


def test_a_worse_canary_gets_no_requests_any_more_and_up_fails_with_its_figures(
    machine: Machine, told: Told
) -> None:
    told(_WORSE)
    with pytest.raises(UserError) as caught:
        commands.up(THEIRS)

    assert "worse than release.canary.judge allows" in caught.value.found
    assert "5.0 % of 120 requests failed" in caught.value.found
    assert "its weight is 0" in caught.value.why
    assert "make logs CONTEXT=theirs" in caught.value.fix
    first, second = machine.called("pulumi", " up ")
    assert "--policy-pack" in first
    assert "--skip-preview" in second
    assert _weight() == 0
    assert _settings()["feastflow:backend"]["release"]["canary"]["judge"] == {"seconds": 60}
    assert _releases().deployed() == _settings()
    assert _numbered() == [], "it is no release that worked"


def test_what_was_withdrawn_is_judged_again_by_the_next_up(told: Told) -> None:
    told(_WORSE)
    with pytest.raises(UserError):
        commands.up(THEIRS)
    told(_GOOD)
    commands.up(THEIRS)

    assert _weight() == 20
    assert _numbered() == ["000001.yaml"]


def test_a_good_canary_is_not_watched_again_and_needs_no_store_then(
    told: Told, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = told(_GOOD)
    commands.up(THEIRS)
    assert made.now == 60
    asked = len(edge.asked)
    monkeypatch.delenv("METRICS")
    commands.up(THEIRS)

    assert len(edge.asked) == asked
    assert _numbered() == ["000001.yaml"]


def test_a_canary_that_was_gone_meanwhile_is_judged_again(told: Told, checkout: Path) -> None:
    told(_GOOD)
    commands.up(THEIRS)
    _write(checkout)
    commands.up(THEIRS)
    _write(checkout, weight=20)
    made = told(_GOOD)
    commands.up(THEIRS)

    assert made.now == 60


@pytest.mark.parametrize("change", [{"weight": 30}, {"image": "api:3"}, {"judge": {"seconds": 90}}])
def test_another_canary_is_judged(told: Told, checkout: Path, change: dict[str, Any]) -> None:
    told(_GOOD)
    commands.up(THEIRS)
    _write(checkout, **change)
    made = told(_GOOD)
    commands.up(THEIRS)

    assert made.now >= 60


@pytest.mark.parametrize("change", [{"weight": 0}, {"judge": None}])
def test_a_canary_without_requests_or_limits_is_not_judged(
    edge: Edge, checkout: Path, change: dict[str, Any]
) -> None:
    _write(checkout, **change)
    commands.up(THEIRS)

    assert edge.asked == []


def test_a_canary_without_requests_is_not_judged_and_gets_none_later_either(told: Told) -> None:
    told(_QUIET)
    with pytest.raises(UserError, match="the canary is not judged") as caught:
        commands.up(THEIRS)

    assert "at least 100 requests of the canary would" in caught.value.found
    assert "see that requests come" in caught.value.fix
    assert _weight() == 0


def test_a_store_that_goes_away_meanwhile_leaves_the_canary_without_requests(told: Told) -> None:
    made = told(_GOOD)
    made.counters = itertools.repeat(None)
    with pytest.raises(UserError, match=r"not judged\n?.*the store of metrics: it answered 503"):
        commands.up(THEIRS)

    assert _weight() == 0


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(status=404, body=b"404 page not found\n"), "nothing is routed to one"),
        (Reply(status=503), "it answered 503"),
        (Reply(status=422, body=b"\x1b[2Jno such query"), "no such query"),
        (Reply(body=b"<html>"), "its answer cannot be read"),
        (vector(), "no series of the edge"),
    ],
)
def test_without_figures_up_is_refused_before_anything_changes(
    machine: Machine, edge: Edge, reply: Reply, words: str
) -> None:
    edge.replies[QUERY] = reply
    with pytest.raises(UserError) as caught:
        commands.up(THEIRS)

    assert words in caught.value.found
    assert "\x1b" not in str(caught.value)
    assert "nothing was changed" in caught.value.why
    assert machine.called("pulumi", " up ") == []
    assert _releases().deployed() == {}


def test_on_a_cluster_of_the_users_the_store_must_be_named(
    machine: Machine, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS", "")
    with pytest.raises(UserError, match="nothing says where the figures of theirs are") as caught:
        commands.up(THEIRS)

    assert "make up CONTEXT=theirs METRICS=https://prometheus.example.com" in caught.value.fix
    assert machine.called("pulumi", " up ") == []
    assert edge.asked == []


@pytest.mark.parametrize(
    "url",
    ["prometheus:9090", "ftp://p", "http://", "http://u:word@p", "http://p?q=1", "http://p#f", "http://p:x"],
)
def test_a_store_that_cannot_be_asked_so_is_refused_before_the_cluster_is_asked(
    machine: Machine, edge: Edge, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("METRICS", url)
    with pytest.raises(UserError, match="METRICS is no plain URL") as caught:
        commands.up(THEIRS)

    assert "word" not in caught.value.found
    assert machine.calls("kubectl") == []
    assert edge.asked == []


def test_where_nothing_is_judged_the_variable_is_not_looked_at(
    checkout: Path, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(checkout)
    monkeypatch.setenv("METRICS", "1")
    commands.up(THEIRS)

    assert edge.asked == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_watch_that_is_cut_off_says_how_things_stand_and_begins_again_with_the_next_up(
    machine: Machine, told: Told, capsys: pytest.CaptureFixture[str], kind: type[BaseException]
) -> None:
    made = told(_GOOD)

    def cut_off() -> Iterator[list[Value]]:
        yield counters(20)
        raise kind

    made.counters = cut_off()
    with pytest.raises(kind):
        commands.up(THEIRS)
    assert "is not judged and keeps its requests" in capsys.readouterr().out
    assert len(machine.called("pulumi", " up ")) == 1
    assert _weight() == 20

    told(_WORSE)
    with pytest.raises(UserError, match="worse than"):
        commands.up(THEIRS)
    assert _weight() == 0


def test_a_release_that_was_cut_off_while_it_was_watched_can_be_taken_back(
    told: Told, checkout: Path
) -> None:
    _write(checkout)
    commands.up(THEIRS)
    _write(checkout, weight=20)
    made = told(_GOOD)

    def cut_off() -> Iterator[list[Value]]:
        yield counters(20)
        raise KeyboardInterrupt

    made.counters = cut_off()
    with pytest.raises(KeyboardInterrupt):
        commands.up(THEIRS)
    commands.rollback(THEIRS)

    assert "canary" not in _settings()["feastflow:backend"]["release"]


@pytest.mark.parametrize("figures", [_WORSE, _GOOD])
def test_what_another_machine_has_deployed_meanwhile_is_left_as_it_is(
    machine: Machine, told: Told, figures: list[list[Value]]
) -> None:
    machine.file("digest", "ours")
    made = told(figures)
    rest = made.counters

    def overtaken() -> Iterator[list[Value] | None]:
        yield next(rest)
        machine.file("digest", "theirs")
        yield from rest

    made.counters = overtaken()
    with pytest.raises(UserError, match="deployed from another machine while") as caught:
        commands.up(THEIRS)

    assert ("5.0 %" in caught.value.found) == (figures is _WORSE)
    assert len(machine.called("pulumi", " up ")) == 1
    assert _releases().judged() == {}


def test_a_weight_that_cannot_be_changed_is_told_with_the_figures(machine: Machine, told: Told) -> None:
    made = told(_WORSE)
    rest = made.counters

    def broken() -> Iterator[list[Value] | None]:
        yield next(rest)
        machine.file("error")
        yield from rest

    made.counters = broken()
    with pytest.raises(UserError, match="could not be set to 0") as caught:
        commands.up(THEIRS)

    assert "5.0 % of 120 requests failed" in caught.value.found
    assert "gets its part of the requests still" in caught.value.why
    assert "make rollback CONTEXT=theirs" in caught.value.fix
    assert _releases().judged() == {}


def test_a_second_terminal_waits_until_the_canary_is_judged(
    machine: Machine, told: Told, checkout: Path
) -> None:
    _write(checkout)
    commands.up(THEIRS)
    _write(checkout, weight=20)
    made = told(_GOOD)
    rest = made.counters
    second = threading.Thread(target=commands.rollback, args=[THEIRS])

    def meanwhile() -> Iterator[list[Value] | None]:
        yield next(rest)
        second.start()
        second.join(0.05)
        assert second.is_alive()
        assert len(machine.called("pulumi", " up ")) == 2
        yield from rest

    made.counters = meanwhile()
    commands.up(THEIRS)
    second.join(30)

    assert not second.is_alive()
    assert "canary" not in _settings()["feastflow:backend"]["release"], "the release before is deployed"


def test_on_the_local_cluster_its_own_store_is_asked(
    standing: Cluster, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METRICS")
    cluster = replace(standing, port=edge.port)
    local = Target(context="kind-x", kubeconfig=None, kubectl=Path("kubectl"), identity="1", local=cluster)
    config = _config({"image": "api:2", "judge": {}})
    releases = Releases(folder=Path(cache.state_home()) / "releases")
    with pytest.raises(UserError, match="nothing is routed to one") as caught:
        judging.begin(local, releases, config, "")
    assert "make observe" in caught.value.fix

    edge.replies[QUERY] = vector(Value(labels={"figure": "edge"}, number=1))
    (watched,) = judging.begin(local, releases, config, "").watched
    assert (watched.namespace, watched.service, watched.port) == ("shop-dev", "feastflow-backend", 8081)


def _config(canary: object) -> dict[str, Any]:
    backend = {"port": 8081, "release": {"strategy": "canary", "canary": canary}}
    return {"feastflow:namespace": "shop-dev", "feastflow:backend": backend}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"feastflow:backend": None},
        {"feastflow:backend": {"release": "canary"}},
        {"feastflow:backend": {"port": "x", "release": {"canary": {"judge": {}}}}},
        _config({"judge": {"seconds": 1}}),
        _config(None),
        {"feastflow:database": {"release": {"canary": {"judge": {}}}}},
    ],
)
def test_what_is_no_canary_or_cannot_be_read_is_left_to_the_program(config: dict[str, Any]) -> None:
    assert judging.canaries(config) == ()
