"""Stack configuration: its defaults, and the messages of refusals."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from components.settings import reader
from components.settings.model.base import model_in
from components.settings.model.stack import Stack
from components.settings.model.workload import resources

from .recorder import encode

MINIMAL: Mapping[str, object] = {
    "feastflow:namespace": "shop",
    "feastflow:environment": "dev",
    "feastflow:edge": {"host": "shop.example.com"},
}
IMAGES = {"backend": {"image": "api:1"}, "frontend": {"image": "page:1"}}
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def parse(**sections: object) -> Stack:
    raw = {**MINIMAL, **{f"feastflow:{name}": value for name, value in sections.items()}}
    return reader.parse({key: encode(value) for key, value in raw.items()})[0]


def refusal(**sections: object) -> str:
    with pytest.raises(pulumi.RunError) as error:
        parse(**sections)
    return str(error.value)


def test_the_defaults_are_the_contracts_figures() -> None:
    stack = parse()
    backend, frontend = stack.backend, stack.frontend
    assert (backend.port, frontend.port) == (5000, 3000)
    assert backend.resources == resources(cpu=("200m", "500m"), memory=("256Mi", "512Mi"))
    assert frontend.resources == resources(cpu=("100m", "300m"), memory=("128Mi", "256Mi"))
    assert (backend.autoscaling.min_replicas, backend.autoscaling.max_replicas) == (2, 8)
    assert (backend.autoscaling.cpu_percent, backend.autoscaling.memory_percent) == (70, 80)
    assert (frontend.autoscaling.min_replicas, frontend.autoscaling.max_replicas) == (3, 10)
    assert (frontend.autoscaling.cpu_percent, frontend.autoscaling.memory_percent) == (70, None)
    assert {backend.autoscaling.scale_down_seconds, frontend.autoscaling.scale_down_seconds} == {300}
    assert (frontend.autoscaling.requests_per_second, backend.autoscaling.requests_per_second) == (None, None)
    assert (backend.uid, backend.gid, frontend.uid, frontend.gid) == (1000, 1000, 1000, 1000)
    assert backend.probes.model_dump() == {
        "liveness": "/api/health",
        "readiness": "/api/ready",
        "startup": "/api/health",
        "startup_seconds": 120,
    }
    assert {frontend.probes.liveness, frontend.probes.readiness, frontend.probes.startup} == {"/"}
    assert [(entry.path, entry.size) for entry in backend.writable] == [("/tmp", "64Mi")]
    assert [(entry.path, entry.size) for entry in frontend.writable] == [
        ("/tmp", "64Mi"),
        ("/app/.next/cache", "128Mi"),
    ]
    assert backend.image == "feastflow/backend:1.0.0"
    assert frontend.image == "feastflow/frontend:1.0.0"
    assert backend.jwt_expire == "7d"
    assert backend.pool_size == 3
    assert backend.migrations.model_dump() == {
        "mode": "job",
        "command": None,
        "retries": 0,
        "timeout_seconds": 300,
        "attempt": 1,
    }
    assert backend.shutdown.model_dump() == {
        "endpoint_removal_seconds": 5,
        "drain_seconds": 20,
        "margin_seconds": 5,
        "proxy_idle_seconds": 90,
        "share_process_namespace": False,
        "pre_stop_command": None,
    }
    for tier in (backend, frontend):
        assert (tier.command, tier.args, tier.env, tier.env_names) == (None, (), {}, {})
        assert (tier.ca_bundle, tier.egress, tier.pull_secrets) == (None, (), ())
    assert stack.rotation == 1


def test_the_databases_defaults_fit_the_default_image() -> None:
    database = parse().database
    assert database.model_dump() == {
        "engine": "standalone",
        "external": None,
        "instances": 1,
        "operator_namespace": "cnpg-system",
        "operator_account": None,
        "image": "ghcr.io/cloudnative-pg/postgresql:15.14-bookworm",
        "version": None,
        "name": "feastflow",
        "user": "feastflow",
        "storage": "2Gi",
        "storage_class": None,
        "uid": 26,
        "gid": 26,
        "resources": resources(cpu=("250m", "1"), memory=("512Mi", "512Mi")).model_dump(),
        "max_connections": None,
        "pull_secrets": (),
        "ca_bundle": None,
        "node_selector": {},
        "tolerations": (),
        "crash_recovery_seconds": 600,
        "backup": None,
        "restore": None,
        "pooler": None,
    }


def test_the_namespaces_and_the_edges_defaults() -> None:
    stack = parse()
    assert stack.tenancy.model_dump() == {
        "pod_security_version": "v1.34",
        "dns_namespace": "kube-system",
        "dns_labels": {},
        "dns_ports": (53,),
        "dns_addresses": (),
        "trusted_accounts": (),
        "signatures": None,
        "developers": "feastflow-developers",
        "priority_classes": True,
        "admission_policies": True,
        "protect": False,
        "create_namespace": True,
    }
    assert stack.cluster.model_dump() == {
        "zones": 1,
        "dead_node_seconds": 10,
        "ip_families": ("IPv4",),
        "domain": "cluster.local",
        "api_server": (),
        "api_server_ports": (),
    }
    assert stack.edge.model_dump(exclude={"tls"}) == {
        "mode": "ingress",
        "class_name": "traefik",
        "host": "shop.example.com",
        "port": None,
        "controller_namespace": "traefik",
        "controller_cidrs": (),
        "await_address": False,
        "attempts": 1,
        "listener_port": None,
        "rate_limit": None,
    }
    assert stack.edge.tls.model_dump() == {"enabled": False, "secret_name": None, "issuer": None}


def test_a_value_given_in_part_keeps_the_tiers_other_defaults() -> None:
    stack = parse(backend={"resources": {"limits": {"memory": "1Gi"}}, "probes": {"readiness": "/ready"}})
    assert stack.backend.resources == resources(cpu=("200m", "500m"), memory=("256Mi", "1Gi"))
    assert stack.backend.probes.liveness == "/api/health"
    assert stack.backend.probes.readiness == "/ready"


def test_numbers_that_the_cli_stored_for_text_are_read_as_text() -> None:
    stack = parse(
        backend={
            "resources": {"limits": {"cpu": 1}},
            "env": {"LEVEL": 3, "VERBOSE": True},
            "args": ["--rate", 0.5],
        }
    )
    assert stack.backend.resources.limits.cpu == "1"
    assert stack.backend.env == {"LEVEL": "3", "VERBOSE": "true"}
    assert stack.backend.args == ("--rate", "0.5")


def test_what_the_engine_hands_over_as_text_is_read_as_what_the_key_means() -> None:
    assert parse(rotation="2").rotation == 2
    assert parse(namespace="123").namespace == "123"


def test_the_providers_own_keys_name_the_cluster() -> None:
    raw = {key: encode(value) for key, value in MINIMAL.items()}
    cluster = reader.parse({**raw, "kubernetes:context": "here", "kubernetes:kubeconfig": "/k"})[1]
    assert (cluster.context, cluster.kubeconfig) == ("here", "/k")
    assert reader.parse({**raw, "aws:region": "x"})[1].context is None


@pytest.mark.parametrize(
    ("edge", "url"),
    [
        ({}, "http://shop.example.com"),
        ({"port": 80}, "http://shop.example.com"),
        ({"port": 8080}, "http://shop.example.com:8080"),
        ({"tls": {"enabled": True, "secretName": "shop-tls"}}, "https://shop.example.com"),
        ({"tls": {"enabled": True, "secretName": "shop-tls"}, "port": 443}, "https://shop.example.com"),
        ({"tls": {"enabled": True, "secretName": "shop-tls"}, "port": 8443}, "https://shop.example.com:8443"),
    ],
)
def test_the_sites_address_shows_a_port_only_where_a_browser_would(edge: dict[str, object], url: str) -> None:
    assert parse(edge={"host": "shop.example.com", **edge}).edge.url == url


REFUSALS: list[tuple[dict[str, Any], str, str, str]] = [
    # sections, key, why, next
    ({"namespace": "Shop"}, "namespace", "DNS label", "feastflow:namespace feastflow-dev"),
    (
        {"namespace": "kube-system"},
        "namespace",
        "the cluster's, a controller's",
        "feastflow:namespace feastflow-dev",
    ),
    (
        {"namespace": "default"},
        "namespace",
        "the cluster's, a controller's",
        "feastflow:namespace feastflow-dev",
    ),
    ({"namespace": "argocd"}, "namespace", "a controller's", "feastflow:namespace feastflow-dev"),
    ({"namespace": "openshift-x"}, "namespace", "a controller's", "feastflow:namespace feastflow-dev"),
    (
        {"namespace": "edge-1", "edge": {"host": "x.example.com", "controllerNamespace": "edge-1"}},
        "namespace",
        "edge.controllerNamespace says that another program runs there",
        "feastflow:namespace feastflow-dev",
    ),
    (
        {"namespace": "pg", "database": {"engine": "replicated", "instances": 3, "operatorNamespace": "pg"}},
        "namespace",
        "database.operatorNamespace says",
        "feastflow:namespace feastflow-dev",
    ),
    (
        {"namespace": "kube-x"},
        "namespace",
        "the cluster's, a controller's",
        "feastflow:namespace feastflow-dev",
    ),
    ({"environment": "Dev Env"}, "environment", "value of a label", "feastflow:environment dev"),
    ({"rotation": 0}, "rotation", "greater than or equal to 1", "feastflow:rotation 2"),
    ({"backend": {"image": "api"}}, "backend.image", "without a tag", "api:1.2.3"),
    ({"backend": {"image": "api:latest"}}, "backend.image", "another image every day", "api:1.2.3"),
    ({"backend": {"image": "A:1"}}, "backend.image", "no image reference", "app:1.2.3"),
    ({"backend": {"port": 80}}, "backend.port", "greater than or equal to 1024", "backend.port 5000"),
    ({"backend": {"port": "5000"}}, "backend.port", "valid integer", "backend.port 5000"),
    ({"backend": {"uid": 0}}, "backend.uid", "never 0", "backend.uid 1000"),
    ({"backend": {"gid": 0}}, "backend.gid", "greater than or equal to 1", "backend.gid 1000"),
    (
        {"backend": {"resources": {"limits": {"memory": "lots"}}}},
        "backend.resources.limits.memory",
        "no Kubernetes quantity",
        "256Mi",
    ),
    (
        {"backend": {"resources": {"limits": {"cpu": "0"}}}},
        "backend.resources.limits.cpu",
        "amount of zero",
        "250m",
    ),
    (
        {"backend": {"resources": {"requests": {"memory": "1Gi"}}}},
        "backend.resources.requests.memory",
        "above the limit (512Mi)",
        "backend.resources.requests.memory 512Mi",
    ),
    (
        {"frontend": {"resources": {"limits": {"cpu": "50m"}}}},
        "frontend.resources.requests.cpu",
        "above the limit (50m)",
        "frontend.resources.requests.cpu 50m",
    ),
    (
        {"backend": {"autoscaling": {"minReplicas": 9}}},
        "backend.autoscaling.minReplicas",
        "above the maximum (8)",
        "backend.autoscaling.minReplicas 8",
    ),
    (
        {"backend": {"autoscaling": {"cpuPercent": None, "memoryPercent": None}}},
        "backend.autoscaling.cpuPercent",
        "nothing scales the pods",
        "backend.autoscaling.cpuPercent 70",
    ),
    (
        {"backend": {"autoscaling": {"cpuPercent": 251}}},
        "backend.autoscaling.cpuPercent",
        "which is 250 % of its request (200m)",
        "backend.autoscaling.cpuPercent 200",
    ),
    (
        {"backend": {"probes": {"liveness": "health"}}},
        "backend.probes.liveness",
        "begins with `/`",
        "/api/health",
    ),
    ({"backend": {"writable": [{"path": "tmp"}]}}, "backend.writable[0].path", "absolute path", "/tmp"),
    ({"backend": {"writable": [{"path": "/a/../b"}]}}, "backend.writable[0].path", "without `..`", "/tmp"),
    ({"backend": {"writable": [{"path": "/"}]}}, "backend.writable[0].path", "other than `/`", "/tmp"),
    ({"backend": {"writable": [{"path": "/t"}, {"path": "/t"}]}}, "backend.writable", "twice", "once"),
    ({"backend": {"command": []}}, "backend.command", "at least 1 item", '["node", "server.js"]'),
    ({"backend": {"env": {"DB_HOST": "x"}}}, "backend.env.DB_HOST", "program sets this variable", "envNames"),
    ({"frontend": {"env": {"PORT": "1"}}}, "frontend.env.PORT", "program sets this variable", "remove it"),
    (
        {"backend": {"envNames": {"DB_PASS": "X"}}},
        "backend.envNames.DB_PASS",
        "no variable of the contract",
        "NAME",
    ),
    (
        {"backend": {"envNames": {"DB_USER": "PORT"}}},
        "backend.envNames",
        "would be called PORT",
        "of its own",
    ),
    (
        {"backend": {"envNames": {"DB_USER": "U"}, "env": {"U": "1"}}},
        "backend.env.U",
        "program sets",
        "remove",
    ),
    ({"backend": {"env": {"1X": "x"}}}, "backend.env.1X", "environment variable is letters", "LOG_LEVEL"),
    ({"backend": {"jwtExpire": "soon"}}, "backend.jwtExpire", "token is valid", "backend.jwtExpire 7d"),
    (
        {"backend": {"migrations": {"mode": "always"}}},
        "backend.migrations.mode",
        "'job', 'initContainer'",
        "job",
    ),
    ({"backend": {"migrations": {"retries": 11}}}, "backend.migrations.retries", "must not run twice", "0"),
    ({"database": {"user": "postgres"}}, "database.user", "superuser", "user feastflow"),
    ({"database": {"user": "pg_x"}}, "database.user", "belongs to PostgreSQL", "database.user feastflow"),
    ({"database": {"user": "x" * 51}}, "database.user", "at most 50 characters", "feastflow"),
    ({"database": {"instances": 3}}, "database.instances", "no standbys", "database.instances 1"),
    (
        {"database": {"engine": "replicated"}},
        "database.instances",
        "nothing to fail over to",
        "database.instances 3",
    ),
    (
        {
            "edge": {"host": "x.example.com", "mode": "gateway", "tls": {"enabled": True}},
        },
        "edge.tls.secretName",
        "no certificate of its own",
        "edge.tls.secretName feastflow-tls",
    ),
    (
        {"backend": {"egress": [{"host": "10.0.0.1"}]}},
        "backend.egress[0].host",
        "DNS name",
        "api.example.com",
    ),
    (
        {"backend": {"egress": [{"host": "x.example.com", "cidrs": ["10.0.0.1/8"]}]}},
        "backend.egress[0].cidrs[0]",
        "address ranges",
        "192.0.2.10/32",
    ),
    (
        {"backend": {"egress": [{"host": "a.b.svc", "cidrs": ["10.0.0.0/8"]}]}},
        "backend.egress[0].cidrs",
        "reached in its namespace",
        "remove cidrs",
    ),
    ({"backend": {"caBundle": {"pem": "x"}}}, "backend.caBundle.pem", "PEM form", "-----BEGIN CERTIFICATE"),
    *(
        (
            {"backend": {"envNames": {name: "IGNORED"}}},
            f"backend.envNames.{name}",
            "drivers read",
            f"remove it; what another driver reads stands in backend.env, as `MY_NAME: $({name})`",
        )
        for name in ("PGSSLMODE", "PGSSLROOTCERT", "NODE_EXTRA_CA_CERTS")
    ),
    (
        {"backend": {"envNames": {"APP_VERSION": "PGSSLMODE"}}},
        "backend.envNames",
        "two variables would be called PGSSLMODE",
        "a name of its own",
    ),
    (
        {"backend": {"env": {"NODE_EXTRA_CA_CERTS": "/own.pem"}}},
        "backend.env.NODE_EXTRA_CA_CERTS",
        "authority of the database's certificate",
        "stand in backend.caBundle",
    ),
    *(
        (
            {tier: {"env": {"NODE_TLS_REJECT_UNAUTHORIZED": "0"}}},
            f"{tier}.env.NODE_TLS_REJECT_UNAUTHORIZED",
            "whether Node verifies the servers",
            f"name the authority to trust in {tier}.caBundle",
        )
        for tier in ("backend", "frontend")
    ),
    *(
        (
            {
                "database": {"engine": "replicated", "instances": 3, "operatorNamespace": name},
            },
            "database.operatorNamespace",
            "passes the admission policies",
            "feastflow:database.operatorNamespace cnpg-system",
        )
        for name in ("default", "kube-public")
    ),
    (
        {"backend": {"caBundle": {"pem": PEM}, "env": {"SSL_CERT_FILE": "/x"}}},
        "backend.env.SSL_CERT_FILE",
        "program sets this variable",
        "remove it",
    ),
    *(
        (
            {"cluster": {"apiServer": ["10.0.0.1/32", wide]}},
            "cluster.apiServer[1]",
            "opens the way to everybody's hosts",
            "192.0.2.10/32",
        )
        for wide in ("0.0.0.0/0", "128.0.0.0/1", "::/0")
    ),
    ({"database": {"user": "a;b"}}, "database.user", "SQL unquoted", "feastflow"),
    ({"database": {"name": "template1"}}, "database.name", "PostgreSQL itself", "feastflow"),
    ({"database": {"storage": "2GB"}}, "database.storage", "no Kubernetes quantity", "database.storage 2Gi"),
    ({"edge": {}, **IMAGES}, "edge.host", "field required", "feastflow.example.com"),
    ({"edge": {"host": "http://x"}}, "edge.host", "without scheme", "feastflow.example.com"),
    ({"edge": {"host": "10.0.0.1"}}, "edge.host", "DNS name", "feastflow.example.com"),
    ({"edge": {"host": "::1"}}, "edge.host", "DNS name", "feastflow.example.com"),
    (
        {"edge": {"host": "x.example.com", "port": 0}},
        "edge.port",
        "greater than or equal to 1",
        "edge.port 8080",
    ),
    ({"tenancy": {"podSecurityVersion": "latest"}}, "tenancy.podSecurityVersion", "restricted", "v1.34"),
    ({"cluster": {"zones": 0}}, "cluster.zones", "greater than or equal to 1", "cluster.zones 3"),
    ({"edge": "shop.example.com"}, "edge", "valid dictionary", '{"host": "feastflow.example.com"}'),
]


@pytest.mark.parametrize(("sections", "key", "why", "fix"), REFUSALS, ids=[row[1] for row in REFUSALS])
def test_a_value_that_must_not_be_deployed_is_refused_with_its_key_reason_and_remedy(
    sections: dict[str, Any], key: str, why: str, fix: str
) -> None:
    head, _, body = refusal(**sections).partition("\n\n")
    assert head == "The stack's configuration cannot be deployed; nothing was changed."
    name, found, reason, remedy = body.split("\n\n")[0].split("\n")
    assert name == f"feastflow:{key}"
    assert found.startswith("  found: ")
    assert reason.startswith("  why:   ")
    assert why in reason
    assert remedy.startswith("  next:  ")
    assert fix in remedy


def test_a_refusal_shows_the_value_that_was_found() -> None:
    assert '  found: "api:latest"\n' in refusal(backend={"image": "api:latest"})
    assert '  found: "1Gi"\n' in refusal(backend={"resources": {"requests": {"memory": "1Gi"}}})
    assert "  found: nothing\n" in refusal(edge={})


def test_every_problem_is_told_at_once() -> None:
    message = refusal(namespace="default", backend={"image": "x", "uid": 0}, edge={"host": "?"})
    for key in ("namespace", "backend.image", "backend.uid", "edge.host"):
        assert f"\nfeastflow:{key}\n" in message


@pytest.mark.parametrize(
    ("sections", "key", "hint"),
    [
        ({"edges": 1}, "feastflow:edges", "did you mean `edge`? pulumi config rm feastflow:edges"),
        (
            {"backend": {"imgae": "x:1"}},
            "feastflow:backend.imgae",
            "did you mean `image`? pulumi config rm --path",
        ),
        ({"backend": {"jwt_expire": "7d"}}, "feastflow:backend.jwt_expire", "did you mean `jwtExpire`?"),
        (
            {"backend": {"writable": [{"dir": "/x"}]}},
            "feastflow:backend.writable[0].dir",
            "(known here: path, size)",
        ),
        ({"frontend": {"zzz": 1}}, "feastflow:frontend.zzz", "  next:  pulumi config rm --path"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    sections: dict[str, Any], key: str, hint: str
) -> None:
    message = refusal(**sections)
    assert f"\n\n{key}\n  found: a key that does not exist\n" in message
    assert hint in message


def test_a_stack_without_configuration_is_told_what_is_needed() -> None:
    with pytest.raises(pulumi.RunError) as error:
        reader.parse({})
    for key in ("namespace", "environment", "edge"):
        assert f"\nfeastflow:{key}\n  found: nothing\n" in str(error.value)


def test_a_long_value_is_shortened_in_a_refusal() -> None:
    line = next(text for text in refusal(namespace="x" * 500).split("\n") if "found" in text)
    assert len(line) < 140
    assert line.endswith("…")


@pytest.mark.parametrize("depth", [101, 900, 100_000])
@pytest.mark.parametrize(
    "key", ["feastflow:backend", "policies:levels", "policies:exemptions", "feastflow:x"]
)
def test_values_within_values_without_end_are_refused_in_words(depth: int, key: str) -> None:
    raw = {name: encode(value) for name, value in MINIMAL.items()}
    with pytest.raises(pulumi.RunError, match=f"{key}\n  found: values within values"):
        reader.parse({**raw, key: f'{{"env":{"[" * depth}{"]" * depth}}}'})


def test_brackets_in_a_text_are_text() -> None:
    assert parse(backend={"env": {"A": '["' * 200 + "{" * 200}}).backend.env["A"].startswith("[")


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse().namespace = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("image", "accepted"),
    [
        ("pg:15", True),
        ("pg:15.14", True),
        ("pg:15.14-bookworm", True),
        ("pg:15-bookworm", True),
        ("r.example.com:5000/pg:15.14@sha256:" + "a" * 64, True),
        ("ghcr.io/cloudnative-pg/postgresql:16.2", True),
        ("pg:14.9", False),
        ("pg:150", False),
        ("pg@sha256:" + "a" * 64, False),
        ("r.example.com:15/pg:abc", False),
    ],
)
def test_the_operator_must_find_postgresqls_version_in_the_images_tag(image: str, accepted: bool) -> None:  # noqa: FBT001
    wish = {"engine": "replicated", "instances": 3, "image": image}
    if accepted:
        assert parse(database=wish).database.image == image
    else:
        assert "reads PostgreSQL's version from the image's tag" in refusal(database=wish)
        # CloudNativePG does not read this setting.
        assert "reads PostgreSQL's version" in refusal(database={**wish, "version": 15})


DIGEST = "@sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "major"),
    [
        ("postgres:15", 15),
        ("postgres:16-alpine", 16),
        ("postgres:18beta1", 18),
        ("ghcr.io/cloudnative-pg/postgresql:15.18-bookworm", 15),
        ("registry.example.com:5000/postgres:16.2", 16),
        ("registry.example.com:16/postgres:15.4" + DIGEST, 15),
        ("localhost/feastflow/postgres:15-0a1b2c3d", 15),
        ("team/postgres-15:15.4.1", 15),
        ("postgis/postgis:15-3.4", 15),
    ],
)
def test_the_images_tag_tells_postgresqls_version(image: str, major: int) -> None:
    assert parse(database={"image": image}).database.major == major


@pytest.mark.parametrize(
    "image",
    [
        "postgres" + DIGEST,
        "registry.example.com:15/postgres" + DIGEST,
        "postgres:bookworm",
        "postgres-15:1.0.0",
        "postgres-15:16.0.1",
        "timescaledb:2.11.0-pg15",
        "pgvector:pg15",
        "postgres:14.9",
        "postgres:15build3",
        "postgres:20241201",
        "team/shop-data:24.1-pg15",
    ],
)
def test_an_image_whose_tag_tells_no_version_needs_the_setting(image: str) -> None:
    message = refusal(database={"image": image})
    assert "feastflow:database.image" in message
    assert f'found: "{image}"' in message
    assert "pulumi config set --path feastflow:database.version 15" in message
    assert parse(database={"image": image, "version": 15}).database.major == 15


def test_an_image_of_other_numbers_is_of_the_version_that_the_setting_says() -> None:
    assert parse(database={"image": "team/shop-data:16.1", "version": 15}).database.major == 15


@pytest.mark.parametrize("wish", [{}, {"engine": "replicated", "instances": 3}])
def test_a_version_that_contradicts_the_images_tag_is_refused(wish: dict[str, Any]) -> None:
    message = refusal(database={**wish, "image": "postgres:16.2", "version": 15})
    assert "the image's tag names PostgreSQL 16" in message
    assert "pulumi config set --path feastflow:database.version 16" in message


@pytest.mark.parametrize("version", [14, 26, "15"])
def test_the_version_is_the_number_of_a_major_version_that_the_programs_know(version: object) -> None:
    assert "feastflow:database.version" in refusal(database={"image": "pg:x", "version": version})


def models(model: type[BaseModel] = Stack) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        below = model_in(field.annotation)
        if below is not None:
            yield from models(below)


def test_every_field_is_described_and_has_an_example_that_is_accepted() -> None:
    for model in models():
        for name, field in model.model_fields.items():
            where = f"{model.__name__}.{name}"
            assert field.description, where
            assert field.description.endswith("."), where
            below = model_in(field.annotation)
            if below is None or field.examples:
                assert field.examples, where
                json.dumps(field.examples)


def test_every_model_refuses_what_it_does_not_know() -> None:
    for model in models():
        assert model.model_config["extra"] == "forbid", model
        assert model.model_config["frozen"], model
        assert model.model_config["strict"], model


# A short alphabet of troublemakers: hypothesis would spend seconds on a table of all of Unicode.
text = st.text("a1_-:.[]{}\"'\\\n\0 é€", max_size=8)


@given(
    st.dictionaries(
        text, st.recursive(st.none() | st.booleans() | st.integers() | text, st.lists), max_size=4
    )
)
def test_no_configuration_at_all_makes_a_traceback(values: dict[str, object]) -> None:
    raw = {f"feastflow:{key}": json.dumps(value) for key, value in values.items()}
    with pytest.raises(pulumi.RunError, match="cannot be deployed"):
        reader.parse(raw)
