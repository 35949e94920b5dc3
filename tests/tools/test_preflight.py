"""Preflight checks: what cannot work is refused at once, before anything is compiled, built or created."""

import pytest

from tools.cli import commands
from tools.cluster import lifecycle
from tools.cluster.handle import Cluster
from tools.stacks import workspace
from tools.stacks.options import Options
from tools.toolchain.errors import UserError

from .fakes import ENGINE, Machine, with_go


def test_a_cluster_that_serves_is_asked_and_nothing_else(machine: Machine, standing: Cluster) -> None:
    lifecycle.preflight("x", standing.port)

    assert machine.calls("docker") == []


@pytest.mark.usefixtures("docker")
def test_a_port_in_use_is_refused(taken: int) -> None:
    with pytest.raises(UserError, match=f"port {taken} on 127.0.0.1 cannot be had"):
        lifecycle.preflight("x", taken)


def test_a_port_that_the_clusters_own_nodes_hold_is_none_in_use(
    machine: Machine, standing: Cluster, taken: int
) -> None:
    (machine.root / "serves").unlink()

    lifecycle.preflight(standing.name, taken)


def test_a_machine_without_go_is_refused_where_tools_are_missing(machine: Machine, port: int) -> None:
    machine.program("docker", ENGINE)
    with pytest.raises(UserError, match="there is no `go` on PATH"):
        lifecycle.preflight("x", port)

    with_go(machine, "go1.20")
    with pytest.raises(UserError, match=r"is go1\.20"):
        lifecycle.preflight("x", port)


@pytest.mark.usefixtures("docker")
def test_tools_that_are_there_need_no_go(port: int) -> None:
    lifecycle.preflight("x", port)


@pytest.mark.usefixtures("docker")
def test_up_refuses_before_it_looks_for_pulumi(
    machine: Machine, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "_ROOT", machine.file("checkout/Pulumi.dev.yaml").parent)
    machine.program("pulumi", "echo v3.200.0")

    with pytest.raises(UserError, match="cannot be had"):
        commands.up(Options(stack="dev", context=None, cluster="x", port=taken))
    assert machine.calls("pulumi") == []
