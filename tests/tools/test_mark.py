"""Ownership of nodes by the recorded run's mark, whatever their name, after any kill."""

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.cluster import engine, kind, lifecycle, mark, record
from tools.cluster.engine import Engine
from tools.toolchain import process
from tools.toolchain.errors import UserError

from .fakes import ENGINE, Machine, with_kind

_NODES = "x-control-plane\nx-worker\nx-worker2\n"
_ENDED = 9


def _foreign(machine: Machine) -> None:
    """Put the whole nodes of another state folder's cluster of that name on the machine."""
    machine.file("nodes", _NODES)
    machine.file("mounts", "/images\n/feastflow/another\n")


def _begun(machine: Machine, port: int) -> None:
    """Leave what a run does that was killed when it had recorded that it begins."""
    assert _killed(lambda: lifecycle.up("x", port), _before("create cluster"))
    assert record.is_unfinished("x")
    assert not (machine.root / "nodes").exists()


def _before(words: str) -> Callable[[int, str], bool]:
    return lambda _, what: words in what


def _number(wanted: int) -> Callable[[int, str], bool]:
    return lambda count, _: count == wanted


def _killed(work: Callable[[], Any], at: Callable[[int, str], bool]) -> bool:
    """Do the work in a process that ends, with no handler run, where `at` says so; returns whether it did.

    The steps are the commands and the writes of the record; each has a boundary before and one after it.
    """
    child = os.fork()
    if not child:
        _die_at(at)
        try:
            work()
        except BaseException:  # noqa: BLE001 - a copy of the test must never return
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, _ENDED)
    return code == _ENDED


def _die_at(at: Callable[[int, str], bool]) -> None:
    count = 0

    def step(real: Callable[..., Any]) -> Callable[..., Any]:
        def boundary(what: str) -> None:
            nonlocal count
            count += 1
            if at(count, what):
                os._exit(_ENDED)

        def called(*arguments: Any, **named: Any) -> Any:
            words = arguments[0] if isinstance(arguments[0], list) else map(str, arguments)
            what = f"{real.__name__} {' '.join(words)}"
            boundary(what)
            done = real(*arguments, **named)
            boundary(f"after {what.replace('create cluster', '')}")
            return done

        return called

    for name in ("output", "answers", "stream"):
        setattr(process, name, step(getattr(process, name)))
    record.write = step(record.write)
    Path.unlink = step(Path.unlink)  # type: ignore[method-assign]
    Path.rename = step(Path.rename)  # type: ignore[method-assign]


def _deleted(machine: Machine) -> list[str]:
    return [*machine.called("docker", "rm --force"), *machine.called("docker", "volume rm")]


def test_the_mark_is_recorded_before_kind_and_on_every_node_that_it_is_told_to_make(
    docker: Machine, port: int
) -> None:
    _begun(docker, port)
    begun = record.read("x")["mark"]
    lifecycle.up("x", port)

    made = record.read("x")["mark"]
    config = yaml.safe_load((record.home("x") / "kind.yaml").read_text())
    for node in config["nodes"]:
        (bears,) = [mount for mount in node["extraMounts"] if mount["containerPath"] == mark.place(made)]
        assert bears["readOnly"]
        assert Path(bears["hostPath"]).is_dir()
    assert made != begun, "each run has its own"


@pytest.mark.usefixtures("docker")
def test_kind_is_told_to_leave_what_it_made_since_it_would_delete_by_name(
    machine: Machine, port: int
) -> None:
    lifecycle.up("x", port)

    (call,) = machine.called("kind", "create cluster")
    assert "--retain" in call


def test_nodes_that_another_folder_made_since_a_run_was_killed_are_neither_deleted_nor_taken_over(
    docker: Machine, port: int
) -> None:
    _begun(docker, port)
    _foreign(docker)

    with pytest.raises(UserError, match=r"XDG_STATE_HOME(.|\n)*docker rm --force --volumes x-control-plane"):
        lifecycle.up("x", port)
    assert _deleted(docker) == []
    assert docker.called("docker", "start") == []
    assert docker.called("kind", "get kubeconfig") == []
    assert lifecycle.identities("x") == set()


@pytest.mark.parametrize("known", ["a run that was killed", "a deleted cluster"])
def test_down_deletes_no_nodes_that_its_record_did_not_make(docker: Machine, port: int, known: str) -> None:
    if known == "a run that was killed":
        _begun(docker, port)
    elif known == "a deleted cluster":
        lifecycle.up("x", port)
    _foreign(docker)

    with pytest.raises(UserError, match="docker rm --force --volumes x-control-plane x-worker x-worker2"):
        lifecycle.down("x")
    assert _deleted(docker) == []


