"""A `kind` process that outlived its command: ended first of all, and nothing else with it."""

import contextlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from tools.cluster import kind, lifecycle, record
from tools.cluster.engine import Engine
from tools.toolchain import proc, started

from .fakes import ENGINE, Begin, Machine


def _left(begin: Begin, program: str = "kind") -> int:
    """Leave what a run leaves that was killed while kind made the nodes; returns the program's number."""
    with contextlib.suppress(KeyboardInterrupt), started.recorded(record.home("x") / "started") as run:
        raise KeyboardInterrupt
    return begin(program, **run)


@pytest.mark.parametrize("command", [lifecycle.up, lambda name, _: lifecycle.down(name)])
def test_a_kind_that_a_killed_run_left_is_ended_before_anything_of_the_cluster_is_looked_at(
    docker: Machine, port: int, begin: Begin, command: Callable[[str, int], Any]
) -> None:
    carrier = Engine(command="docker", own=False, why="")
    record.write("x", {"port": port, "engine": asdict(carrier), "mark": "m1"})
    number = _left(begin)
    alive = f"grep -qa {started.VARIABLE} /proc/{number}/environ && echo alive >> $ROOT/seen"
    docker.program("docker", f"{alive}\n{ENGINE}")

    command("x", port)

    assert docker.called("docker", "ps")
    assert not (docker.root / "seen").exists(), "it could end meanwhile, or make nodes afterwards"
    assert not proc.runs(number)


def test_what_only_inherited_the_runs_name_is_left_running(begin: Begin) -> None:
    number = _left(begin, "conmon")

    kind.end_left("x")

    assert proc.runs(number)
