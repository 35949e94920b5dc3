"""The cluster: made, repaired or refused by what answers, never by what a file or an engine records."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tools.cluster import handle, lifecycle, record
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.toolchain import cache, pins
from tools.toolchain.errors import UserError

from .fakes import Machine, with_kind

pytestmark = pytest.mark.usefixtures("docker")


def _file(name: str) -> Path:
    return cache.state_home() / "clusters" / "x" / name


def _dies(machine: Machine) -> None:
    """Switch the machine off and on again: processes end, files stay."""
    (machine.root / "serves").unlink()


def test_a_port_in_use_is_refused_before_anything_is_made(machine: Machine, taken: int) -> None:
    with pytest.raises(UserError) as caught:
        lifecycle.up("x", taken)

    assert f"port {taken} on 127.0.0.1 cannot be had: Address already in use" in caught.value.found
    assert f"ss -ltnp 'sport = :{taken}'" in caught.value.fix
    assert f"make up PORT={taken + 1}" in caught.value.fix
    assert machine.calls("kind") == []


def test_a_cluster_is_made_with_its_edge_on_the_port_and_a_kubeconfig_of_its_own(
    machine: Machine, port: int
) -> None:
    made = lifecycle.up("x", port)

    (call,) = machine.called("kind", "create")
    assert call.startswith("create cluster --name x ")
    assert f"--kubeconfig {_file('kubeconfig')}" in call
    assert "--image" not in call
    config = yaml.safe_load(_file("kind.yaml").read_text())
    assert config["nodes"][0]["extraPortMappings"][0]["hostPort"] == port
    assert config["nodes"][0]["extraPortMappings"][0]["listenAddress"] == "127.0.0.1"
    assert _file("kubeconfig").stat().st_mode & 0o777 == 0o600
    assert made.nodes() == ["x-control-plane", "x-worker", "x-worker2"]
    assert machine.called("kubectl", "apply --server-side")


def test_add_ons_are_applied_once_while_the_workers_join(machine: Machine, port: int) -> None:
    joins = machine.file("joins")
    lifecycle.up("x", port)

    assert not joins.exists(), "kind went on when they were applied"
    assert len(machine.called("kubectl", "apply --server-side", "addons.yaml")) == 1


def test_add_ons_that_the_control_plane_did_not_take_yet_are_applied_when_the_cluster_is_there(
    machine: Machine, port: int
) -> None:
    machine.file("unready")
    lifecycle.up("x", port)

    refused, applied = machine.called("kubectl", "apply --server-side", "addons.yaml")
    assert str(_file("kubeconfig")) + " " not in refused
    assert str(_file("kubeconfig")) + " " in applied


def test_a_cluster_that_answers_is_neither_made_nor_changed(machine: Machine, port: int) -> None:
    made = lifecycle.up("x", port)
    lifecycle.ready(made)
    machine.file("kubectl.calls")

    assert lifecycle.up("x", port) == made
    assert len(machine.called("kind", "create")) == 1
    assert machine.called("docker", "network") == []
    assert machine.called("docker", "start") == []
    assert machine.called("kubectl", "get nodes") == machine.calls("kubectl")


def test_a_stopped_node_of_a_cluster_that_answers_is_started(machine: Machine, standing: Cluster) -> None:
    machine.file("serves", "True\nFalse\nTrue\n")

    lifecycle.up("x", standing.port)

    assert "start x-worker" in machine.calls("docker")
    assert machine.calls("kind") == []


def test_add_ons_that_were_not_seen_available_are_awaited_again(machine: Machine, port: int) -> None:
    made = lifecycle.up("x", port)
    broken = machine.file("broken")
    with pytest.raises(UserError, match=r"timed out waiting(.|\n)*get pods -A"):
        lifecycle.ready(made)
    broken.unlink()
    machine.file("kubectl.calls")

    lifecycle.ready(lifecycle.up("x", port))
    assert machine.called("kubectl", "rollout status")
    machine.file("kubectl.calls")
    lifecycle.usable(made)
    lifecycle.ready(made)
    assert machine.called("kubectl", "rollout status") == []


def test_the_record_of_a_cluster_that_is_gone_is_not_believed(machine: Machine, standing: Cluster) -> None:
    _dies(machine)
    machine.file("nodes")

    lifecycle.up("x", standing.port)

    assert machine.called("docker", "start") == []
    assert len(machine.called("kind", "create cluster")) == 1


def test_nodes_that_only_stopped_are_started_again_and_keep_what_they_had(
    machine: Machine, standing: Cluster
) -> None:
    _dies(machine)

    lifecycle.up("x", standing.port)

    assert machine.called("docker", "start") == ["start x-control-plane", "start x-worker", "start x-worker2"]
    assert machine.calls("kind") == []


def test_a_cluster_that_stays_silent_is_refused_with_what_was_seen_and_kept(
    machine: Machine, standing: Cluster
) -> None:
    _dies(machine)
    machine.file("dead")

    with pytest.raises(UserError) as caught:
        lifecycle.up("x", standing.port)

    for word in ("x-control-plane: container", "x-worker2: container", "machine: load"):
        assert word in caught.value.found
    assert "make down CLUSTER=x" in caught.value.fix
    for command in ("rm ", "volume rm"):
        assert machine.called("docker", command) == []
    assert machine.called("kind", "create cluster") == []


def test_a_cluster_that_a_kind_which_was_cut_off_never_finished_is_recreated(
    machine: Machine, standing: Cluster
) -> None:
    record.write("x", {**record.read("x"), "identity": None, "mark": "m1"})
    machine.file("mounts", "/images\n/feastflow/m1\n")
    _file("kubeconfig").unlink()
    _dies(machine)

    lifecycle.up("x", standing.port)

    assert machine.called("docker", "start") == []
    assert len(machine.called("kind", "create cluster")) == 1


@pytest.mark.parametrize("alive", ["alive", "only stopped"])
def test_a_cluster_keeps_the_port_it_was_made_with(machine: Machine, standing: Cluster, alive: str) -> None:
    port = standing.port
    if alive != "alive":
        _dies(machine)

    with pytest.raises(UserError, match=f"edge on port {port}, not 1(.|\n)*PORT={port}"):
        lifecycle.up("x", 1)
    found = lifecycle.find("x")
    assert found is not None
    assert found.port == port


def test_a_kind_that_fails_leaves_no_nodes_and_one_message(machine: Machine, port: int) -> None:
    machine.file("kind.error", "ERROR: failed to create cluster: could not pull image")

    with pytest.raises(UserError) as caught:
        lifecycle.up("x", port)

    assert "could not pull image" in caught.value.found
    assert str(cache.home() / "logs" / "kind.log") in caught.value.fix
    assert (machine.root / "nodes").read_text() == ""


def test_down_removes_what_an_interrupted_up_left(
    machine: Machine, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        machine.file("nodes", "x-control-plane\n")
        machine.file("mounts", f"/feastflow/{record.read('x')['mark']}\n")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tools.toolchain.process.stream", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lifecycle.up("x", port)
    lifecycle.down("x")

    assert (machine.root / "nodes").read_text() == ""
    assert not _file("cluster.json").exists()


def test_down_says_which_state_is_no_longer_needed(machine: Machine, port: int) -> None:
    assert lifecycle.down("x") == set()
    lifecycle.up("x", port)
    _dies(machine)

    assert lifecycle.down("x") == {"5ad1"}


def test_down_needs_no_tools_and_leaves_no_record(machine: Machine, standing: Cluster) -> None:
    (standing.tools / "kind").unlink()

    lifecycle.down("x")

    assert (machine.root / "nodes").read_text() == ""
    assert lifecycle.find("x") is None
    assert list(_file("").iterdir()) == []


def test_down_of_nothing_does_nothing(machine: Machine) -> None:
    lifecycle.down("x")

    assert machine.calls("docker") == []


def test_of_an_engine_that_is_the_users_only_the_clusters_own_containers_are_touched(
    machine: Machine, standing: Cluster
) -> None:
    lifecycle.down(standing.name)

    listings = machine.called("docker", "ps")
    assert set(listings) == {"ps --all --filter label=io.x-k8s.kind.cluster=x --format {{.Names}}"}
    assert machine.called("docker", "network") == []
    assert machine.called("docker", "prune") == []


@pytest.mark.parametrize("text", ["", '{"port": 80', "{}", '{"port": 1, "engine": {"cmd": "docker"}}', "[]"])
def test_a_torn_record_or_one_of_another_version_is_no_record(text: str) -> None:
    _file("").mkdir(parents=True)
    _file("cluster.json").write_text(text)

    assert lifecycle.find("x") is None
    assert lifecycle.down("x") == set()


def test_a_record_without_its_tools_is_no_cluster(standing: Cluster) -> None:
    (standing.tools / "kubectl").write_text("torn")

    assert lifecycle.find("x") is None
    assert json.loads(_file("cluster.json").read_text())["port"] == standing.port


def test_nodes_that_nothing_is_known_of_are_not_deleted(machine: Machine, port: int) -> None:
    machine.file("nodes", "x-control-plane\nx-worker\n")

    with pytest.raises(
        UserError, match=r"XDG_STATE_HOME(.|\n)*docker rm --force --volumes x-control-plane x-worker"
    ):
        lifecycle.up("x", port)
    assert machine.called("docker", "rm --force") == []
    assert machine.calls("kind") == []


def test_a_cluster_made_with_other_pins_is_kept(
    machine: Machine, standing: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = replace(pins.KIND_BUILD, variables={"version": "newer"})
    monkeypatch.setattr(pins, "KIND_BUILD", newer)
    monkeypatch.setattr("tools.toolchain.golang.binaries", lambda *_: with_kind(machine))

    lifecycle.up("x", standing.port)

    assert machine.calls("kind") == []
    assert machine.called("docker", "rm --force") == []


def test_a_cluster_that_was_repaired_is_awaited_like_a_new_one(machine: Machine, standing: Cluster) -> None:
    machine.file("serves", "True\nFalse\nTrue\n")
    lifecycle.usable(lifecycle.up("x", standing.port))

    assert any("wait --for=condition=Ready nodes" in call for call in machine.calls("kubectl"))


@pytest.mark.parametrize("name", ["feastflow", "a", "team-1.test"])
def test_a_name_that_kind_takes_is_a_name(name: str) -> None:
    assert lifecycle.is_name(name)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "Feast", "-a", "a b", "a\n", "a" * 50])
def test_a_name_that_kind_would_refuse_is_none(name: str) -> None:
    assert not lifecycle.is_name(name)


def test_a_port_that_another_program_took_costs_no_cluster_its_data(
    machine: Machine, standing: Cluster, taken: int
) -> None:
    record.write("x", record.read("x") | {"port": taken})
    _dies(machine)
    machine.file("stuck")

    with pytest.raises(UserError, match=f"port {taken} on 127.0.0.1 cannot be had"):
        lifecycle.up("x", taken)
    assert machine.called("docker", "rm --force") == []
    assert standing.nodes() == ["x-control-plane", "x-worker", "x-worker2"]


def test_a_cluster_that_answers_without_one_of_its_nodes_is_kept_and_refused(
    machine: Machine, standing: Cluster
) -> None:
    machine.file("serves", "True\nTrue\n")

    with pytest.raises(UserError, match=r"knows 2 of its 3 nodes(.|\n)*make down CLUSTER=x"):
        lifecycle.up("x", standing.port)
    assert machine.called("docker", "rm --force") == []


def test_an_engine_that_stopped_is_named_and_one_that_was_removed_does_not_stop_down(
    machine: Machine, standing: Cluster
) -> None:
    (machine.root / "serves").unlink()
    machine.program("docker", "exit 1")
    with pytest.raises(UserError, match=r"docker does not answer(.|\n)*make down"):
        lifecycle.preflight("x", standing.port)

    (machine.bin / "docker").unlink()
    assert lifecycle.down("x") == {"5ad1"}
    assert lifecycle.find("x") is None


def test_the_state_that_is_not_needed_is_known_also_when_the_new_cluster_was_never_finished(
    machine: Machine, standing: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    machine.file("serves", "")
    machine.file("nodes", "")
    with monkeypatch.context() as patch:
        patch.setattr("tools.toolchain.process.stream", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lifecycle.up("x", standing.port)

    assert lifecycle.identities("x") == {"5ad1"}


def test_a_node_that_was_started_has_its_add_ons_awaited_again(machine: Machine, standing: Cluster) -> None:
    machine.file("status", "exited")
    handle.switch_on(standing, "x-worker")
    lifecycle.ready(standing)

    assert machine.called("kubectl", "rollout status")


def test_what_a_node_wrote_goes_with_it_and_what_another_cluster_wrote_stays(machine: Machine) -> None:
    machine.program(
        "podman",
        'case "$1 $2 $5" in\n  \'volume ls label=x-\'*) echo "of-${5#label=}" ;;\nesac',
    )
    lifecycle._delete(Engine(command="podman", own=True, why=""), "x", [])

    assert machine.called("podman", "volume rm") == [
        f"volume rm of-x-{node}" for node in ("control-plane", "worker", "worker2")
    ]
