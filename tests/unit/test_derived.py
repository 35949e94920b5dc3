"""Settings with two consequences that must agree: each test names one and checks the other.

Others are with their own subject: connections and pools (test_connections), names (test_generated_names),
paths (test_network), certificates and hosts (test_certificates), the shutdown's parts (test_helpers).
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.postgres import standalone
from components.settings.derived import connections, sizing
from components.settings.model.database import Database
from components.settings.model.demand import Demand
from components.settings.model.workload import resources
from components.settings.values import quantities

from .recorder import record_stack
from .test_settings import MINIMAL, parse

MIB = 2**20
JOB = {"schedule": "@daily", "command": ["report"]}


def of_memory(text: str, **more: object) -> dict[str, Any]:
    return {"resources": {"requests": {"memory": text}, "limits": {"memory": text}}, **more}


def database(config: dict[str, Any]) -> dict[str, Any]:
    recording = record_stack({**MINIMAL, "feastflow:database": config})
    spec: dict[str, Any] = recording.one("StatefulSet", "postgres").inputs["spec"]["template"]["spec"]
    return spec


def mebibytes(text: str) -> int:
    return int(quantities.parse(text.replace("MB", "Mi"))) // MIB


@pytest.mark.parametrize(("memory", "size"), [("512Mi", "256Mi"), ("2Gi", "1024Mi"), ("6500Mi", "3250Mi")])
def test_what_postgresqls_workers_may_share_has_room_in_the_servers_shared_memory(
    memory: str, size: str
) -> None:
    pod = database(of_memory(memory))
    (volume,) = (each for each in pod["volumes"] if each["name"] == "shared-memory")
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": size}
    for container in (*pod["initContainers"], *pod["containers"]):
        (mount,) = (each for each in container["volumeMounts"] if each["mountPath"] == "/dev/shm")
        assert (mount["name"], mount["readOnly"]) == ("shared-memory", False)
    # It counts as memory of the container, not as ephemeral storage.
    limit = pod["containers"][0]["resources"]["limits"]["ephemeral-storage"]
    assert mebibytes(limit) == 128 + 64 + 1


@given(memory=st.integers(128, 2**20), storage=st.integers(256, 2**20))
def test_the_servers_parameters_fit_its_memory_its_shared_memory_and_its_volume(
    memory: int, storage: int
) -> None:
    settings = Database.model_validate(of_memory(f"{memory}Mi", storage=f"{storage}Mi"), by_alias=True)
    values = standalone.parameters(settings, 100)
    shared = standalone.shared_memory(memory)
    # A VACUUM with two indexes; and a parallel hash join: work_mem (4 MiB), twice, for three processes.
    assert mebibytes(values["maintenance_work_mem"]) + 4 * 2 * 3 <= shared
    assert shared <= max(memory // 2, 64)
    assert mebibytes(values["shared_buffers"]) + mebibytes(values["maintenance_work_mem"]) <= memory
    # PostgreSQL requires at least two segments of 16 MiB.
    assert 32 <= mebibytes(values["max_wal_size"]) <= max(64, storage // 4)


def test_a_volume_of_the_default_size_and_larger_ones_keep_the_log_that_they_had() -> None:
    for storage in ("2Gi", "100Gi"):
        values = standalone.parameters(Database.model_validate({"storage": storage}, by_alias=True), 100)
        assert values["max_wal_size"] == "512MB"


@pytest.mark.parametrize("engine", ["standalone", "replicated"])
@pytest.mark.parametrize("seconds", [600, 7200])
def test_what_waits_for_the_database_waits_as_long_as_its_recovery_may_take(
    engine: str, seconds: int
) -> None:
    config: dict[str, Any] = {"crashRecoverySeconds": seconds, "engine": engine}
    config |= {"instances": 3} if engine == "replicated" else {}
    recording = record_stack({**MINIMAL, "feastflow:database": config})
    (job,) = (each for each in recording.all("Job") if "roles-grant" in each.object_name)
    assert job.inputs["spec"]["activeDeadlineSeconds"] == seconds
    kind = "Cluster" if engine == "replicated" else "StatefulSet"
    server = recording.one(kind, "postgres")
    for resource in (job, server):
        patience = resource.timeouts.get("create", "600s").replace("10m", "600s")
        assert patience == f"{seconds}s", resource.name
    if engine == "replicated":
        assert server.inputs["spec"]["startDelay"] == seconds
    else:
        probe = server.inputs["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
        assert probe["failureThreshold"] * probe["periodSeconds"] == seconds


@pytest.mark.parametrize(
    ("tier", "patience"),
    [
        ({}, None),
        ({"probes": {"startupSeconds": 3600}}, "3780s"),
        ({"probes": {"startupSeconds": 3600}, "release": {"timeoutSeconds": 60}}, "60s"),
    ],
)
def test_a_start_that_may_take_long_is_awaited_as_long_unless_the_settings_say_otherwise(
    tier: dict[str, Any], patience: str | None
) -> None:
    recording = record_stack({**MINIMAL, "feastflow:frontend": tier})
    deployment = recording.one("Deployment", "feastflow-frontend")
    assert deployment.timeouts.get("create") == deployment.timeouts.get("update") == patience
    container = deployment.inputs["spec"]["template"]["spec"]["containers"][0]
    started = container["startupProbe"]["failureThreshold"]
    assert deployment.inputs["spec"]["progressDeadlineSeconds"] == started + 180


def test_a_writable_paths_size_is_room_that_the_container_has() -> None:
    recording = record_stack({**MINIMAL, "feastflow:backend": {"writable": [{"path": "/a", "size": "1Gi"}]}})
    pod = recording.pods()["Deployment/feastflow-backend"]
    assert pod["volumes"][0]["emptyDir"] == {"sizeLimit": "1Gi"}
    assert mebibytes(pod["containers"][0]["resources"]["limits"]["ephemeral-storage"]) == 1024 + 128


def test_a_certificates_renewal_has_room_for_the_pod_that_answers_its_authority() -> None:
    tls = {"enabled": True, "issuer": {"name": "letsencrypt"}}
    without, issued = parse(), parse(edge={"host": "shop.example.com", "tls": tls})
    more = [demand for demand in sizing.demands(issued) if demand not in sizing.demands(without)]
    assert more == [Demand(pods=1, resources=resources(cpu=("10m", "100m"), memory=("64Mi", "64Mi")))]


@pytest.mark.parametrize("tier", ["backend", "frontend"])
def test_a_port_is_the_containers_the_services_the_policies_and_the_processs(tier: str) -> None:
    recording = record_stack({**MINIMAL, f"feastflow:{tier}": {"port": 8123}})
    name = f"feastflow-{tier}"
    (container,) = recording.pods()[f"Deployment/{name}"]["containers"]
    assert [port["containerPort"] for port in container["ports"]] == [8123]
    assert [port["port"] for port in recording.one("Service", name).inputs["spec"]["ports"]] == [8123]
    policy = recording.one("NetworkPolicy", f"edge-to-{name}").inputs["spec"]
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == [8123]
    assert recording.one("ConfigMap", f"{tier}-config").inputs["data"]["PORT"] == "8123"


@pytest.mark.parametrize("release", [{}, {"strategy": "blue-green"}, {"strategy": "canary", "canary": {}}])
@pytest.mark.parametrize(
    ("families", "host"), [(["IPv4"], "0.0.0.0"), (["IPv6"], "::"), (["IPv6", "IPv4"], "::")]
)
def test_hostname_is_of_the_clusters_family_in_every_variant(
    families: list[str], host: str, release: dict[str, Any]
) -> None:
    config = {"feastflow:cluster": {"ipFamilies": families}, "feastflow:frontend": {"release": release}}
    recording = record_stack({**MINIMAL, **config})
    told = [
        each.inputs["data"]["HOSTNAME"]
        for each in recording.all("ConfigMap")
        if "HOSTNAME" in each.inputs["data"]
    ]
    assert told
    assert set(told) == {host}


def test_a_pools_size_is_told_to_the_process_and_counted_by_the_server() -> None:
    section = {"poolSize": 9, "jobs": {"a": JOB}}
    recording = record_stack(
        {**MINIMAL, "feastflow:backend": section, "feastflow:database": of_memory("4Gi")}
    )
    assert recording.one("ConfigMap", "backend-config").inputs["data"]["DB_POOL_MAX"] == "9"
    stack = parse(backend=section, database=of_memory("4Gi"))
    command = recording.pods()["StatefulSet/postgres"]["containers"][0]["command"]
    assert f"max_connections={stack.connections}" in command
    (pods,) = (each.pods for each in recording.peaks() if each.maker == "Deployment/feastflow-backend")
    assert stack.connections >= (pods + 1 + 1) * (9 + connections.READINESS)


def test_a_migration_and_a_job_reach_what_the_backend_reaches() -> None:
    section = {
        "egress": [{"host": "api.example.com"}],
        "jobs": {"a": JOB},
        "migrations": {"command": ["migrate"]},
    }
    recording = record_stack({**MINIMAL, "feastflow:backend": section})
    opened = {
        each.object_name: each.inputs["spec"]["egress"]
        for each in recording.all("NetworkPolicy")
        if each.object_name.endswith("-to-outside")
    }
    assert set(opened) == {f"feastflow-{name}-to-outside" for name in ("backend", "jobs", "migrations")}
    assert len({str(rules) for rules in opened.values()}) == 1


def test_a_target_of_the_autoscaler_is_among_what_the_pods_request() -> None:
    recording = record_stack(MINIMAL)
    spec = recording.one("HorizontalPodAutoscaler", "feastflow-backend").inputs["spec"]
    targets = {metric["resource"]["name"] for metric in spec["metrics"]}
    (container,) = recording.pods()["Deployment/feastflow-backend"]["containers"]
    assert targets == {"cpu", "memory"}
    assert targets <= set(container["resources"]["requests"])
