"""Backend and frontend: their environment, start, scaling, spread and end."""

from dataclasses import replace
from typing import Any

import pytest

from components.postgres import migrations
from components.settings.model.tenancy import Cluster
from components.workloads import workload
from policies.references import READ_ELSEWHERE

from .recorder import PLACE, Recording, record_stack, secret_paths, stack_file
from .test_hardening import THIRD
from .test_settings import parse

TIERS = {"feastflow-backend": ("backend", 5000), "feastflow-frontend": ("frontend", 3000)}


def pod(recording: Recording, name: str) -> dict[str, Any]:
    found = recording.pods()[f"Deployment/{name}"]
    assert isinstance(found, dict)
    return found


def variables(recording: Recording, container: dict[str, Any]) -> dict[str, str]:
    """Return the container's environment as it would see it; secrets as `secret/key`."""
    configs = {config.object_name: config.inputs["data"] for config in recording.all("ConfigMap")}
    result = {}
    for variable in container["env"]:
        source = variable.get("valueFrom", {})
        if "configMapKeyRef" in source:
            reference = source["configMapKeyRef"]
            result[variable["name"]] = configs[reference["name"]][reference["key"]]
        elif "secretKeyRef" in source:
            reference = source["secretKeyRef"]
            result[variable["name"]] = f"{reference['name']}/{reference['key']}"
        else:
            result[variable["name"]] = variable["value"]
    return result


def migration_jobs(recording: Recording) -> list[str]:
    return [job.object_name for job in recording.all("Job") if "migrations" in job.object_name]


def test_the_backend_is_told_exactly_what_the_contract_says(dev: Recording) -> None:
    login = dev.one("Secret", "postgres-login-secret").object_name
    jwt = dev.one("Secret", "backend-secret").object_name
    assert variables(dev, pod(dev, "feastflow-backend")["containers"][0]) == {
        "NODE_ENV": "production",
        "PORT": "5000",
        "DB_HOST": "postgres",
        "DB_PORT": "5432",
        "DB_NAME": "feastflow",
        "DB_USER": "feastflow_a",
        "DB_POOL_MAX": "3",
        "DB_PASSWORD": f"{login}/password",
        "JWT_SECRET": f"{jwt}/jwt",
        "JWT_EXPIRE": "7d",
        "FRONTEND_URL": "http://feastflow-dev.localhost:8080",
        "APP_VERSION": "1.0.0",
        "KEEP_ALIVE_TIMEOUT": "95000",
        "DRAIN_SECONDS": "20",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/feastflow/database/ca.crt",
        "NODE_EXTRA_CA_CERTS": "/etc/feastflow/database/ca.crt",
    }


def test_the_frontend_is_told_where_to_listen_and_no_secret(dev: Recording) -> None:
    assert variables(dev, pod(dev, "feastflow-frontend")["containers"][0]) == {
        "NODE_ENV": "production",
        "PORT": "3000",
        "HOSTNAME": "0.0.0.0",
        "APP_VERSION": "1.0.0",
        "KEEP_ALIVE_TIMEOUT": "95000",
        "DRAIN_SECONDS": "20",
    }


def test_environment_and_secrets_are_immutable_and_named_after_their_content(dev: Recording) -> None:
    changed = record_stack({**stack_file("dev"), "feastflow:backend": {"jwtExpire": "1d"}})
    one, other = (recording.one("ConfigMap", "backend-config") for recording in (dev, changed))
    assert one.object_name.startswith("feastflow-config-backend-")
    assert one.object_name != other.object_name
    for recording in (dev, changed):
        for entry in [*recording.all("ConfigMap"), *recording.all("Secret")]:
            # What collectors read keeps its name, and they read it again.
            if READ_ELSEWHERE in entry.inputs["metadata"].get("annotations", {}):
                continue
            assert entry.inputs["immutable"] is True, entry.name
    frontends = [recording.one("ConfigMap", "frontend-config").object_name for recording in (dev, changed)]
    assert frontends[0] == frontends[1]


def test_other_content_is_another_resource_and_no_replacement(dev: Recording) -> None:
    # A replacement is deleted by its name when the next update ends, even if that name is in use again.
    for entry in dev.all("ConfigMap"):
        assert entry.name.endswith(entry.object_name.rsplit("-", 1)[-1]), entry.name
    rotated = record_stack({**stack_file("dev"), "feastflow:rotation": 2})
    for name in ("postgres-login-secret", "backend-secret"):
        assert dev.one("Secret", name).urn != rotated.one("Secret", name).urn
    assert (
        dev.one("Secret", "postgres-admin-secret").urn == rotated.one("Secret", "postgres-admin-secret").urn
    )
    grants = [recording.one("Job", "feastflow-roles-grant").urn for recording in (dev, rotated)]
    assert grants[0] != grants[1]