def test_a_cluster_that_is_gone_is_not_made_again_of_anothers_nodes_with_its_name(
    docker: Machine, port: int
) -> None:
    lifecycle.up("x", port)
    (docker.root / "serves").unlink()
    _foreign(docker)

    with pytest.raises(UserError, match="another state folder may know it"):
        lifecycle.up("x", port)
    assert docker.called("docker", "start") == []
    assert _deleted(docker) == []


def test_the_command_that_gives_up_nodes_of_the_own_engine_reaches_that_engine() -> None:
    own = Engine(command="podman", own=True, why="", environment={"CONTAINERS_CONF": "/a b/c.conf"})

    assert mark.removal(own, ["n"]) == "env 'CONTAINERS_CONF=/a b/c.conf' podman rm --force --volumes n"


def test_the_volumes_of_a_node_that_is_anothers_stay(machine: Machine) -> None:
    machine.file("nodes", "x-worker\n")
    machine.program(
        "podman",
        'case "$1" in ps) show nodes ;; inspect) echo /feastflow/another ;;\n'
        '  volume) echo of-"${5#label=}" ;;\n'
        "esac",
    )
    record.write("x", {"mark": "mine"})
    carrier = Engine(command="podman", own=True, why="")
    lifecycle._delete(carrier, "x", mark.own(carrier, "x"))

    assert machine.called("podman", "rm --force") == []
    assert machine.called("podman", "volume rm") == [
        "volume rm of-x-control-plane",
        "volume rm of-x-worker2",
    ]


@pytest.fixture
def own(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return the own Podman, with the nodes of a cluster on this state folder's network."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in engine._COMMANDS:
        machine.program(name)
    machine.program("podman", ENGINE)
    with_kind(machine)
    carrier = engine.own()
    machine.file("nodes", _NODES)
    machine.file("mounts", "/images\n/feastflow/earlier\n")
    machine.file("networks", f"{carrier.network}\n")
    return carrier


_RECORDS: dict[str, Callable[[Engine], str]] = {
    "lost": lambda _: "",
    "torn": lambda _: '{"port": 8080, "eng',
    "of a run that was killed": lambda own: json.dumps({"engine": asdict(own), "mark": "later"}),
}


@pytest.mark.parametrize("known", _RECORDS)
def test_down_deletes_all_nodes_of_its_name_that_were_made_from_here_though_the_record_is_of_no_use(
    machine: Machine, own: Engine, port: int, known: str
) -> None:
    (record.home("x") / "cluster.json").write_text(_RECORDS[known](own), encoding="utf-8")
    with pytest.raises(UserError, match=r"made from here(.|\n)*give up all they hold: make down CLUSTER=x$"):
        lifecycle.up("x", port, own)
    assert machine.called("podman", "rm --force") == []

    lifecycle.down("x")

    assert [call.split()[-1] for call in machine.called("podman", "rm --force")] == _NODES.split()


@pytest.mark.usefixtures("own")
def test_nodes_of_another_state_folder_in_the_own_engines_store_are_not_deleted_by_down(
    machine: Machine,
) -> None:
    machine.file("networks", "feastflow-of-another\n")

    with pytest.raises(
        UserError, match=r"env CONTAINERS_CONF=.* podman rm --force --volumes x-control-plane"
    ):
        lifecycle.down("x")
    assert machine.called("podman", "rm --force") == []


@pytest.mark.usefixtures("standing")
def test_a_finished_cluster_of_an_earlier_version_has_no_nodes_that_bear_a_mark(docker: Machine) -> None:
    _foreign(docker)

    with pytest.raises(UserError, match="another state folder may know it"):
        lifecycle.down("x")
    assert _deleted(docker) == []


@pytest.mark.parametrize("meanwhile", ["nothing", "another folder makes a cluster of that name"])
def test_a_kill_at_any_step_of_making_a_cluster_leaves_nothing_half_owned(
    docker: Machine, port: int, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    steps = 0
    while True:
        monkeypatch.setenv("XDG_STATE_HOME", str(docker.root / f"state{steps}"))
        for name in ("nodes", "mounts", "serves"):
            (docker.root / name).unlink(missing_ok=True)
        if not _killed(lambda: lifecycle.up("x", port), _number(steps + 1)):
            break
        steps += 1
        if meanwhile == "nothing":
            made = lifecycle.up("x", port)
            assert record.read("x")["identity"] == "5ad1", steps
            assert mark.own(made.engine, "x") == made.nodes() == _NODES.split(), steps
        else:
            # A process that the killed run left still creates nodes.
            kind.end_left("x")
            (docker.root / "serves").unlink(missing_ok=True)
            _foreign(docker)
            docker.file("docker.calls")
            with contextlib.suppress(UserError):
                lifecycle.up("x", port)
            with contextlib.suppress(UserError):
                lifecycle.down("x")
            assert _deleted(docker) == docker.called("docker", "start") == [], steps
            assert (docker.root / "nodes").read_text() == _NODES, steps
    assert steps > 20, "the steps are seen"
