"""Clusters of IPv6 alone and of both families: their API server takes Services, policies and pods."""

import json
from typing import Any

import pytest

from tools.toolchain import process

from ..unit.recorder import record_stack, stack_file
from . import server

_RANGES = {
    "IPv6": "fd00:10:96::/112",
    "IPv4,IPv6": "10.96.0.0/16,fd00:10:96::/112",
    "IPv6,IPv4": "fd00:10:96::/112,10.96.0.0/16",
}
_KINDS = ("Service", "NetworkPolicy", "Deployment", "StatefulSet")


def _objects(families: list[str]) -> list[dict[str, Any]]:
    recording = record_stack({**stack_file("dev"), "feastflow:cluster": {"ipFamilies": families}})
    return [each.inputs for each in recording.resources if each.kind in _KINDS]


@pytest.mark.parametrize(
    "families",
    ["IPv4,IPv6", *(pytest.param(each, marks=pytest.mark.slow) for each in ("IPv6", "IPv6,IPv4"))],
)
def test_a_cluster_of_these_families_gives_every_service_an_address_of_each(
    families: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    objects = _objects(families.split(","))
    namespace = objects[0]["metadata"]["namespace"]
    with server.alone(f"--service-cluster-ip-range={_RANGES[families]}") as alone:
        kube = [str(alone.kubectl), "--kubeconfig", str(alone.kubeconfig)]
        alone.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))
        alone.apply(*map(json.dumps, objects))
        found = json.loads(
            process.output([*kube, "--namespace", namespace, "get", "services", "--output", "json"])
        )

    services = {each["metadata"]["name"]: each["spec"] for each in found["items"]}
    assert set(services) >= {"postgres", "feastflow-backend", "feastflow-frontend"}
    for name, spec in services.items():
        assert spec["ipFamilies"] == families.split(","), name
        addresses = spec["clusterIPs"]
        assert len(addresses) == (1 if "None" in addresses else len(spec["ipFamilies"])), name
