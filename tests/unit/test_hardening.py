"""Every pod of every stack, judged as Pod Security `restricted` and the design's own rules judge it."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.settings.values import quantities

from .recorder import Recording, record_stack, stack_file

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

# An application that fulfils the contract with other names, numbers and paths.
THIRD = {
    "feastflow:namespace": "third",
    "feastflow:environment": "dev",
    "feastflow:edge": {"host": "third.example.com"},
    "feastflow:tenancy": {"priorityClasses": False},
    "feastflow:backend": {
        "image": "registry.example.com/third/api:2.0.0",
        "command": ["node", "server.js"],
        "args": ["--verbose"],
        "port": 8000,
        "uid": 1234,
        "gid": 2345,
        "probes": {"liveness": "/live", "readiness": "/ready", "startup": "/started"},
        "writable": [{"path": "/var/cache/api", "size": "32Mi"}],
        "migrations": {"mode": "initContainer", "command": ["npm", "run", "migrate"]},
        "envNames": {"DB_PASSWORD": "PGPASSWORD", "DB_USER": "PGUSER"},
        "env": {"DATABASE_URL": "postgres://$(PGUSER):$(PGPASSWORD)@$(DB_HOST)/$(DB_NAME)"},
        "caBundle": {"pem": PEM},
        "egress": [{"host": "api.example.com"}, {"host": "redis.tools.svc", "port": 6379}],
        "pullSecrets": ["registry"],
        "shutdown": {"shareProcessNamespace": True, "preStopCommand": ["sleep", "7"]},
    },
    "feastflow:frontend": {
        "caBundle": {"pem": PEM, "path": "/etc/own/ca.crt", "variables": ["OWN_CA"]},
        "egress": [{"host": "cdn.example.com", "port": 8443, "cidrs": ["192.0.2.0/24"]}],
        "shutdown": {"endpointRemovalSeconds": 0},
    },
}


@pytest.fixture(scope="session")
def third() -> Recording:
    return record_stack(THIRD)


@pytest.fixture(scope="session", params=["dev", "prod", "third", "rotated"])
def any_stack(
    request: pytest.FixtureRequest,
) -> Recording:
    if request.param == "rotated":
        return record_stack({**stack_file("dev"), "feastflow:rotation": 2})
    recording = request.getfixturevalue(request.param)
    assert isinstance(recording, Recording)
    return recording


def containers(recording: Recording) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in recording.pods().items():
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            yield f"{name}/{container['name']}", container


def test_every_pod_runs_as_an_unprivileged_numeric_user(any_stack: Recording) -> None:
    for name, pod in any_stack.pods().items():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 0, name
        assert context["runAsGroup"] > 0, name
        assert context["fsGroup"] == context["runAsGroup"], name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert context["fsGroupChangePolicy"] == "OnRootMismatch", name


def test_every_container_is_without_privileges_and_its_root_is_read_only(any_stack: Recording) -> None:
    for name, container in containers(any_stack):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


def test_no_pod_asks_for_anything_of_the_host(any_stack: Recording) -> None:
    for name, pod in any_stack.pods().items():
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & pod.keys(), name
        kinds = {key for volume in pod.get("volumes", []) for key in volume if key != "name"}
        assert kinds <= {"emptyDir", "configMap", "secret", "persistentVolumeClaim"}, name
    for name, container in containers(any_stack):
        assert all("hostPort" not in port for port in container.get("ports", [])), name


def test_no_pod_has_a_token_of_the_kubernetes_api_or_variables_that_services_invent(
    any_stack: Recording,
) -> None:
    accounts = {account.object_name: account for account in any_stack.all("ServiceAccount")}
    for name, pod in any_stack.pods().items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        assert accounts[pod["serviceAccountName"]].inputs["automountServiceAccountToken"] is False, name


def test_every_workload_has_an_account_of_its_own(any_stack: Recording) -> None:
    names = {
        name.split("/")[1].rsplit("-", 1)[0]: pod["serviceAccountName"]
        for name, pod in any_stack.pods().items()
    }
    assert len(set(names.values()) - {"feastflow-roles"}) == len([n for n in names if "roles" not in n])


def test_every_container_has_requests_and_limits_with_room_for_what_it_writes(any_stack: Recording) -> None:
    for name, pod in any_stack.pods().items():
        written = sum(
            quantities.parse(volume["emptyDir"]["sizeLimit"])
            for volume in pod.get("volumes", [])
            # The CA bundle's megabyte is part of the room for logs; memory-backed volumes take no disk.
            if "emptyDir" in volume
            and volume["name"] != "authorities"
            and volume["emptyDir"].get("medium") != "Memory"
        )
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            sizes = container["resources"]
            for kind in ("cpu", "memory", "ephemeral-storage"):
                assert (
                    0 < quantities.parse(sizes["requests"][kind]) <= quantities.parse(sizes["limits"][kind])
                ), name
            assert quantities.parse(sizes["limits"]["ephemeral-storage"]) == written + 128 * 2**20, name


def test_every_image_is_one_version_and_pulled_only_when_it_is_missing(any_stack: Recording) -> None:
    for name, container in containers(any_stack):
        assert container["imagePullPolicy"] == "IfNotPresent", name
        assert not container["image"].endswith(":latest"), name


def test_what_a_container_said_last_reaches_its_status(any_stack: Recording) -> None:
    for name, container in containers(any_stack):
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError", name


def test_pods_leave_a_dead_node_after_ten_seconds(any_stack: Recording) -> None:
    for name, pod in any_stack.pods().items():
        assert {
            (entry["key"], entry["effect"], entry["tolerationSeconds"]) for entry in pod["tolerations"]
        } == {
            ("node.kubernetes.io/not-ready", "NoExecute", 10),
            ("node.kubernetes.io/unreachable", "NoExecute", 10),
        }, name


def test_every_server_is_probed_for_start_readiness_and_life(any_stack: Recording) -> None:
    for name, pod in any_stack.pods().items():
        container = pod["containers"][0]
        probes = {"startupProbe", "readinessProbe", "livenessProbe"} & container.keys()
        assert len(probes) == (0 if name.startswith(("Job/", "CronJob/")) else 3), name


def test_no_secret_value_stands_in_a_pod_or_a_config_map(any_stack: Recording) -> None:
    for name, container in containers(any_stack):
        for variable in container.get("env", []):
            if any(word in variable["name"] for word in ("PASSWORD", "SECRET", "VERIFIER")):
                assert set(variable) == {"name", "valueFrom"}, name
                assert "secretKeyRef" in variable["valueFrom"], name
    for config in any_stack.all("ConfigMap"):
        assert not any("generated " in str(value) for value in config.inputs["data"].values())


def test_volumes_and_mounts_belong_together(any_stack: Recording) -> None:
    for name, pod in any_stack.pods().items():
        volumes = [volume["name"] for volume in pod.get("volumes", [])]
        assert len(volumes) == len(set(volumes)), name
        mounts = {mount["name"] for mount in pod["containers"][0].get("volumeMounts", [])}
        assert mounts == set(volumes), name
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            assert len(paths) == len(set(paths)), name


def test_configuration_and_secrets_are_mounted_read_only(any_stack: Recording) -> None:
    for name, pod in any_stack.pods().items():
        given = {
            volume["name"] for volume in pod.get("volumes", []) if {"configMap", "secret"} & volume.keys()
        }
        for mount in pod["containers"][0].get("volumeMounts", []):
            assert (mount.get("readOnly") is True) is (mount["name"] in given), name


def test_only_tiers_spread_over_zones_and_nodes(any_stack: Recording) -> None:
    for name, pod in any_stack.pods().items():
        assert ("topologySpreadConstraints" in pod) is name.startswith("Deployment/"), name
