"""The pooler before the database: who goes by it and who past it, what it knows, its size and its end."""

import base64
import json
from typing import Any

import pytest
from cryptography import x509

from components.settings.model.workload import PEM
from tools.render import values
from tools.render.manifests import render
from tools.render.secrets import Store, entries

from .recorder import Recording, record_stack, stack_file
from .test_connections import peak
from .test_database import env
from .test_external_database import KEPT, MANAGED, OWN, SERVER
from .test_settings import parse, refusal
from .test_tier_list import assert_room, labels, paths

ENGINES = ("dev", "prod", "external")
JOB = {"schedule": "@daily", "command": ["report"]}
EACH = pytest.mark.parametrize("engine", ENGINES)
MIGRATED = {"migrations": {"command": ["migrate"]}, "jobs": {"report": JOB}}


def recorded(engine: str, rotation: int = 2, backend: object = MIGRATED, **pooler: Any) -> Recording:
    """Return the recording of a stack on this engine that has the pooler, and has been rotated once."""
    file = stack_file("dev" if engine == "external" else engine)
    database: Any = MANAGED if engine == "external" else file["feastflow:database"]
    return record_stack(
        {
            **file,
            "feastflow:database": {**database, "pooler": pooler},
            "feastflow:backend": backend,
            "feastflow:rotation": rotation,
        }
    )


def settings(recording: Recording) -> dict[str, str]:
    """Return pgbouncer.ini as keys and values."""
    text = recording.one("ConfigMap", "pooler-config").inputs["data"]["pgbouncer.ini"]
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in lines}


def pod(recording: Recording, maker: str) -> dict[str, Any]:
    (found,) = [each for name, each in recording.pods().items() if name.startswith(maker)]
    return found


def told(recording: Recording, maker: str) -> dict[str, str]:
    """Return what the plain variables of a pod's container are."""
    found = {}
    for name, variable in env(pod(recording, maker)["containers"][0]).items():
        key = variable.get("valueFrom", {}).get("configMapKeyRef")
        if "value" in variable:
            found[name] = variable["value"]
        elif key:
            found[name] = recording.one("ConfigMap", key["name"]).inputs["data"][key["key"]]
    return found


@EACH
def test_pods_and_jobs_go_by_the_pooler_and_the_migration_goes_to_the_server(engine: str) -> None:
    recording = recorded(engine)
    server = {"external": "db.example.com"}.get(engine, "postgres")
    hosts = {
        maker: told(recording, maker)["DB_HOST"]
        for maker in ("Deployment/feastflow-backend", "CronJob/", "Job/feastflow-migrations")
    }
    assert list(hosts.values()) == ["postgres-pooler", "postgres-pooler", server]
    assert settings(recording)["feastflow"].startswith(f"host={server} ")


def test_the_migration_has_no_config_map_of_its_own_which_a_job_that_ran_would_not_refer_to() -> None:
    recording = recorded("dev")
    configs = [each for each in recording.all("ConfigMap") if each.name.startswith("backend-config")]
    assert len(configs) == 1
    by_pooler, past = (
        told(recording, maker) for maker in ("Deployment/feastflow-backend", "Job/feastflow-migrations")
    )
    assert {name for name in by_pooler.keys() | past if by_pooler.get(name) != past.get(name)} == {"DB_HOST"}


