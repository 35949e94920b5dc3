"""A cluster that was made with other pins: it is used as it is, and said to be older."""

from dataclasses import asdict, replace

import pytest

from tools.cluster import addons, age, lifecycle, operator, programs, record
from tools.cluster.handle import Cluster
from tools.toolchain import cache, golang, pins

from .fakes import Machine, writes

_NODES = "x-control-plane\nx-worker\nx-worker2\n"
# `held` has what the nodes hold.
_PODMAN = """
case "$1" in
  ps) show nodes ;;
  exec) show held ;;
  inspect) echo running ;;
  save) for last; do :; done; : ;;
  image) [ "$2" != inspect ] ;;
esac
"""


@pytest.fixture
def own(machine: Machine, standing: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Return a running cluster whose nodes were made here, and whose add-ons were last applied by others."""
    machine.program("podman", _PODMAN)
    machine.file("nodes", _NODES)
    made = replace(standing, engine=replace(standing.engine, command="podman", own=True))
    record.write("x", record.read("x") | {"engine": asdict(made.engine), "addons": "those of other pins"})
    monkeypatch.setattr(age, "_kubernetes", lambda _: "1.34.4")
    cache.entry("bin", golang.digest(pins.OPERATOR_BUILD), writes(name=programs.OPERATOR.name))
    return made


def _hold(machine: Machine, *but: str) -> None:
    held = [program.image for program in programs.OF_EVERY_CLUSTER if program.name not in but]
    machine.file("held", "\n".join([*held, programs.OPERATOR.image]))


def test_a_cluster_that_holds_the_images_of_the_add_ons_is_given_them(machine: Machine, own: Cluster) -> None:
    # What came with kubeadm is no part of them.
    _hold(machine, "kube-apiserver", "etcd")

    lifecycle.up("x", own.port)

    assert machine.called("kubectl", "apply", "addons.yaml")


@pytest.mark.parametrize("lacking", ["traefik", "kube-router", "metrics-server", "local-path-provisioner"])
def test_an_older_cluster_keeps_its_add_ons_and_its_data_and_the_way_to_a_new_one_is_said(
    machine: Machine, own: Cluster, lacking: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _hold(machine, lacking)

    lifecycle.ready(lifecycle.up("x", own.port))

    said = " ".join(capsys.readouterr().out.split())
    assert machine.called("kubectl", "apply") == []
    assert machine.called("podman", "rm --force") == []
    assert "made with Kubernetes 1.34.4 and keeps it" in said
    assert f"this checkout makes {pins.KUBERNETES}" in said
    assert "begins without data: make down CLUSTER=x, then make up" in said


def test_an_operator_on_an_older_cluster_brings_its_definitions_along(machine: Machine, own: Cluster) -> None:
    _hold(machine, "traefik")

    operator.ensure(own)

    assert [call.rpartition("/")[2] for call in machine.called("kubectl", "apply")] == [
        f"{addons.DEFINITIONS_PART}.yaml",
        f"{addons.OPERATOR_PART}.yaml",
    ]


def test_an_engine_whose_nodes_pull_what_they_lack_has_no_older_cluster(standing: Cluster) -> None:
    assert not age.is_older(standing)
