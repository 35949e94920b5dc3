"""A database that the stack does not run: what is made for it, opened, told and refused."""

from typing import Any

import pulumi
import pytest

from components.guards import continuity
from components.guards.cluster import offers, rights
from components.settings.model.workload import PEM
from tools.render.manifests import render
from tools.render.secrets import Store

from .recorder import Recording, record_stack, secret_paths, stack_file
from .test_database import env
from .test_settings import parse, refusal

_BACKENDS_PATH = "feastflow-backend-to-postgres"
STORE = Store(kind="ClusterSecretStore", name="vault", path="shop")
KEPT = {"secret": "db", "key": "password"}
SERVER: dict[str, Any] = {"host": "db.example.com", "cidrs": ["10.20.0.0/24"], "ca": PEM}
OWN = {"engine": "external", "external": {**SERVER, "password": KEPT}}
MANAGED = {
    "engine": "external",
    "external": {**SERVER, "port": 6432, "administrator": {"user": "dbadmin", "password": KEPT}},
}


def recorded(database: dict[str, Any], secret: list[str] | None = None, **more: object) -> Recording:
    given = {f"feastflow:{key}": value for key, value in more.items()}
    return record_stack({**stack_file("dev"), **given, "feastflow:database": database}, secret=secret or [])


def container(recording: Recording, maker: str, kind: str = "containers") -> dict[str, Any]:
    (found,) = [pod for name, pod in recording.pods().items() if name.startswith(maker)]
    first: dict[str, Any] = found[kind][0]
    return first


def test_nothing_of_a_server_of_ours_is_made() -> None:
    recording = recorded(OWN)
    for kind in ("StatefulSet", "Cluster", "PersistentVolumeClaim"):
        assert not recording.all(kind)
    assert {each.object_name for each in recording.all("Service")} == {
        "feastflow-backend",
        "feastflow-frontend",
    }
    hard = recording.one("ResourceQuota", "feastflow").inputs["spec"]["hard"]
    assert (hard["persistentvolumeclaims"], hard["requests.storage"]) == ("0", "0Mi")
    (limit,) = recording.one("LimitRange", "feastflow").inputs["spec"]["limits"]
    assert limit["type"] == "Container"
    assert recording.exports["services"]["database"] == "db.example.com:5432"
    assert not {"psql", "databaseLogs"} & recording.exports["commands"].keys()


def test_the_api_is_told_of_it_by_the_same_variables_under_the_names_that_it_wants() -> None:
    recording = recorded(OWN, backend={"envNames": {"DB_HOST": "PG_HOST"}, "migrations": {"command": ["m"]}})
    for maker in ("Deployment/feastflow-backend", "Job/feastflow-migrations"):
        told = env(container(recording, maker))
        assert told["DB_PASSWORD"]["valueFrom"] == {"secretKeyRef": {"name": "db", "key": "password"}}
        assert "PG_HOST" in told
        assert "DB_HOST" not in told
    values = recording.one("ConfigMap", "backend-config").inputs["data"]
    assert (values["DB_HOST"], values["DB_PORT"]) == ("db.example.com", "5432")
    assert (values["DB_NAME"], values["DB_USER"]) == ("feastflow", "feastflow")
    assert values["PGSSLMODE"] == "verify-full"
    (pod,) = [pod for name, pod in recording.pods().items() if name == "Deployment/feastflow-backend"]
    (authority,) = [each for each in pod["volumes"] if each["name"] == "database-ca"]
    named = recording.one("ConfigMap", authority["configMap"]["name"])
    assert named.inputs["data"] == {"ca.crt": PEM}


def test_a_server_that_is_not_verified_is_told_so_and_has_no_authority() -> None:
    server = {"host": "db.example.com", "sslMode": "require", "password": KEPT}
    recording = recorded({"engine": "external", "external": server})
    values = recording.one("ConfigMap", "backend-config").inputs["data"]
    assert values["PGSSLMODE"] == "require"
    assert not {"PGSSLROOTCERT", "NODE_EXTRA_CA_CERTS"} & values.keys()


