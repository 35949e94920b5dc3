"""A silent cluster: what is stopped is started, and a busy machine is given more time."""

import os

import pytest

from tools.cluster import lifecycle, silent
from tools.cluster.handle import Cluster
from tools.toolchain.errors import UserError

from .fakes import Machine

_NODES = ("x-control-plane", "x-worker", "x-worker2")


@pytest.mark.parametrize(("status", "command"), [("paused", "unpause"), ("exited", "start")])
def test_nodes_that_do_not_run_are_set_going_by_what_their_state_needs(
    machine: Machine, standing: Cluster, status: str, command: str
) -> None:
    (machine.root / "serves").unlink()
    machine.file("status", status)

    lifecycle.up("x", standing.port)

    acted = [call for call in machine.calls("docker") if call.startswith(("start ", "unpause "))]
    assert acted == [f"{command} {node}" for node in _NODES]
    assert machine.called("docker", "rm ") == []


@pytest.mark.parametrize("status", ["paused", "exited"])
def test_nodes_that_cannot_be_set_going_are_named_and_kept(
    machine: Machine, standing: Cluster, status: str
) -> None:
    (machine.root / "serves").unlink()
    machine.file("status", status)
    machine.file("stuck")

    with pytest.raises(UserError, match=f"{', '.join(_NODES)} could not be started"):
        lifecycle.up("x", standing.port)
    assert machine.called("docker", "rm ") == []


@pytest.mark.parametrize("load", ["busy", "idle"])
def test_a_machine_that_is_busy_is_given_more_time(
    machine: Machine, standing: Cluster, monkeypatch: pytest.MonkeyPatch, load: str
) -> None:
    (machine.root / "serves").unlink()
    machine.file("dead")
    processors = os.cpu_count() or 1
    now = processors + 1.0 if load == "busy" else processors - 0.5
    monkeypatch.setattr(os, "getloadavg", lambda: (now, 0.0, 0.0))
    monkeypatch.setattr(silent, "_SECONDS", 0.0)
    monkeypatch.setattr(silent, "_BUSY_SECONDS", 60.0)
    monkeypatch.setattr(silent, "_PAUSE_SECONDS", 7.0)

    def pause(seconds: float) -> None:
        # Its nodes start while they are waited for; waits for a program pause for less.
        if seconds == silent._PAUSE_SECONDS:
            machine.file("serves", "True\nTrue\nTrue\n")

    monkeypatch.setattr("time.sleep", pause)

    if load == "busy":
        assert lifecycle.up("x", standing.port) == standing
    else:
        with pytest.raises(UserError, match="the cluster x does not answer"):
            lifecycle.up("x", standing.port)
