"""Secrets at rest: the local cluster's own key, and what is known of other clusters."""

import base64
import stat
from pathlib import Path

import pytest
import yaml

from tools.cluster import atrest, kind, record
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.toolchain import kubectl as clients

from .fakes import Machine

_METRIC = (
    "apiserver_storage_transformation_operations_total"
    '{resource="secrets",transformer_prefix="k8s:enc:kms:v2:aws"} 4'
)
_FROM_METRICS = f"""
case "$*" in
  *metrics*) echo '{_METRIC}' ;;
esac
"""


@pytest.fixture
def cluster(machine: Machine) -> Cluster:
    """Return a cluster that is about to be made."""
    record.write("x", {"mark": "m1"})
    engine = Engine(command="docker", own=False, why="")
    return Cluster(name="x", port=8080, engine=engine, kubeconfig=machine.root / "k", tools=machine.bin)


def test_kind_is_told_to_give_the_api_server_a_key_of_this_cluster_alone(cluster: Cluster) -> None:
    config = kind._configuration(cluster, None)
    assert isinstance(config, dict)

    server, *workers = config["nodes"]
    (mounted,) = (each for each in server["extraMounts"] if each["containerPath"].endswith("/encryption"))
    (patch,) = (
        found
        for each in server["kubeadmConfigPatches"]
        if (found := yaml.safe_load(each))["kind"] == "ClusterConfiguration"
    )
    volumes = patch["apiServer"]["extraVolumes"]
    arguments = patch["apiServer"]["extraArgs"]
    assert [volume["hostPath"] for volume in volumes] == [mounted["containerPath"]]
    assert arguments["encryption-provider-config"] == f"{volumes[0]['mountPath']}/configuration.yaml"
    assert not any("encryption" in str(worker) for worker in workers)
    file = Path(mounted["hostPath"]) / "configuration.yaml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    (entry,) = yaml.safe_load(file.read_text("utf-8"))["resources"]
    first, last = entry["providers"]
    assert len(base64.b64decode(first["secretbox"]["keys"][0]["secret"])) == 32
    assert last == {"identity": {}}
    assert entry["resources"] == ["secrets"]


def test_nodes_keep_their_key_others_get_another_and_it_ends_with_the_cluster(cluster: Cluster) -> None:
    one, again, other = (
        atrest.ensure(cluster.name, mark) / "configuration.yaml" for mark in ("m1", "m1", "m2")
    )
    assert one.read_text("utf-8") == again.read_text("utf-8") != other.read_text("utf-8")

    record.forget(cluster.name)

    assert not one.exists()
    assert not other.exists()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (f"echo kube-apiserver {atrest.FLAG}=/x", f"is given {atrest.FLAG}"),
        ("echo kube-apiserver --bind-address=::", "not encrypted"),
        (f"echo kube-apiserver {atrest.FLAG}=/x; echo kube-apiserver", "not encrypted"),
        (_FROM_METRICS, "encrypted, as k8s:enc:kms:v2:aws"),
        ("exit 0", "cannot be known"),
        ("exit 1", "cannot be known"),
    ],
)
def test_what_is_known_of_a_cluster_is_told_and_what_is_not_is_said_to_be_unknown(
    machine: Machine, answer: str, said: str
) -> None:
    kubectl = machine.program("kubectl", answer)
    assert said in atrest.told(clients.of(kubectl))