@pytest.mark.parametrize(
    ("server", "peers", "port"),
    [
        (MANAGED, [{"ipBlock": {"cidr": "10.20.0.0/24"}}], 6432),
        (
            {"engine": "external", "external": {**OWN["external"], "host": "postgres.data.svc", "cidrs": []}},  # type: ignore[dict-item]
            [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "data"}}}],
            5432,
        ),
    ],
)
def test_the_clients_reach_its_addresses_on_its_port_and_nothing_else(
    server: dict[str, Any], peers: list[Any], port: int
) -> None:
    job = {"schedule": "@daily", "command": ["a"]}
    recording = recorded(server, backend={"migrations": {"command": ["m"]}, "jobs": {"a": job}})
    opened = [each for each in recording.all("NetworkPolicy") if each.object_name.endswith("-to-postgres")]
    assert {each.object_name.removesuffix("-to-postgres") for each in opened} == {
        *("feastflow-backend", "feastflow-jobs", "feastflow-migrations", "feastflow-roles")
    }
    for policy in opened:
        (rule,) = policy.inputs["spec"]["egress"]
        assert (rule["to"], rule["ports"]) == (peers, [{"port": port, "protocol": "TCP"}])
        assert policy.inputs["spec"]["policyTypes"] == ["Egress"]


def test_the_server_is_asked_from_a_pod_before_anything_waits_for_it() -> None:
    recording = recorded(OWN, backend={"migrations": {"command": ["m"]}})
    check = recording.one("Job", "feastflow-roles-check")
    asked = container(recording, "Job/feastflow-roles-check")
    assert asked["command"][-1] == "check"
    told = env(asked)
    assert told["PGHOST"]["value"] == "db.example.com"
    assert told["PGUSER"]["value"] == "feastflow"
    assert told["PGPASSWORD"]["valueFrom"] == {"secretKeyRef": {"name": "db", "key": "password"}}
    assert int(told["CONNECTIONS"]["value"]) == parse(database=OWN).connections
    for waiting in ("Job", "feastflow-migrations"), ("Deployment", "feastflow-backend"):
        (kind, name) = waiting
        (found,) = [each for each in recording.all(kind) if each.object_name.startswith(name)]
        assert check.urn in found.dependencies
    # Pods that run keep their way to the server before, until this one was found suitable.
    (path,) = [each for each in recording.all("NetworkPolicy") if each.object_name == _BACKENDS_PATH]
    assert check.urn in path.dependencies


def test_another_server_is_asked_anew_and_an_unchanged_one_is_not() -> None:
    names = [
        recorded({**OWN, "external": {**OWN["external"], **change}})  # type: ignore[dict-item]
        .one("Job", "feastflow-roles-check")
        .object_name
        for change in ({}, {"host": "other.example.com"}, {"cidrs": ["10.21.0.0/24"]}, {"port": 6432})
    ]
    assert len(set(names)) == len(names)


def test_an_administrator_makes_logins_that_take_turns_and_the_api_never_has_its_password() -> None:
    first, second = recorded(MANAGED), recorded(MANAGED, rotation=2)
    for recording, login in ((first, "feastflow_a"), (second, "feastflow_b")):
        assert recording.one("ConfigMap", "backend-config").inputs["data"]["DB_USER"] == login
        told = env(container(recording, "Job/feastflow-roles-grant"))
        assert told["DB_LOGIN"]["value"] == login
        assert told["PGUSER"]["value"] == "dbadmin"
        assert "DB_PASSWORD" not in told
        password = env(container(recording, "Deployment/feastflow-backend"))["DB_PASSWORD"]
        assert password["valueFrom"]["secretKeyRef"]["name"] != "db"
    assert not [each for each in first.all("Job") if "retire" in each.object_name]
    retire = second.one("Job", "feastflow-roles-retire")
    assert env(container(second, "Job/feastflow-roles-retire"))["DB_LOGIN"]["value"] == "feastflow_a"
    assert second.one("Deployment", "feastflow-backend").urn in retire.dependencies


def test_a_password_of_the_stacks_own_file_goes_into_a_secret_alone() -> None:
    server = {**SERVER, "password": "typed-by-hand"}
    recording = recorded({"engine": "external", "external": server}, ["feastflow:database"])
    told = env(container(recording, "Deployment/feastflow-backend"))["DB_PASSWORD"]["valueFrom"]
    kept = recording.one("Secret", told["secretKeyRef"]["name"])
    assert kept.name == "database-application-secrets"
    assert list(secret_paths(kept.raw)) == [".data"]
    for each in recording.resources:
        if each.kind not in ("Secret", "RandomId"):
            assert "typed-by-hand" not in repr(each.inputs)
    # A rendering has references in the place of both.
    rendered = render([each for each in recording.resources if each.type.startswith("kubernetes:")], STORE)
    text = repr([each.manifest for each in rendered])
    assert "typed-by-hand" not in text
    assert "ExternalSecret" in text