def test_a_renamed_variable_and_a_text_made_of_it_lead_the_migration_past_the_pooler_too() -> None:
    backend = {
        **MIGRATED,
        "envNames": {"DB_HOST": "PGHOST"},
        "env": {"URL": "postgres://$(PGHOST):$(DB_PORT)/$(DB_NAME)"},
        "caBundle": {"pem": PEM},
    }
    external = {**SERVER, "sslMode": "require", "administrator": {"user": "dbadmin", "password": KEPT}}
    external.pop("ca")
    database = {"engine": "external", "external": external, "pooler": {}}
    stack = {**stack_file("dev"), "feastflow:database": database, "feastflow:backend": backend}
    recording = record_stack(stack)
    by_pooler, past = (
        told(recording, maker) for maker in ("Deployment/feastflow-backend", "Job/feastflow-migrations")
    )
    assert (by_pooler["PGHOST"], past["PGHOST"]) == ("postgres-pooler", "db.example.com")
    assert "DB_HOST" not in past
    assert by_pooler["URL"] == past["URL"]
    for names in (list(by_pooler), list(past)):
        assert names.index("PGHOST") < names.index("URL")
    # Of the server no authority is known: the migration has the bundle alone, at its own path.
    assert by_pooler["PGSSLROOTCERT"]
    assert "PGSSLROOTCERT" not in past
    assert (past["PGSSLMODE"], past["NODE_EXTRA_CA_CERTS"]) == ("require", "/etc/feastflow/ca.crt")


@EACH
def test_each_client_has_the_authority_of_whom_it_calls_and_no_other(engine: str) -> None:
    recording = recorded(engine)
    own = recording.one("Secret", "postgres-pooler-authority-secret")

    def authority(maker: str) -> dict[str, Any]:
        (volume,) = [each for each in pod(recording, maker)["volumes"] if each["name"] == "database-ca"]
        named: dict[str, Any] = volume.get("secret") or volume["configMap"]
        return named

    by_pooler = [authority(maker) for maker in ("Deployment/feastflow-backend", "CronJob/")]
    assert [each["secretName"] for each in by_pooler] == [own.object_name] * 2
    servers = authority("Deployment/postgres-pooler")
    assert authority("Job/feastflow-migrations") == servers
    assert servers.get("secretName", servers.get("name")) != own.object_name


@EACH
def test_the_paths_lead_from_the_backend_to_the_pooler_and_from_that_alone_to_the_server(engine: str) -> None:
    recording = recorded(engine)
    makers = [each for each in recording.resources if "template" in each.inputs.get("spec", {})]
    pods = {each.object_name: labels(each) for each in makers}
    policies = [each.inputs["spec"] for each in recording.all("NetworkPolicy")]
    inward = {
        client
        for server, client, _ in paths(pods, policies, "ingress", "from")
        if server == "postgres-pooler"
    }
    # Runs of a CronJob are no Deployment's, StatefulSet's or Job's.
    assert inward - {None} == {"feastflow-backend"}
    outward = {
        (client, server) for client, server, port in paths(pods, policies, "egress", "to") if port != 53
    }
    assert ("feastflow-backend", "postgres-pooler") in outward
    assert ("feastflow-backend", "postgres") not in outward
    ends = {server for client, server in outward if client == "postgres-pooler"}
    assert ends == ({"postgres"} if engine == "dev" else {None})
    names = {each.object_name for each in recording.all("NetworkPolicy")}
    assert "postgres-pooler-to-postgres" in names
    assert "feastflow-backend-to-postgres" not in names
    if engine == "dev":
        let_in = {
            client for server, client, _ in paths(pods, policies, "ingress", "from") if server == "postgres"
        }
        jobs = {name for name in pods if name.startswith(("feastflow-migrations-", "feastflow-roles-"))}
        assert let_in == {"postgres-pooler", *jobs}


def test_no_path_of_a_stack_without_a_pooler_is_changed_while_its_pods_still_run() -> None:
    """Pulumi deletes what has left the program at the end of an update, and changes the rest before."""
    before = record_stack(stack_file("dev"))
    after = recorded("dev")
    kept = {each.name: each.inputs["spec"] for each in before.all("NetworkPolicy")}
    now = {each.name: each.inputs["spec"] for each in after.all("NetworkPolicy")}
    changed = {name for name in kept.keys() & now.keys() if kept[name] != now[name]}
    assert changed == set()
    assert {"postgres-network-policy", "feastflow-backend-to-postgres"} <= kept.keys() - now.keys()