def test_a_new_version_touches_only_what_makes_its_pods(dev: Recording) -> None:
    version = "app.kubernetes.io/version"
    for resource in dev.resources:
        labels = resource.inputs.get("metadata", {}).get("labels", {})
        assert (version in labels) is (resource.kind in {"Deployment", "StatefulSet", "Job", "CronJob"}), (
            resource.name
        )
    for deployment in dev.all("Deployment"):
        assert deployment.inputs["metadata"]["labels"][version] == "1.0.0"
        assert deployment.inputs["spec"]["template"]["metadata"]["labels"][version] == "1.0.0"


def test_the_jwt_secret_is_generated_and_secret_all_the_way(dev: Recording) -> None:
    secret = dev.one("Secret", "backend-secret")
    assert list(secret_paths(secret.raw)) == [".data"]
    assert secret.object_name.startswith("feastflow-secret-backend-")
    for deployment in dev.all("Deployment"):
        assert list(secret_paths(deployment.raw)) == []


@pytest.mark.parametrize("name", TIERS)
def test_a_rollout_adds_one_pod_and_takes_none_away(dev: Recording, name: str) -> None:
    spec = dev.one("Deployment", name).inputs["spec"]
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }
    assert spec["minReadySeconds"] == 3
    assert spec["progressDeadlineSeconds"] == 300
    assert spec["revisionHistoryLimit"] == 3


