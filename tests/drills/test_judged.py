"""The drill of a canary that is judged: its version fails as it says, and it ends as it began."""

import contextlib
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tools.drills import judged
from tools.drills.catalogue import DRILLS
from tools.telemetry import judging
from tools.telemetry.prometheus import Value
from tools.telemetry.watch import Watch
from tools.toolchain.errors import UserError

from ..surroundings import free_port
from ..tools.counting import QUERY, Counting, counters, vector
from ..tools.edge import Edge, serving
from .test_drills import _Stage, _stage

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 60

Told = Callable[[Iterator[list[Value] | None]], None]


@pytest.fixture
def edge() -> Iterator[Edge]:
    """Yield the local cluster's edge, with a store behind it that knows of no request yet."""
    with serving() as edge:
        edge.replies[QUERY] = vector(Value(labels={"figure": "edge"}, number=7))
        yield edge


@pytest.fixture
def stage(tmp_path: Path, edge: Edge) -> _Stage:
    """Return a stage behind that edge."""
    made = _stage(tmp_path)
    return replace(made, cluster=replace(made.cluster, port=edge.port))


@pytest.fixture
def told(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Return a function that has the store tell these counters, one after the other."""

    def begin(each: Iterator[list[Value] | None]) -> None:
        made = Counting(edge, each)
        timed = partial(Watch, clock=lambda: made.now, pause=made.pause)
        monkeypatch.setattr(judging, "Watch", timed)

    return begin


def _canary(stage: _Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.config()["feastflow:backend"]["release"]["canary"]
    return found


def _begun(stage: _Stage) -> tuple[judged.CanaryJudged, dict[str, Any]]:
    """Return the drill when its canary is deployed, and what the journal has."""
    drill = judged.CanaryJudged()
    first = drill.aim(stage)
    drill.prepare(stage)
    facts = json.loads(json.dumps(drill.aim(stage)))
    assert facts == first, "what is restored is what was there before it was prepared"
    drill.inject(stage, facts)
    assert drill.relief_due(stage, facts, 0.0)
    return drill, facts


def test_a_canary_that_is_worse_loses_its_requests_and_the_settings_are_restored(
    stage: _Stage, told: Told
) -> None:
    before = stage.config()
    drill, facts = _begun(stage)
    assert _canary(stage)["weight"] == 25
    assert not drill.restored(stage, facts), "it is not judged yet"
    told(counters(95 * n, 5 * n) for n in itertools.count(1))
    drill.relieve(stage, facts)

    assert _canary(stage)["weight"] == 0
    assert "5.0 % of" in facts["said"]
    assert drill.restored(stage, facts)
    DRILLS["canary-judged"]().undo(stage, json.loads(json.dumps(facts)))
    assert stage.config() == before
    assert [said for said in stage.said if said.startswith("up")] == [
        "up judged=True",
        "up judged=True",
        "up judged=False",
        "up judged=False",
    ]


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (lambda n: counters(100 * n), "0.0 % of 1,200 requests failed"),
        (lambda _: counters(0), "at least 100 requests of the canary would"),
    ],
)
def test_a_canary_that_is_not_found_worse_ends_the_drill_with_its_figures(
    stage: _Stage, told: Told, figures: Callable[[int], list[Value]], words: str
) -> None:
    before = stage.config()
    drill, facts = _begun(stage)
    told(figures(n) for n in itertools.count(1))
    with pytest.raises(UserError, match="not found worse than its limits") as caught:
        drill.relieve(stage, facts)
    drill.undo(stage, facts)

    assert words in caught.value.found
    assert stage.config() == before


def test_without_figures_of_the_edge_it_is_not_begun(stage: _Stage, edge: Edge) -> None:
    drill = judged.CanaryJudged()
    facts = drill.aim(stage)
    del edge.replies[QUERY]
    away = drill.lacking(stage)
    edge.replies[QUERY] = vector()
    empty = drill.lacking(stage)
    drill.undo(stage, facts)

    assert away
    assert empty
    assert "nothing is routed there" in away.found
    assert "no series of the edge" in empty.found
    assert "make observe" in away.fix
    assert stage.deployed == []


def test_the_demo_itself_fails_every_twentieth_request_and_no_probe(tmp_path: Path) -> None:
    port = free_port()
    log = (tmp_path / "log").open("wb")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(_ROOT / "demo" / "backend"),
        "PORT": str(port),
        "BIND_ADDRESS": "127.0.0.1",
        "DB_HOST": "127.0.0.1",
        "DB_PORT": "1",
        "JWT_SECRET": "x" * 32,
        "DRAIN_SECONDS": "8",
        "DRAIN_NOTICE_SECONDS": "0",
        **dict.fromkeys(("DB_NAME", "DB_USER", "DB_PASSWORD"), "x"),
    }
    command = [sys.executable, "-c", judged.FAILS]
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:  # noqa: S603 - the demo
        try:
            _until_it_listens(process, port)
            # Its own answer to GET there needs no database.
            answers = Counter(_status(port, "/api/orders") for _ in range(100))
            probes = Counter(_status(port, "/api/health") for _ in range(40))
        finally:
            process.terminate()
            process.wait(15)

    assert answers == {405: 95, 500: 5}, (tmp_path / "log").read_text()
    assert probes == {200: 40}
    assert process.returncode == 0


def _until_it_listens(process: "subprocess.Popen[bytes]", port: int) -> None:
    ended = time.monotonic() + _START_SECONDS
    while time.monotonic() < ended and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError("the demo does not start")


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