@pytest.mark.parametrize(
    ("engine", "rotation"), [("dev", 1), ("dev", 2), ("dev", 3), ("prod", 2), ("external", 2)]
)
def test_it_knows_the_verifiers_of_the_login_in_use_and_of_the_one_before_and_no_password(
    engine: str, rotation: int
) -> None:
    recording = recorded(engine, rotation)
    (volume,) = [
        each for each in pod(recording, "Deployment/postgres-pooler")["volumes"] if each["name"] == "logins"
    ]
    sources = [each["secret"] for each in volume["projected"]["sources"]]
    users = []
    for number, source in enumerate(sources):
        assert [item["key"] for item in source["items"]] == ["username", "verifier"]
        assert {item["path"].split("/")[0] for item in source["items"]} == {str(number)}
        secret = recording.one("Secret", source["name"]).inputs
        assert secret["immutable"]
        users.append(base64.b64decode(secret["data"]["username"]).decode())
    now, before = ("feastflow_a", "feastflow_b") if rotation % 2 else ("feastflow_b", "feastflow_a")
    assert users == [now, before][: min(rotation, 2)]
    assert told(recording, "Deployment/feastflow-backend")["DB_USER"] == now


def test_a_rotation_leaves_the_secret_of_the_login_before_as_it_is() -> None:
    def logins(rotation: int) -> dict[str, Any]:
        found = recorded("dev", rotation).all("Secret")
        return {each.name: each.inputs for each in found if each.name.startswith("postgres-login-")}

    first, second, third = (logins(rotation) for rotation in (1, 2, 3))
    assert second["postgres-login-secret-1"] == first["postgres-login-secret-1"]
    assert third["postgres-login-secret-2"] == second["postgres-login-secret-2"]
    assert [len(each) for each in (first, second, third)] == [1, 2, 2]


@pytest.mark.parametrize(
    ("server", "mode", "verified"),
    [
        ("dev", "verify-full", True),
        ("prod", "verify-full", True),
        ("verify-ca", "verify-ca", True),
        ("require", "require", False),
    ],
)
def test_it_verifies_the_server_as_its_clients_would(server: str, mode: str, verified: bool) -> None:  # noqa: FBT001 - a case
    if server in ENGINES:
        recording = recorded(server)
    else:
        owner = {"user": "dbadmin", "password": KEPT}
        external = {**SERVER, "sslMode": mode, "administrator": owner}
        if not verified:
            external.pop("ca")
        database = {"engine": "external", "external": external, "pooler": {}}
        recording = record_stack({**stack_file("dev"), "feastflow:database": database})
        # Clients verify the pooler all the same.
        assert told(recording, "Deployment/feastflow-backend")["PGSSLMODE"] == "verify-full"
    found = settings(recording)
    assert found["server_tls_sslmode"] == mode
    assert ("server_tls_ca_file" in found) is verified
    assert (found["client_tls_sslmode"], found["auth_type"]) == ("require", "scram-sha-256")


def test_it_reads_no_file_but_those_that_it_is_given() -> None:
    """An image need not have an authority of its own; without any, PgBouncer does not start."""
    recording = recorded("prod")
    mounted = {
        each["mountPath"]
        for each in pod(recording, "Deployment/postgres-pooler")["containers"][0]["volumeMounts"]
    }
    files = {key: value for key, value in settings(recording).items() if key.endswith("_file")}
    assert {key for key in files if "tls" in key} == {
        *("client_tls_ca_file", "client_tls_cert_file", "client_tls_key_file", "server_tls_ca_file")
    }
    assert all(value.rpartition("/")[0] in mounted for value in files.values())


