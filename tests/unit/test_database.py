"""PostgreSQL by either engine, its roles and its rotation."""

import base64
import datetime as dt
import hashlib
import hmac
import re
import subprocess
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from cryptography import x509

from components.guards import apiserver
from components.guards.cluster.live import Seen
from components.postgres import authority, replicated, roles, scram, server_tls, standalone
from components.settings.model.database import Database
from components.settings.model.tenancy import Cluster
from components.settings.values import quantities
from components.workloads.environment import SecretKey

from .recorder import PLACE, ROOT, Recording, Registered, record, record_stack, secret_paths, stack_file
from .test_settings import parse

SCRIPT = ROOT / "components" / "postgres" / "postgres.sh"


def env(container: dict[str, Any]) -> dict[str, Any]:
    return {variable["name"]: variable for variable in container.get("env", [])}


def server(recording: Recording) -> dict[str, Any]:
    pod = recording.pods()["StatefulSet/postgres"]
    assert isinstance(pod, dict)
    return pod


def job(recording: Recording, verb: str) -> Registered:
    return recording.one("Job", f"feastflow-roles-{verb}")


def rotated(rotation: int) -> Recording:
    return record_stack({**stack_file("dev"), "feastflow:rotation": rotation})


def test_clients_find_it_as_postgres_at_5432_whichever_engine_runs(dev: Recording, prod: Recording) -> None:
    service = dev.one("Service", "postgres").inputs["spec"]
    assert service["ports"] == [
        {"name": "postgres", "port": 5432, "targetPort": "postgres", "protocol": "TCP"}
    ]
    assert service["selector"]["component"] == "database"
    assert service["type"] == "ClusterIP"
    assert "clusterIP" not in service
    extra = prod.one("Cluster", "postgres").inputs["spec"]["managed"]["services"]["additional"]
    assert extra == [
        {
            "selectorType": "rw",
            "updateStrategy": "patch",
            "serviceTemplate": {"metadata": {"name": "postgres"}, "spec": {"type": "ClusterIP"}},
        }
    ]
    assert dev.exports["services"]["database"] == "postgres.feastflow-dev.svc:5432"
    assert prod.exports["services"]["database"] == "postgres.feastflow-prod.svc:5432"