def test_a_password_in_plain_text_is_refused() -> None:
    plain = {"engine": "external", "external": {**SERVER, "password": "typed-by-hand"}}
    told = refusal(database=plain)
    assert "feastflow:database.external.password" in told
    assert "not encrypted" in told
    assert "typed-by-hand" not in told


@pytest.mark.parametrize(
    ("change", "key", "why"),
    [
        ({"storage": "3Gi"}, "storage", "not the stack's"),
        ({"storageClass": "fast"}, "storageClass", "not the stack's"),
        ({"instances": 3}, "instances", "not the stack's"),
        ({"uid": 999}, "uid", "not the stack's"),
        ({"resources": {"limits": {"memory": "1Gi"}}}, "resources", "not the stack's"),
        ({"crashRecoverySeconds": 900}, "crashRecoverySeconds", "not the stack's"),
        ({"caBundle": {"pem": PEM}}, "caBundle", "not the stack's"),
        (
            {"backup": {"destination": "s3://bbb/p", "credentials": {"secretName": "s"}}},
            "backup",
            "not the stack's",
        ),
        ({"operatorAccount": "o"}, "operatorAccount", "no operator"),
        ({"engine": "standalone"}, "external", "a server of its own"),
        ({"external": None}, "external", "has to be told"),
        ({"external": SERVER}, "external.password", "a login that is there"),
        ({"external": {**MANAGED["external"], "password": KEPT}}, "external.password", "either"),  # type: ignore[dict-item]
        ({"external": {"host": "db.example.com", "password": KEPT}}, "external.ca", "authorities"),
        ({"external": {**OWN["external"], "sslMode": "require"}}, "external.ca", "no certificate"),  # type: ignore[dict-item]
        ({"external": {**OWN["external"], "host": "postgres"}}, "external.host", "own namespace"),  # type: ignore[dict-item]
        ({"external": {**OWN["external"], "host": "db.lan", "cidrs": []}}, "external.host", "public"),  # type: ignore[dict-item]
        ({"external": {**OWN["external"], "host": "db.data.svc"}}, "external.cidrs", "reached in"),  # type: ignore[dict-item]
        ({"maxConnections": 20}, "maxConnections", "refuse the last ones"),
    ],
)
def test_what_has_no_effect_there_or_cannot_work_is_refused(
    change: dict[str, Any], key: str, why: str
) -> None:
    told = refusal(database={**OWN, **change})
    assert f"\nfeastflow:database.{key}\n" in told
    assert why in told


def test_a_range_that_is_a_whole_network_needs_an_exemption_of_each_policy() -> None:
    told = refusal(database={**OWN, "external": {**OWN["external"], "cidrs": ["10.0.0.0/8"]}})  # type: ignore[dict-item]
    assert "feastflow:database.external.cidrs[0]" in told
    assert "NetworkPolicy/feastflow-backend-to-postgres" in told


def test_production_is_not_asked_for_backups_of_a_server_of_others() -> None:
    assert "database.backup" not in refusal(environment="prod", database=OWN)


def test_a_stack_with_data_of_its_own_does_not_become_one_without() -> None:
    for before, now in ((parse(), parse(database=OWN)), (parse(database=OWN), parse())):
        with pytest.raises(pulumi.RunError, match=r"feastflow:database\.engine"):
            continuity.check(continuity.facts(before), continuity.facts(now))


def test_another_address_of_the_server_or_another_image_of_the_client_is_an_ordinary_update() -> None:
    moved = {**OWN, "image": "postgres:16.1", "external": {**OWN["external"], "host": "b.example.com"}}  # type: ignore[dict-item]
    continuity.check(continuity.facts(parse(database=OWN)), continuity.facts(parse(database=moved)))


def test_a_rotation_is_refused_where_nobody_may_replace_the_password() -> None:
    first, second = (continuity.facts(parse(database=OWN, rotation=each)) for each in (1, 2))
    with pytest.raises(pulumi.RunError, match="nothing here may replace it there") as error:
        continuity.check(first, second)
    assert "database.external.administrator" in str(error.value)
    managed = [continuity.facts(parse(database=MANAGED, rotation=each)) for each in (1, 2)]
    continuity.check(*managed)


def test_the_cluster_need_neither_have_storage_nor_let_the_account_make_servers() -> None:
    kinds = {need.resource for need in rights.needed(parse(database=OWN))}
    assert not kinds & {"statefulsets", "persistentvolumeclaims", "clusters"}
    asked: list[str] = []
    offers.look(lambda path, *_: asked.append(path), parse(database=OWN), exists=False)
    assert not [path for path in asked if "storageclasses" in path]