def test_its_certificate_has_the_names_that_clients_call() -> None:
    recording = recorded("dev")
    data = recording.one("Secret", "postgres-pooler-tls-secret").inputs["data"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "postgres-pooler" in names.get_values_for_type(x509.DNSName)
    assert data != recording.one("Secret", "postgres-tls-secret").inputs["data"]


def test_a_pool_is_all_that_a_pod_opens_and_the_servers_limit_follows_the_pools() -> None:
    found = settings(recorded("dev"))
    assert (found["max_db_connections"], found["default_pool_size"]) == ("10", "10")
    stack = parse(database={"pooler": {"poolSize": 4, "replicas": 3}})
    pools, migration, role_jobs, superuser = (2 * 3 + 1) * 4, 3 + 1, 2, 3
    assert peak(stack) == pools + migration + role_jobs + superuser
    assert stack.connections == 40


def test_eighteen_pods_need_fewer_connections_by_the_pooler() -> None:
    assert (peak(parse()), peak(parse(database={"pooler": {}}))) == (77, 59)
    many = {"poolSize": 8, "autoscaling": {"maxReplicas": 8}}
    memory = {"resources": {"limits": {"memory": "4Gi"}}}
    assert peak(parse(backend=many, database=memory)) == 167
    assert peak(parse(backend=many, database={**memory, "pooler": {}})) == 64


@pytest.mark.parametrize("pods", [8, 40, 100])
def test_it_accepts_all_clients_of_two_versions_wherever_they_land(pods: int) -> None:
    backend = {"poolSize": 5, "autoscaling": {"maxReplicas": pods}, "jobs": {"report": JOB}}
    stack = parse(backend=backend, database={"pooler": {}})
    assert stack.pooled >= (2 * (2 * pods + 1) + 1) * (5 + 1)
    assert stack.connections == parse(backend={"poolSize": 5}, database={"pooler": {}}).connections


def test_too_few_connections_for_the_pools_are_refused_with_the_pool_that_fits() -> None:
    message = refusal(database={"pooler": {"poolSize": 20}, "maxConnections": 60})
    assert "feastflow:database.maxConnections\n  found: 60\n" in message
    assert "5 pods of the pooler with 20 connections each, and Jobs, need 109" in message
    assert "database.pooler.poolSize 10 would fit" in message
    assert parse(database={"pooler": {"poolSize": 10}, "maxConnections": 60}).connections == 60
    none = refusal(database={"pooler": {"replicas": 10}, "maxConnections": 20})
    assert "lower database.pooler.replicas to fit" in none


def test_clients_that_a_poolers_memory_does_not_hold_are_refused_with_the_memory_that_does() -> None:
    backend = {"poolSize": 100, "autoscaling": {"maxReplicas": 100}}
    message = refusal(backend=backend, database={"pooler": {}})
    assert "open 40650 connections to the pooler" in message
    fix = "feastflow:database.pooler.resources.limits.memory 1664Mi"
    assert f"pulumi config set --path {fix}" in message
    memory = {"limits": {"memory": "1664Mi"}}
    server = {"limits": {"memory": "1Gi"}}
    assert (
        parse(backend=backend, database={"resources": server, "pooler": {"resources": memory}}).pooled
        == 40650
    )


def test_pools_that_the_servers_memory_does_not_hold_are_refused() -> None:
    message = refusal(database={"pooler": {"poolSize": 100}})
    assert "Lower database.pooler.poolSize or database.pooler.replicas, or give it the memory" in message


@pytest.mark.parametrize(
    ("sections", "key", "why"),
    [
        ({"database": {**OWN, "pooler": {}}}, "database.pooler", "nothing here knows that"),
        (
            {
                "database": {"pooler": {}},
                "backend": {"migrations": {"mode": "initContainer", "command": ["m"]}},
            },
            "backend.migrations.mode",
            "reach the pooler alone",
        ),
        (
            {"database": {"pooler": {"image": "pgbouncer:v1.20.1"}}},
            "database.pooler.image",
            "prepared statements",
        ),
        ({"database": {"pooler": {"image": "pgbouncer"}}}, "database.pooler.image", "latest"),
        ({"database": {"pooler": {"poolMode": "session"}}}, "database.pooler.poolMode", ""),
    ],
)
def test_what_cannot_be_pooled_is_refused(sections: dict[str, Any], key: str, why: str) -> None:
    message = refusal(**sections)
    assert f"feastflow:{key}\n" in message
    assert why in message


@pytest.mark.parametrize(
    "image", ["pgbouncer:1.21.0", "pgbouncer:v1.24.1", "pgbouncer:2.0", "pgbouncer:15-7"]
)
def test_an_image_that_may_be_new_enough_is_taken(image: str) -> None:
    assert parse(database={"pooler": {"image": image}}).database.pooler


@EACH
def test_the_quota_has_room_for_its_pods_and_the_old_ones_that_drain(engine: str) -> None:
    recording = recorded(engine)
    hard = recording.one("ResourceQuota", "feastflow").inputs["spec"]["hard"]
    assert_room(hard, recording.peaks())


@EACH
def test_it_is_hardened_spread_and_drained_like_every_tier_and_has_the_databases_priority(
    engine: str,
) -> None:
    recording = recorded(engine)
    spec = recording.one("Deployment", "postgres-pooler").inputs["spec"]
    own = spec["template"]["spec"]
    (container,) = own["containers"]
    assert own["priorityClassName"].endswith("-database")
    assert not own["automountServiceAccountToken"]
    assert len(own["topologySpreadConstraints"]) == 2
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    budget = recording.one("PodDisruptionBudget", "postgres-pooler").inputs["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    seconds = {name: int(each["value"]) for name, each in env(container).items() if name.endswith("_SECONDS")}
    assert seconds["DRAIN_SECONDS"] == 60
    assert own["terminationGracePeriodSeconds"] > sum(seconds.values())
    assert container["lifecycle"]["preStop"]["exec"]["command"][-1] == "drain"


@EACH
def test_the_backend_waits_for_it_and_the_operator_is_told_where_its_logs_are(engine: str) -> None:
    recording = recorded(engine)
    deployment = recording.one("Deployment", "postgres-pooler")
    backend = recording.one("Deployment", "feastflow-backend")
    assert deployment.urn in backend.dependencies
    logs = recording.exports["commands"]["poolerLogs"]
    assert logs.endswith("--selector component=pooler")
    assert "poolerLogs" not in record_stack(stack_file("dev")).exports["commands"]


@EACH
def test_a_rendering_refers_to_the_logins_of_two_rotations_and_its_values_agree(engine: str) -> None:
    recording = recorded(engine)
    objects = [each for each in recording.resources if each.type.startswith("kubernetes:")]
    manifests = [each.manifest for each in render(objects, Store(kind="SecretStore", name="vault", path="x"))]
    wanted = entries(manifests)
    assert {"x/feastflow-secret-roles-1", "x/feastflow-secret-roles-2"} <= wanted.keys()
    (made,) = [
        each
        for each in manifests
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "postgres-pooler"
    ]
    assert "feastflow-secret-roles-1" in json.dumps(made)
    fresh = values.fresh(wanted)
    certificate = x509.load_pem_x509_certificate(fresh["x/feastflow-secret-pooler-tls-1"]["tls.crt"].encode())
    above = x509.load_pem_x509_certificate(fresh["x/feastflow-secret-pooler-authority-1"]["ca.crt"].encode())
    certificate.verify_directly_issued_by(above)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["postgres-pooler"]


def test_without_a_pooler_nothing_of_it_is_made() -> None:
    for name in ("dev", "prod"):
        recording = record_stack({**stack_file(name), "feastflow:rotation": 2})
        assert not [each.name for each in recording.resources if "pooler" in each.name]
        assert len([each for each in recording.all("Secret") if each.name.startswith("postgres-login-")]) == 1
