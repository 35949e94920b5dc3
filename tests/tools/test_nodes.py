"""Nodes: switched off, on, drained, and back at the address that their neighbours know."""

from dataclasses import replace

import pytest

from tools.cluster import nodes
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.toolchain.errors import UserError

from .fakes import ENGINE, Machine


@pytest.fixture
def cluster(standing: Cluster) -> Cluster:
    """Return a cluster that answers."""
    return standing


def test_a_node_is_named_in_full_or_by_its_end(machine: Machine, cluster: Cluster) -> None:
    nodes.stop(cluster, "worker2")
    nodes.start(cluster, "x-worker2")
    nodes.drain(cluster, "worker")
    nodes.uncordon(cluster, "worker")

    assert machine.called("docker", "kill") == ["kill x-worker2"]
    assert machine.called("docker", "start") == ["start x-worker2"]
    assert "drain x-worker --ignore-daemonsets" in machine.called("kubectl", " drain ")[0]
    assert "uncordon x-worker" in machine.called("kubectl", "uncordon")[0]


def test_an_unknown_node_is_refused_with_those_there_are(machine: Machine, cluster: Cluster) -> None:
    with pytest.raises(UserError, match=r"no node worker9(.|\n)*by its end: control-plane, worker, worker2"):
        nodes.stop(cluster, "worker9")
    machine.file("nodes")
    with pytest.raises(UserError, match=r"make them: python -m tools\.cluster up"):
        nodes.stop(cluster, "worker")


def test_a_node_that_does_not_start_is_refused_with_how_to_see_why(
    machine: Machine, cluster: Cluster
) -> None:
    machine.file("stuck")

    with pytest.raises(UserError, match=r"x-worker2 does not start(.|\n)*docker logs x-worker2"):
        nodes.start(cluster, "worker2")


def test_a_node_that_starts_and_ends_again_is_refused(machine: Machine, cluster: Cluster) -> None:
    machine.file("numb")
    machine.file("status", "exited")

    with pytest.raises(UserError, match="x-worker2 does not start"):
        nodes.start(cluster, "worker2")


def _own(machine: Machine, cluster: Cluster, status: str) -> list[str]:
    """Start a node that the own Podman reports in that state, and return Podman's calls."""
    machine.program("podman", ENGINE)
    machine.file("status", status)
    nodes.start(replace(cluster, engine=Engine(command="podman", own=True, why="")), "worker2")
    return [call for call in machine.calls("podman") if call.split()[0] in ("network", "start")]


def test_a_stopped_node_comes_back_at_the_address_it_had(machine: Machine, cluster: Cluster) -> None:
    assert _own(machine, cluster, "exited") == [
        "network disconnect kind x-worker2",
        f"network connect --ip 10.0.0.{len('x-worker2')} kind x-worker2",
        "start x-worker2",
    ]


def test_a_stopped_node_whose_address_is_taken_gets_another_one(machine: Machine, cluster: Cluster) -> None:
    machine.file("taken")

    assert _own(machine, cluster, "exited")[-2:] == ["network connect kind x-worker2", "start x-worker2"]


def test_a_node_that_runs_is_not_taken_off_its_network(machine: Machine, cluster: Cluster) -> None:
    assert _own(machine, cluster, "running") == ["start x-worker2"]


def test_the_users_engine_gives_addresses_as_it_likes(machine: Machine, cluster: Cluster) -> None:
    nodes.start(cluster, "worker2")

    assert machine.called("docker", "network") == []
