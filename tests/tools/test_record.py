"""A cluster's record: unfinished, so that its nodes may be deleted, or one that holds data."""

from dataclasses import asdict
from itertools import combinations

import pytest

from tools.cluster import lifecycle, record
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster

from .fakes import Machine

_PARTS = {
    "engine": asdict(Engine(command="docker", own=False, why="")),
    "identity": "5ad1",
    "kubeconfig": "in a file of its own",
}


@pytest.mark.parametrize("there", [set(parts) for size in range(4) for parts in combinations(_PARTS, size)])
def test_a_cluster_is_unfinished_only_if_it_was_begun_and_has_neither_identity_nor_kubeconfig(
    there: set[str],
) -> None:
    record.write("x", {key: value for key, value in _PARTS.items() if key in there})
    if "kubeconfig" in there:
        (record.home("x") / "kubeconfig").touch()

    assert record.is_unfinished("x") == (there == {"engine"})


def test_a_finished_cluster_that_lost_its_kubeconfig_keeps_its_nodes(
    machine: Machine, standing: Cluster
) -> None:
    standing.kubeconfig.unlink()
    (machine.root / "serves").unlink()

    lifecycle.up("x", standing.port)

    assert machine.called("docker", "rm ") == []
    assert machine.called("kind", "create cluster") == []
    assert standing.kubeconfig.exists()


def test_a_cluster_that_kind_finished_before_it_was_identified_keeps_its_nodes(
    machine: Machine, standing: Cluster
) -> None:
    record.write("x", {**record.read("x"), "identity": None, "mark": "m1"})
    machine.file("mounts", "/feastflow/m1\n")
    (machine.root / "serves").unlink()

    lifecycle.up("x", standing.port)

    assert machine.called("docker", "rm ") == []
    assert machine.called("kind", "create cluster") == []
    assert record.read("x")["identity"] == "5ad1"