@pytest.mark.parametrize("name", TIERS)
def test_the_number_of_pods_belongs_to_the_autoscaler(dev: Recording, name: str) -> None:
    assert "replicas" not in dev.one("Deployment", name).inputs["spec"]
    scaler = dev.one("HorizontalPodAutoscaler", name).inputs["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    least, most = {"feastflow-backend": (2, 8), "feastflow-frontend": (3, 10)}[name]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (least, most)
    targets = {
        metric["resource"]["name"]: metric["resource"]["target"]["averageUtilization"]
        for metric in scaler["metrics"]
    }
    assert targets == ({"cpu": 70, "memory": 80} if name == "feastflow-backend" else {"cpu": 70})
    assert scaler["behavior"] == {"scaleDown": {"stabilizationWindowSeconds": 300}}


@pytest.mark.parametrize("name", TIERS)
def test_an_autoscaler_is_created_along_with_its_deployment_for_its_controller_looks_late(
    dev: Recording, name: str
) -> None:
    deployment, scaler = dev.one("Deployment", name), dev.one("HorizontalPodAutoscaler", name)
    assert deployment.urn not in scaler.dependencies
    assert not {each.urn for each in dev.all("Job")} & set(deployment.dependencies) - set(scaler.dependencies)


@pytest.mark.parametrize("name", TIERS)
def test_requests_a_second_of_its_service_for_each_pod_are_a_target_of_a_tier(name: str) -> None:
    section = f"feastflow:{name.removeprefix('feastflow-')}"
    config = {**stack_file("dev"), section: {"autoscaling": {"requestsPerSecond": 100}}}
    scaler = record_stack(config).one("HorizontalPodAutoscaler", name).inputs["spec"]

    assert scaler["metrics"][0]["type"] == "Resource"
    assert scaler["metrics"][-1] == {
        "type": "Object",
        "object": {
            "describedObject": {"apiVersion": "v1", "kind": "Service", "name": name},
            "metric": {"name": "http_requests_per_second"},
            "target": {"type": "AverageValue", "averageValue": "100"},
        },
    }


@pytest.mark.parametrize("name", TIERS)
def test_a_drain_takes_one_pod_at_a_time_at_any_scale(dev: Recording, name: str) -> None:
    spec = dev.one("PodDisruptionBudget", name).inputs["spec"]
    selector = dev.one("Deployment", name).inputs["spec"]["selector"]
    assert spec == {"maxUnavailable": 1, "selector": selector, "unhealthyPodEvictionPolicy": "AlwaysAllow"}


@pytest.mark.parametrize("name", TIERS)
def test_the_service_leads_to_the_pods_and_is_not_awaited(dev: Recording, name: str) -> None:
    service = dev.one("Service", name).inputs
    component, port = TIERS[name]
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert service["spec"]["type"] == "ClusterIP"
    assert service["spec"]["ports"] == [
        {"name": "http", "port": port, "targetPort": "http", "protocol": "TCP"}
    ]
    assert service["spec"]["selector"] == {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/instance": "feastflow-dev",
        "component": component,
    }
    labels = dev.one("Deployment", name).inputs["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert pod(dev, name)["containers"][0]["ports"] == [
        {"name": "http", "containerPort": port, "protocol": "TCP"}
    ]


def test_probes_ask_the_contracts_paths_with_the_contracts_patience(dev: Recording) -> None:
    backend = pod(dev, "feastflow-backend")["containers"][0]
    frontend = pod(dev, "feastflow-frontend")["containers"][0]
    assert backend["livenessProbe"]["httpGet"] == {"path": "/api/health", "port": "http"}
    assert backend["readinessProbe"]["httpGet"] == {"path": "/api/ready", "port": "http"}
    assert backend["startupProbe"]["httpGet"] == {"path": "/api/health", "port": "http"}
    for container in (backend, frontend):
        timing = {
            kind: [
                container[f"{kind}Probe"][key]
                for key in ("periodSeconds", "failureThreshold", "timeoutSeconds")
            ]
            for kind in ("liveness", "readiness", "startup")
        }
        # Wanted: a restart within 20 seconds after the process has stopped answering.
        assert timing == {"liveness": [4, 3, 2], "readiness": [1, 3, 2], "startup": [1, 120, 2]}
        graces = [container[f"{kind}Probe"].get("terminationGracePeriodSeconds") for kind in timing]
        assert graces == [1, None, None], "only a process that hangs is not waited for"
    assert {frontend[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness", "startup")} == {
        "/"
    }


@pytest.mark.parametrize("name", TIERS)
def test_a_pod_serves_until_every_proxy_knows_and_then_has_time_to_finish(dev: Recording, name: str) -> None:
    assert pod(dev, name)["terminationGracePeriodSeconds"] == 30
    assert pod(dev, name)["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}


@pytest.mark.parametrize(
    ("zones", "rule"), [(1, "ScheduleAnyway"), (2, "DoNotSchedule"), (9, "DoNotSchedule")]
)
def test_pods_must_spread_over_zones_as_soon_as_there_are_two(zones: int, rule: str) -> None:
    place = replace(PLACE, cluster=Cluster(zones=zones))
    zone, _ = workload.spread(place.identity("n", "c"), place)
    assert zone.when_unsatisfiable == rule


@pytest.mark.parametrize("name", TIERS)
def test_each_version_spreads_for_itself_and_two_pods_may_share_a_node(dev: Recording, name: str) -> None:
    zone, node = pod(dev, name)["topologySpreadConstraints"]
    assert (zone["topologyKey"], zone["whenUnsatisfiable"]) == (
        "topology.kubernetes.io/zone",
        "DoNotSchedule",
    )
    assert (node["topologyKey"], node["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")
    for constraint in (zone, node):
        assert constraint["maxSkew"] == 1
        assert constraint["nodeTaintsPolicy"] == "Honor"
        assert constraint["matchLabelKeys"] == ["pod-template-hash"]
        assert constraint["labelSelector"] == dev.one("Deployment", name).inputs["spec"]["selector"]


def test_the_schema_is_migrated_once_before_any_pod_of_the_version(dev: Recording) -> None:
    job = dev.one("Job", migration_jobs(dev)[0])
    assert job.inputs["spec"]["backoffLimit"] == 0
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 300
    assert "ttlSecondsAfterFinished" not in job.inputs["spec"]
    container = job.inputs["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["python3", "-m", "feastflow_api.migrate"]
    assert container["image"] == "feastflow/backend:1.0.0"
    assert variables(dev, container) == variables(dev, pod(dev, "feastflow-backend")["containers"][0])
    succeeded = dev.one("JobPatch", job.object_name)
    assert job.urn in succeeded.dependencies
    assert succeeded.urn in dev.one("Deployment", "feastflow-backend").dependencies
    assert dev.one("NetworkPolicy", "postgres-network-policy").urn in job.dependencies
    # No field of a Job that ran is ever changed, or it would run again.
    assert set(job.ignore_changes) == {"spec", "metadata"}
    assert succeeded.ignore_changes == ("metadata",)


def test_only_another_version_or_the_users_wish_runs_the_migration_again(dev: Recording) -> None:
    def name(**changes: object) -> str:
        return migrations.job_name(parse(backend={"migrations": {"command": ["m"]}, **changes}).backend)

    assert name() == name(env={"A": "b"}) == name(resources={"limits": {"memory": "1Gi"}})
    assert len({name(), name(image="x:2"), name(migrations={"command": ["n"]})}) == 3
    assert name(migrations={"command": ["m"], "attempt": 2}) != name()
    rotated = record_stack({**stack_file("dev"), "feastflow:rotation": 2})
    assert migration_jobs(rotated) == migration_jobs(dev)


@pytest.mark.parametrize("wish", [{"command": None}, {"mode": "none", "command": ["m"]}])
def test_without_a_command_or_a_wish_nothing_is_migrated(wish: dict[str, object]) -> None:
    backend = parse(backend={"migrations": wish}).backend
    assert not backend.migrations.as_job
    assert not backend.migrations.as_init_container


def test_without_a_migration_only_the_backend_reaches_the_database() -> None:
    recording = record_stack({**stack_file("dev"), "feastflow:backend": {"jwtExpire": "1d"}})
    assert migration_jobs(recording) == []
    assert "initContainers" not in pod(recording, "feastflow-backend")
    policy = recording.one("NetworkPolicy", "postgres-network-policy").inputs["spec"]
    assert len(policy["ingress"][0]["from"]) == 1


def test_by_choice_every_pod_migrates_before_it_starts() -> None:
    recording = record_stack(THIRD)
    assert migration_jobs(recording) == []
    authorities, gate, init = pod(recording, "feastflow-backend")["initContainers"]
    assert authorities["name"] == "authorities"
    assert gate["command"][-1] == "login"
    assert init["command"] == ["npm", "run", "migrate"]
    assert init["env"] == pod(recording, "feastflow-backend")["containers"][0]["env"]


@pytest.mark.parametrize("mode", ["job", "initContainer"])
def test_a_migration_that_tries_once_begins_when_its_login_is_let_in(mode: str) -> None:
    wish = {"migrations": {"mode": mode, "command": ["migrate"]}}
    recording = record_stack({**stack_file("dev"), "feastflow:backend": wish})
    spec = pod(recording, "feastflow-backend")
    if mode == "job":
        spec = recording.one("Job", migration_jobs(recording)[0]).inputs["spec"]["template"]["spec"]
    gate = spec["initContainers"][0]
    assert gate["image"] == "ghcr.io/cloudnative-pg/postgresql:15.14-bookworm"
    *plain, password = gate["env"]
    assert {each["name"]: each["value"] for each in plain} == {
        "PGHOST": "postgres",
        "PGPORT": "5432",
        "PGUSER": "feastflow_a",
        "PGDATABASE": "feastflow",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/feastflow/database/ca.crt",
        "NODE_EXTRA_CA_CERTS": "/etc/feastflow/database/ca.crt",
    }
    assert password["name"] == "PGPASSWORD"
    assert password["valueFrom"] == {
        "secretKeyRef": {
            "name": recording.one("Secret", "postgres-login-secret").object_name,
            "key": "password",
        }
    }
    (script,) = (mount for mount in gate["volumeMounts"] if mount["name"] == "scripts")
    assert gate["command"] == ["sh", f"{script['mountPath']}/postgres.sh", "login"]


def test_an_application_of_other_habits_is_deployed_by_configuration_alone() -> None:
    recording = record_stack(THIRD)
    backend = pod(recording, "feastflow-backend")
    container = backend["containers"][0]
    assert container["image"] == "registry.example.com/third/api:2.0.0"
    assert (container["command"], container["args"]) == (["node", "server.js"], ["--verbose"])
    assert container["ports"][0]["containerPort"] == 8000
    security = backend["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (1234, 2345, 2345)
    assert container["livenessProbe"]["httpGet"]["path"] == "/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["startupProbe"]["httpGet"]["path"] == "/started"
    assert container["lifecycle"] == {"preStop": {"exec": {"command": ["sleep", "7"]}}}
    assert backend["shareProcessNamespace"] is True
    values = variables(recording, container)
    assert values["PGUSER"] == "feastflow_a"
    assert values["PGPASSWORD"].endswith("/password")
    assert "DB_PASSWORD" not in values
    assert values["APP_VERSION"] == "2.0.0"
    assert values["DATABASE_URL"] == "postgres://$(PGUSER):$(PGPASSWORD)@$(DB_HOST)/$(DB_NAME)"
    assert values["NODE_EXTRA_CA_CERTS"] == "/etc/feastflow/authorities/ca.crt"
    assert values["SSL_CERT_FILE"] == "/etc/feastflow/ca.crt"
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/etc/feastflow/ca.crt"]["subPath"] == "ca.crt"
    assert "/var/cache/api" in mounts
    account = recording.one("ServiceAccount", "feastflow-backend").inputs
    assert account["imagePullSecrets"] == [{"name": "registry"}]
    frontend = pod(recording, "feastflow-frontend")["containers"][0]
    assert "lifecycle" not in frontend
    assert variables(recording, frontend)["OWN_CA"] == "/etc/own/ca.crt"
    assert recording.one("ConfigMap", "frontend-ca").inputs["data"] == {
        "ca.crt": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    }


def test_a_variable_that_refers_to_others_comes_after_them() -> None:
    recording = record_stack(THIRD)
    order = [variable["name"] for variable in pod(recording, "feastflow-backend")["containers"][0]["env"]]
    assert order.index("DATABASE_URL") > max(
        order.index(name) for name in ("PGUSER", "PGPASSWORD", "DB_HOST")
    )


def test_a_pod_keeps_its_process_namespaces_apart_unless_asked(dev: Recording) -> None:
    for spec in dev.pods().values():
        assert "shareProcessNamespace" not in spec


def test_the_volume_of_a_writable_path_is_named_after_it() -> None:
    assert workload.volume_name("/app/.next/cache") == "writable-app-next-cache"
    assert workload.volume_name("/" + "x" * 100) == "writable-" + "x" * 50
    assert workload.volume_name("/" + "x" * 49 + "/y") == "writable-" + "x" * 49


def test_a_job_that_is_stopped_ends_soon(dev: Recording) -> None:
    graces = {
        name.rsplit("-", 1)[0]: pod["terminationGracePeriodSeconds"] for name, pod in dev.pods().items()
    }
    assert graces["Job/feastflow-migrations"] == 30
    assert graces["Job/feastflow-roles-grant"] == 5
    user = next(pod for name, pod in dev.pods().items() if "roles" in name)["securityContext"]
    assert (user["runAsUser"], user["runAsGroup"]) == (10001, 10001)


PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("mode", ["job", "initContainer"])
def test_node_trusts_the_databases_authority_and_the_users_from_one_file(mode: str) -> None:
    backend = {"caBundle": {"pem": PEM}, "migrations": {"mode": mode, "command": ["migrate"]}}
    recording = record_stack({**stack_file("prod"), "feastflow:backend": backend})
    pods = [pod(recording, "feastflow-backend")]
    pods += [recording.pods()[f"Job/{name}"] for name in migration_jobs(recording)]
    assert len(pods) == (2 if mode == "job" else 1)
    for each in pods:
        first = each["initContainers"][0]
        assert first["command"] == [
            "sh",
            "-c",
            '{ cat "$0"; echo; cat "$1"; } > "$2"',
            "/etc/feastflow/database/ca.crt",
            "/etc/feastflow/ca.crt",
            "/etc/feastflow/authorities/ca.crt",
        ]
        values = variables(recording, each["containers"][0])
        assert values["NODE_EXTRA_CA_CERTS"] == "/etc/feastflow/authorities/ca.crt"
        assert values["PGSSLROOTCERT"] == "/etc/feastflow/database/ca.crt"
        assert values["SSL_CERT_FILE"] == "/etc/feastflow/ca.crt"
        for container in (first, each["containers"][0]):
            mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
            assert mounts["/etc/feastflow/authorities"]["readOnly"] is False
        names = [variable["name"] for variable in each["containers"][0]["env"]]
        assert len(names) == len(set(names))


def test_a_bundle_that_node_is_not_told_of_needs_no_container_before() -> None:
    backend = {"caBundle": {"pem": PEM, "variables": ["REQUESTS_CA_BUNDLE"]}}
    recording = record_stack({**stack_file("prod"), "feastflow:backend": backend})
    assert "initContainers" not in pod(recording, "feastflow-backend")
    container = pod(recording, "feastflow-backend")["containers"][0]
    assert variables(recording, container)["NODE_EXTRA_CA_CERTS"] == "/etc/feastflow/database/ca.crt"