def test_the_layout_that_would_replace_the_standalone_server_is_pinned(dev: Recording) -> None:
    spec = dev.one("StatefulSet", "postgres").inputs["spec"]
    assert spec["replicas"] == 1
    assert spec["serviceName"] == "postgres-headless"
    assert spec["selector"] == {
        "matchLabels": {
            "app.kubernetes.io/name": "postgres",
            "app.kubernetes.io/instance": "feastflow-dev",
            "component": "database",
        }
    }
    # A claim of its own can be protected and can grow; a template in the StatefulSet can do neither.
    assert "volumeClaimTemplates" not in spec
    # In order, a pod that never became ready would block its own repair.
    assert spec["podManagementPolicy"] == "Parallel"
    headless = dev.one("Service", "postgres-headless").inputs["spec"]
    assert headless["clusterIP"] == "None"
    claim = dev.one("PersistentVolumeClaim", "postgres-data").inputs
    assert claim["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}


def test_the_volumes_class_and_the_servers_user_are_the_users_choice() -> None:
    choice = {"storageClass": "fast", "storage": "5Gi", "uid": 4242, "gid": 4343}
    recording = record_stack({**stack_file("dev"), "feastflow:database": choice})
    claim = recording.one("PersistentVolumeClaim", "postgres-data").inputs["spec"]
    assert claim["storageClassName"] == "fast"
    assert claim["resources"] == {"requests": {"storage": "5Gi"}}
    security = server(recording)["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (4242, 4343, 4343)
    # The image need not know the user.
    files = recording.one("ConfigMap", "postgres-config").inputs["data"]
    assert files["passwd"] == "postgres:x:4242:4343:PostgreSQL:/var/lib/postgresql:/bin/sh\n"


def test_the_programs_are_looked_for_where_debian_has_those_of_the_images_version() -> None:
    wish = {"image": "postgres:17.2-bookworm"}
    recording = record_stack({**stack_file("dev"), "feastflow:database": wish})
    text = recording.one("ConfigMap", "postgres-scripts").inputs["data"]["postgres.sh"]
    assert 'PATH="$PATH:/usr/lib/postgresql/17/bin"' in text
    assert "/15/" not in text


def test_the_server_is_process_one_and_its_data_a_directory_of_the_volume(dev: Recording) -> None:
    pod = server(dev)
    container = pod["containers"][0]
    assert container["command"][:3] == ["sh", "/etc/feastflow/scripts/postgres.sh", "serve"]
    assert env(container)["PGDATA"]["value"] == "/var/lib/postgresql/data/pgdata"
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/var/lib/postgresql/data"]["readOnly"] is False
    assert mounts["/etc/passwd"]["subPath"] == "passwd"
    assert {"/var/run/postgresql", "/tmp"} <= mounts.keys()
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (26, 26)


def test_a_long_crash_recovery_is_waited_for_and_never_killed(dev: Recording) -> None:
    pod = server(dev)
    container = pod["containers"][0]
    startup = container["startupProbe"]
    assert startup["failureThreshold"] * startup["periodSeconds"] >= 600
    assert startup["exec"]["command"][-1] == "ready"
    assert container["readinessProbe"]["exec"]["command"][-1] == "ready"
    # A server in recovery refuses connections, which counts as alive.
    assert container["livenessProbe"]["exec"]["command"][-1] == "alive"
    timing = {
        kind: [
            container[f"{kind}Probe"][key] for key in ("periodSeconds", "failureThreshold", "timeoutSeconds")
        ]
        for kind in ("liveness", "readiness", "startup")
    }
    assert timing == {"liveness": [10, 3, 5], "readiness": [5, 2, 5], "startup": [2, 300, 5]}
    assert env(pod["initContainers"][0])["START_SECONDS"]["value"] == "600"


def test_it_is_asked_to_stop_fast_before_sigterm_would_make_it_wait_for_clients(dev: Recording) -> None:
    pod = server(dev)
    assert pod["containers"][0]["lifecycle"] == {
        "preStop": {"exec": {"command": ["sh", "/etc/feastflow/scripts/postgres.sh", "stop"]}}
    }
    assert pod["terminationGracePeriodSeconds"] == 60


def test_the_superuser_cannot_log_in_over_the_network(dev: Recording) -> None:
    rules = dev.one("ConfigMap", "postgres-config").inputs["data"]["pg_hba.conf"].split("\n")
    assert rules == [
        "local all postgres peer",
        "local all all scram-sha-256",
        "hostnossl all all all reject",
        "hostssl all postgres all reject",
        "hostssl all all all scram-sha-256",
        "",
    ]


def test_the_server_has_a_key_of_its_own_that_only_its_user_and_group_may_read(dev: Recording) -> None:
    command = server(dev)["containers"][0]["command"]
    assert {"ssl=on", "ssl_cert_file=/etc/feastflow/tls/tls.crt"} <= set(command)
    assert "ssl_key_file=/etc/feastflow/tls/tls.key" in command
    tls = dev.one("Secret", "postgres-tls-secret")
    assert (tls.inputs["type"], tls.inputs["immutable"]) == ("kubernetes.io/tls", True)
    assert list(secret_paths(tls.raw)) == [".data"]
    pod = server(dev)
    (volume,) = [each for each in pod["volumes"] if each["name"] == "tls"]
    # Owned by root, with the server's group: PostgreSQL accepts that, and refuses wider permissions.
    assert volume["secret"] == {"secretName": tls.object_name, "defaultMode": 0o440}
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsGroup"]
    mounts = {mount["mountPath"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts["/etc/feastflow/tls"]["readOnly"] is True


def test_clients_get_the_authority_and_never_a_key(dev: Recording) -> None:
    authority = dev.one("Secret", "postgres-authority-secret")
    assert set(authority.inputs["data"]) == {"ca.crt"}
    keys = {dev.one("Secret", "postgres-tls-secret").object_name}
    mounted = {
        name: {each["secret"]["secretName"] for each in pod.get("volumes", []) if "secret" in each}
        for name, pod in dev.pods().items()
    }
    assert {name for name, secrets in mounted.items() if secrets & keys} == {"StatefulSet/postgres"}
    assert mounted["Deployment/feastflow-backend"] == {authority.object_name}


def test_the_first_up_of_another_year_renews_the_certificate_and_leaves_the_authority() -> None:
    def made(year: int) -> Recording:
        def program() -> None:
            parent = pulumi.ComponentResource("a:b:C", "parent")
            server_tls.create(PLACE, parent, year, of=PLACE.identity("postgres", "database"))

        return record(program)

    first, again, later = made(2026), made(2026), made(2027)
    names = [
        [
            each.one("Secret", name).object_name
            for name in ("postgres-authority-secret", "postgres-tls-secret")
        ]
        for each in (first, again, later)
    ]
    assert names[0] == names[1]
    assert names[0][0] == names[2][0]
    assert names[0][1] != names[2][1]


def test_the_certificate_is_the_servers_for_three_years_and_signed_by_the_authority() -> None:
    issued = authority.issue("a secret", ["postgres", "postgres.shop"], 2026)
    above, own = (
        x509.load_pem_x509_certificate(each.encode()) for each in (issued.authority, issued.certificate)
    )
    own.verify_directly_issued_by(above)
    assert own.not_valid_before_utc < dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert own.not_valid_after_utc == dt.datetime(2029, 1, 1, tzinfo=dt.UTC)
    assert above.not_valid_after_utc.year == 2100
    found = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == ["postgres", "postgres.shop"]
    assert own.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert own.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign is False
    assert above.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    other = authority.issue("another secret", ["postgres"], 2026)
    assert other.key != issued.key
    assert other.authority != issued.authority


@pytest.mark.parametrize("memory", ["64Mi", "512Mi", "1Gi", "8Gi"])
def test_the_servers_memory_follows_its_limit_and_leaves_room(memory: str) -> None:
    given = {"resources": {"limits": {"memory": memory}, "requests": {"memory": memory}}}
    database = Database.model_validate(given, by_alias=True)
    values = standalone.parameters(database, 160)
    limit = int(quantities.parse(memory)) // 2**20
    assert int(values["shared_buffers"].removesuffix("MB")) == max(32, limit // 4)
    assert int(values["shared_buffers"].removesuffix("MB")) <= limit / 2
    assert int(values["effective_cache_size"].removesuffix("MB")) == max(64, limit // 2)
    assert int(values["maintenance_work_mem"].removesuffix("MB")) == max(16, limit // 16)
    assert values["max_connections"] == "160"
    assert values["password_encryption"] == "scram-sha-256"
    assert (values["max_wal_size"], values["timezone"], values["listen_addresses"]) == ("512MB", "UTC", "*")


def test_the_servers_parameters_stand_in_its_command(dev: Recording) -> None:
    command = server(dev)["containers"][0]["command"]
    assert "max_connections=160" in command
    assert "shared_buffers=128MB" in command


def test_passwords_and_verifiers_are_secrets_all_the_way(dev: Recording) -> None:
    for name in ("postgres-admin-secret", "postgres-administrator-secret", "postgres-login-secret"):
        secret = dev.one("Secret", name)
        assert secret.inputs["immutable"] is True
        assert secret.inputs["type"] == "kubernetes.io/basic-auth"
        assert list(secret_paths(secret.raw)) == [".data"]
        data = {key: base64.b64decode(value).decode() for key, value in secret.inputs["data"].items()}
        assert set(data) - {"before"} == {"username", "password", "verifier"}
        assert data["verifier"] == scram.verifier(data["password"])
    for password in dev.all("RandomPassword"):
        assert password.inputs["length"] == 40
        assert password.inputs["special"] is False


def test_a_verifier_proves_the_password_as_rfc_5802_says() -> None:
    kind, parameters, keys = scram.verifier("secret").split("$")
    iterations, salt = parameters.split(":")
    stored, served = (base64.b64decode(key) for key in keys.split(":"))
    salted = hashlib.pbkdf2_hmac("sha256", b"secret", base64.b64decode(salt), int(iterations))
    assert (kind, iterations, len(base64.b64decode(salt))) == ("SCRAM-SHA-256", "4096", 16)
    assert hashlib.sha256(hmac.new(salted, b"Client Key", hashlib.sha256).digest()).digest() == stored
    assert hmac.new(salted, b"Server Key", hashlib.sha256).digest() == served
    assert scram.verifier("secret") == scram.verifier("secret") != scram.verifier("other")


def test_the_roles_are_created_along_with_the_server_and_the_migration_waits_in_its_pod_for_them(
    dev: Recording,
) -> None:
    grant = job(dev, "grant")
    server = dev.one("StatefulSet", "postgres").urn
    assert server not in grant.dependencies
    assert dev.one("Service", "postgres").urn in grant.dependencies
    assert dev.one("NetworkPolicy", "postgres-from-roles").urn in grant.dependencies
    migration = next(
        entry for entry in dev.all("Job") if entry.object_name.startswith("feastflow-migrations")
    )
    assert server in migration.dependencies
    assert grant.urn not in migration.dependencies
    (gate,) = migration.inputs["spec"]["template"]["spec"]["initContainers"]
    assert gate["command"][-1] == "login"


def test_the_failure_of_the_roles_is_told_before_the_migration_that_waits_for_them_has_ended(
    dev: Recording,
) -> None:
    grant, server = job(dev, "grant"), dev.one("StatefulSet", "postgres")
    migration = dev.one("Job", "feastflow-migrations")
    succeeded = dev.one("JobPatch", migration.object_name)
    assert migration.inputs["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert succeeded.inputs["metadata"] == {
        "name": migration.object_name,
        "namespace": "feastflow-dev",
        "annotations": {"pulumi.com/timeoutSeconds": "360"},
    }
    assert {migration.urn, grant.urn} <= set(succeeded.dependencies)
    backend = dev.one("Deployment", "feastflow-backend")
    assert {grant.urn, server.urn, succeeded.urn} <= set(backend.dependencies)


def test_the_roles_of_a_replicated_database_wait_for_its_operator_to_set_the_administrator(
    prod: Recording,
) -> None:
    assert prod.one("Cluster", "postgres").urn in job(prod, "grant").dependencies


def test_the_roles_job_speaks_as_the_administrator_and_knows_no_clients_password(dev: Recording) -> None:
    container = job(dev, "grant").inputs["spec"]["template"]["spec"]["containers"][0]
    variables = env(container)
    assert {name: variable["value"] for name, variable in variables.items() if "value" in variable} == {
        "DB_NAME": "feastflow",
        "DB_LOGIN": "feastflow_a",
        "PGHOST": "postgres",
        "PGPORT": "5432",
        "PGUSER": "feastflow_admin",
        "PGDATABASE": "postgres",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/feastflow/database/ca.crt",
        "NODE_EXTRA_CA_CERTS": "/etc/feastflow/database/ca.crt",
    }
    admin = dev.one("Secret", "postgres-administrator-secret").object_name
    login = dev.one("Secret", "postgres-login-secret").object_name
    assert variables["PGPASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": admin, "key": "password"}
    assert variables["DB_VERIFIER"]["valueFrom"]["secretKeyRef"] == {"name": login, "key": "verifier"}


def test_a_roles_job_gives_up_in_the_end(dev: Recording) -> None:
    spec = job(dev, "grant").inputs["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (3, 600)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_two_logins_take_turns_and_the_old_one_is_locked_when_it_is_not_used(dev: Recording) -> None:
    after = rotated(2)
    assert [resource.name for resource in dev.all("Job") if "retire" in resource.name] == []
    assert env(job(after, "grant").inputs["spec"]["template"]["spec"]["containers"][0])["DB_LOGIN"] == {
        "name": "DB_LOGIN",
        "value": "feastflow_b",
    }
    retire = job(after, "retire")
    container = retire.inputs["spec"]["template"]["spec"]["containers"][0]
    assert env(container)["DB_LOGIN"]["value"] == "feastflow_a"
    assert "DB_VERIFIER" not in env(container)
    assert after.one("Deployment", "feastflow-backend").urn in retire.dependencies
    database = parse().database
    assert [roles.login(database, number) for number in (1, 2, 3)] == [
        "feastflow_a",
        "feastflow_b",
        "feastflow_a",
    ]


def test_a_rotation_replaces_the_clients_secrets_and_leaves_the_server_alone(dev: Recording) -> None:
    after = rotated(2)
    for name, changes in {
        "postgres-login-secret": True,
        "backend-secret": True,
        "postgres-administrator-secret": True,
        "postgres-admin-secret": False,
    }.items():
        assert (dev.one("Secret", name).object_name != after.one("Secret", name).object_name) is changes, name
    assert server(dev) == server(after)
    before_job, after_job = job(dev, "grant"), job(after, "grant")
    assert before_job.object_name != after_job.object_name
    assert {entry.name for entry in after.all("RandomPassword")} == {
        "postgres-admin-password-1",
        "postgres-administrator-key-1",
        "postgres-login-password-2",
        "postgres-authority-key-1",
        "jwt-secret-2",
    }


def test_the_replicated_engine_loses_no_acknowledged_write_and_fails_over_by_itself(prod: Recording) -> None:
    cluster = prod.one("Cluster", "postgres").inputs
    spec = cluster["spec"]
    assert cluster["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}
    assert spec["instances"] == 3
    assert spec["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required"}
    assert spec["primaryUpdateStrategy"] == "unsupervised"
    assert spec["enablePDB"] is True
    assert spec["enableSuperuserAccess"] is False
    assert spec["storage"] == {"size": "10Gi"}
    assert spec["priorityClassName"] == "feastflow-prod-database"
    assert (spec["postgresUID"], spec["postgresGID"]) == (26, 26)
    assert (spec["smartShutdownTimeout"], spec["stopDelay"], spec["startDelay"]) == (5, 60, 600)
    assert spec["switchoverDelay"] == 60
    assert spec["inheritedMetadata"]["labels"] == {
        "component": "database",
        "app.kubernetes.io/part-of": "feastflow",
    }
    assert spec["bootstrap"]["initdb"]["database"] == "feastflow"
    assert spec["bootstrap"]["initdb"]["owner"] == "feastflow"
    assert spec["bootstrap"]["initdb"]["dataChecksums"] is True
    assert set(spec["postgresql"]["parameters"]) == {
        "max_connections",
        "shared_buffers",
        "effective_cache_size",
        "maintenance_work_mem",
        "max_wal_size",
        "wal_retrieve_retry_interval",
    }
    admin = prod.one("Secret", "postgres-administrator-secret").object_name
    assert spec["managed"]["roles"] == [
        {
            "name": "feastflow_admin",
            "ensure": "present",
            "login": True,
            "createdb": False,
            "createrole": False,
            "passwordSecret": {"name": admin},
        }
    ]


@pytest.mark.parametrize(
    ("zones", "rule"), [(3, "required"), (4, "required"), (2, "preferred"), (1, "preferred")]
)
def test_instances_must_be_in_different_zones_where_there_are_enough(zones: int, rule: str) -> None:
    place = replace(PLACE, cluster=Cluster(zones=zones))
    settings = parse(database={"engine": "replicated", "instances": 3}).database
    affinity = replicated.specification(
        replicated.ReplicatedArgs(
            place=place,
            identity=place.identity("postgres", "database"),
            settings=settings,
            connections=160,
            admin_password=SecretKey(secret="s", key="k"),
        )
    )["affinity"]
    assert affinity["podAntiAffinityType"] == rule
    assert affinity["topologyKey"] == "topology.kubernetes.io/zone"
    assert {entry["tolerationSeconds"] for entry in affinity["tolerations"]} == {10}


def test_clients_of_the_replicated_engine_verify_whom_they_talk_to(prod: Recording) -> None:
    names = prod.one("Cluster", "postgres").inputs["spec"]["certificates"]["serverAltDNSNames"]
    assert names[0] == "postgres"
    assert "postgres.feastflow-prod.svc.cluster.local" in names
    values = prod.one("ConfigMap", "backend-config").inputs["data"]
    assert values["PGSSLMODE"] == "verify-full"
    assert values["PGSSLROOTCERT"] == values["NODE_EXTRA_CA_CERTS"] == "/etc/feastflow/database/ca.crt"
    for name in ("Deployment/feastflow-backend", f"Job/{job(prod, 'grant').object_name}"):
        pod = prod.pods()[name]
        volume = next(entry for entry in pod["volumes"] if entry["name"] == "database-ca")
        assert volume["secret"] == {
            "secretName": "postgres-ca",
            "items": [{"key": "ca.crt", "path": "ca.crt"}],
        }
        mounts = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert "/etc/feastflow/database" in mounts


def test_clients_of_the_standalone_engine_verify_it_too(dev: Recording) -> None:
    values = dev.one("ConfigMap", "backend-config").inputs["data"]
    assert values["PGSSLMODE"] == "verify-full"
    assert values["PGSSLROOTCERT"] == values["NODE_EXTRA_CA_CERTS"] == "/etc/feastflow/database/ca.crt"
    for name in ("feastflow-roles-grant", "feastflow-migrations"):
        pod = dev.pods()[f"Job/{dev.one('Job', name).object_name}"]
        assert "/etc/feastflow/database" in {
            mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]
        }


def test_no_instance_lets_anybody_in_without_tls(prod: Recording) -> None:
    # The operator's own rules come before, and its last one lets in every client with a password.
    assert prod.one("Cluster", "postgres").inputs["spec"]["postgresql"]["pg_hba"] == [
        "hostnossl all all all reject",
        "hostssl all postgres all reject",
    ]


def test_only_instances_and_their_operator_reach_instances_and_only_they_the_kubernetes_api(
    prod: Recording,
) -> None:
    inward = prod.one("NetworkPolicy", "postgres-from-peers").inputs["spec"]
    instances = {"matchLabels": {"cnpg.io/cluster": "postgres"}}
    assert inward["podSelector"] == instances
    peers, operator = inward["ingress"]
    assert [port["port"] for port in peers["ports"]] == [5432, 8000]
    assert peers["from"] == [{"podSelector": instances}]
    assert [port["port"] for port in operator["ports"]] == [8000]
    assert operator["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "cnpg-system"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "cloudnative-pg"}},
        }
    ]
    outward = prod.one("NetworkPolicy", "postgres-to-peers").inputs["spec"]
    assert outward["podSelector"] == instances
    (own,) = outward["egress"]
    assert own["to"] == [{"podSelector": instances}]
    api = prod.one("NetworkPolicy", "postgres-to-kubernetes").inputs["spec"]
    assert api["podSelector"] == instances
    assert api["policyTypes"] == ["Egress"]


def api_egress(recording: Recording) -> list[tuple[list[str], list[int]]]:
    spec = recording.one("NetworkPolicy", "postgres-to-kubernetes").inputs["spec"]
    return [
        ([peer["ipBlock"]["cidr"] for peer in rule["to"]], [port["port"] for port in rule["ports"]])
        for rule in spec["egress"]
    ]


def test_the_kubernetes_api_is_where_the_settings_say_or_the_last_update_saw_it_or_in_private_networks(
    prod: Recording,
) -> None:
    private = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"]
    assert api_egress(prod) == [(private, [443, 6443])]
    last = {"dataDependsOn": {"apiServer": ["10.96.0.1 443", "172.18.0.2 6443", "fd00::3 6443"]}}
    assert api_egress(record_stack(stack_file("prod"), last)) == [
        (["10.96.0.1/32"], [443]),
        (["172.18.0.2/32", "fd00::3/128"], [6443]),
    ]
    told = {**stack_file("prod"), "feastflow:cluster": {"apiServer": ["192.0.2.0/28"]}}
    assert api_egress(record_stack(told, last)) == [(["192.0.2.0/28"], [443, 6443])]
    assert record_stack(stack_file("prod"), last).exports["dataDependsOn"]["apiServer"] == [
        "10.96.0.1 443",
        "172.18.0.2 6443",
        "fd00::3 6443",
    ]


def test_what_the_cluster_says_now_is_taken_and_remembered() -> None:
    seen = Seen(api_server=("10.96.0.1 443", "172.18.0.9 6443"))
    before = {"apiServer": ["172.18.0.2 6443"]}
    assert apiserver.recorded(seen, before) == {"apiServer": list(seen.api_server)}
    assert apiserver.recorded(Seen(unseen="no"), before) == before
    assert apiserver.recorded(None, {}) == {}


def test_only_its_clients_reach_the_database(dev: Recording, prod: Recording) -> None:
    def clients(recording: Recording, selector: dict[str, Any]) -> dict[str, list[int]]:
        return {
            entry.object_name: [port["port"] for rule in spec["ingress"] for port in rule["ports"]]
            for entry in recording.all("NetworkPolicy")
            if (spec := entry.inputs["spec"])["podSelector"] == selector and "ingress" in spec
        }

    server = {"matchLabels": dev.one("StatefulSet", "postgres").inputs["spec"]["selector"]["matchLabels"]}
    own = {"postgres-from-roles": [5432], "postgres-network-policy": [5432]}
    assert clients(dev, server) == own
    assert clients(prod, {"matchLabels": {"cnpg.io/cluster": "postgres"}}) == {
        **own,
        "postgres-from-peers": [5432, 8000, 8000],
    }


def test_the_script_is_mounted_as_it_is_in_the_repository(dev: Recording) -> None:
    config = dev.one("ConfigMap", "postgres-scripts")
    assert config.inputs["data"]["postgres.sh"] == SCRIPT.read_text(encoding="utf-8")
    assert set(config.inputs["data"]) == {"postgres.sh", "volume.sh", "roles.sql"}
    assert config.inputs["immutable"] is True
    assert config.inputs["metadata"]["labels"]["component"] == "roles"


def test_the_functions_are_of_the_stacks_own_names_on_both_engines(dev: Recording, prod: Recording) -> None:
    text = dev.one("ConfigMap", "postgres-scripts").inputs["data"]["roles.sql"]
    assert "NOT IN ('feastflow_a', 'feastflow_b') THEN" in text
    assert not re.search("@[a-z]+@", text)
    assert prod.one("Cluster", "postgres").inputs["spec"]["bootstrap"]["initdb"]["postInitSQL"] == [text]
    # The operator passes it to a container as an argument, in which Kubernetes expands $(NAME).
    assert "$$" not in text
    assert "$(" not in text
    # Functions called inside are PostgreSQL's own, whatever the session's search_path.
    functions = text.count("SECURITY DEFINER")
    assert functions == text.count("SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS") == 3


def administrators(recording: Recording) -> dict[str, str]:
    """Return the keys of its Secret of this update."""
    data = recording.one("Secret", "postgres-administrator-secret").inputs["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_the_administrators_password_rotates_with_the_others_without_a_restart(dev: Recording) -> None:
    def after(wanted: int, **last: int) -> Recording:
        config = {**stack_file("dev"), "feastflow:rotation": wanted}
        return record_stack(config, {"dataDependsOn": last})

    second = after(2, rotation=1, administrator=1)
    again = after(2, rotation=2, administrator=2)
    back = after(1, rotation=2, administrator=2)
    third = after(2, rotation=1, administrator=2)
    one, two, same, kept, three = (administrators(each) for each in (dev, second, again, back, third))
    assert one["password"] == one["before"] == "generated postgres-admin-password-1"
    assert two["before"] == one["password"] != two["password"]
    # A second update changes nothing, and a rollback keeps what is in force.
    assert same == two
    assert kept == two
    assert three["before"] == two["password"] != three["password"]
    # Another resource to Pulumi needs another object: the former one's is deleted after it was created.
    made = [each.one("Secret", "postgres-administrator-secret") for each in (second, again, back, third)]
    assert [each.name[-1] for each in made] == ["2", "2", "1", "2"]
    assert made[0].object_name == made[1].object_name
    assert len({each.object_name for each in made}) == 3
    for each in (one, two, three):
        assert each["verifier"] == scram.verifier(each["password"])
        assert each["username"] == "feastflow_admin"
    assert [each.exports["dataDependsOn"]["administrator"] for each in (dev, second, again, back, third)] == [
        1,
        2,
        2,
        2,
        3,
    ]
    assert server(dev) == server(second) == server(third)


def test_an_administrator_of_a_version_before_is_found_by_its_first_password() -> None:
    found = record_stack({**stack_file("dev"), "feastflow:rotation": 5}, {"dataDependsOn": {"rotation": 5}})
    assert found.exports["dataDependsOn"]["administrator"] == 5
    variables = env(job(found, "grant").inputs["spec"]["template"]["spec"]["containers"][0])
    first = found.one("Secret", "postgres-admin-secret")
    assert variables["ADMIN_FIRST"]["valueFrom"]["secretKeyRef"] == {
        "name": first.object_name,
        "key": "password",
    }
    assert (
        base64.b64decode(first.inputs["data"]["password"]).decode() == "generated postgres-admin-password-1"
    )


def test_the_operator_sets_the_administrators_password_of_the_rotation(prod: Recording) -> None:
    (role,) = prod.one("Cluster", "postgres").inputs["spec"]["managed"]["roles"]
    secret = prod.one("Secret", "postgres-administrator-secret")
    assert role["passwordSecret"] == {"name": secret.object_name}
    assert secret.inputs["type"] == "kubernetes.io/basic-auth"


def test_the_script_is_one_that_a_plain_shell_can_read() -> None:
    subprocess.run(["/bin/sh", "-n", str(SCRIPT)], check=True)  # noqa: S603 - the repository's own file
    result = subprocess.run(["/bin/sh", str(SCRIPT), "dance"], capture_output=True, text=True, check=False)  # noqa: S603
    assert result.returncode == 2
    assert "usage:" in result.stderr


def test_no_statement_of_the_script_holds_a_password() -> None:
    text = SCRIPT.read_text(encoding="utf-8") + roles.FUNCTIONS.read_text(encoding="utf-8")
    assert "PASSWORD :'verifier'" in text
    assert "getenv password" not in text
    assert "PGPASSWORD')" not in text
