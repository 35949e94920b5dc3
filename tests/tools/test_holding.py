"""The end of a cluster whose stack another process holds: waited for, and refused while it works."""

import io
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from tools.cli import commands
from tools.cluster import record
from tools.stacks import holding
from tools.stacks.options import Options
from tools.toolchain import cache, turn
from tools.toolchain.errors import UserError

from .fakes import Begin, Machine

pytestmark = pytest.mark.usefixtures("checkout", "standing")

_LOCAL = Options(stack="dev", context=None, cluster="x", port=8080)


@pytest.fixture
def state() -> Path:
    """Return the files with the stacks' state of the cluster."""
    return cache.state_home() / "stacks" / "5ad1"


def _lock(state: Path, process: int) -> None:
    path = state / ".pulumi" / "locks" / "organization" / "feastflow" / "dev" / "1.json"
    path.parent.mkdir(parents=True)
    owner = {"pid": process, "username": "ann", "hostname": socket.gethostname()}
    path.write_text(json.dumps({**owner, "timestamp": "2026-11-23T09:00:00Z"}), encoding="utf-8")


def test_a_cluster_is_not_deleted_while_a_process_writes_the_state_of_a_stack_of_it(
    machine: Machine, state: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "PATIENCE_SECONDS", 0.02)
    owner = begin("pulumi-of-another")
    _lock(state, owner)

    with pytest.raises(UserError, match=f"process {owner}, since .*, on dev"):
        commands.down(_LOCAL)

    assert machine.called("docker", "rm ") == []
    assert record.read("x")["identity"] == "5ad1"
    assert state.exists()


def test_a_cluster_is_deleted_when_the_last_process_that_held_a_stack_of_it_has_ended(
    machine: Machine, state: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not capsys: what another thread writes between its reading and its truncating is lost.
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    owner = begin("pulumi-of-another")
    _lock(state, owner)
    work = threading.Thread(target=commands.down, args=[_LOCAL])
    work.start()
    while work.is_alive() and f"process {owner}" not in said.getvalue():
        work.join(0.01)
    assert f"process {owner}" in said.getvalue(), "it says whom it waits for"
    assert machine.called("docker", "rm ") == []

    os.kill(owner, signal.SIGKILL)
    work.join(30)

    assert len(machine.called("docker", "rm --force")) == 3
    assert not state.exists()


def test_a_lock_that_a_dead_process_left_keeps_no_cluster(state: Path) -> None:
    _lock(state, 2**22 + 1)

    holding.wait_for_all("5ad1")

    assert list((state / ".pulumi" / "locks").rglob("*.json")) == []
