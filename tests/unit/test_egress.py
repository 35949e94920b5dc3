"""Hosts that the tiers connect to: each form of a name opens its destination, or is refused."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings import deviations
from components.settings.model.stack import Stack
from components.settings.values import hosts
from components.settings.values.addresses import PUBLIC
from components.settings.values.hosts import Kind
from policies.configuration import Configuration, Exemption
from policies.judgement import judge
from policies.rule import Level
from policies.rules import RULES

from .recorder import Recording, record_stack
from .test_network import paths, rules
from .test_settings import MINIMAL, parse, refusal

OTHER = {"cluster": {"domain": "k8s.example.com"}}


def opened(host: dict[str, Any], **sections: object) -> list[dict[str, Any]]:
    """Return the peers that one host opens."""
    config = {**MINIMAL, **{f"feastflow:{name}": value for name, value in sections.items()}}
    recording = record_stack({**config, "feastflow:backend": {"egress": [host]}})
    (rule,) = rules(recording, "egress")["feastflow-backend-to-outside"]
    assert rule["ports"] == [{"port": host.get("port", 443), "protocol": "TCP"}]
    peers: list[dict[str, Any]] = rule["to"]
    return peers


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("redis.tools.svc", None),
        ("redis.tools.svc.", None),
        ("redis.tools.svc.cluster.local", None),
        ("redis.tools.svc.cluster.local.", None),
        ("redis-0.redis.tools.svc", None),
        ("redis-0.redis.tools.svc.cluster.local", None),
        ("10-244-1-7.tools.pod", None),
        ("10-244-1-7.tools.pod.cluster.local", None),
        ("redis.tools.svc.k8s.example.com", OTHER),
        ("redis-0.redis.tools.svc.k8s.example.com", OTHER),
    ],
)
def test_every_whole_name_of_the_clusters_dns_opens_its_namespace(
    host: str, domain: dict[str, Any] | None
) -> None:
    assert opened({"host": host, "port": 6379}, **(domain or {})) == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tools"}}}
    ]


@pytest.mark.parametrize(
    "host",
    [
        "redis.feastflow-backend",
        "postgres.postgres-headless2",
        "redis.my-tools",
        "redis.tools2",
        "redis-0.redis.my-tools",
    ],
)
def test_a_short_name_that_no_public_host_can_have_opens_its_namespace(host: str) -> None:
    (peer,) = opened({"host": host, "port": 6379})
    (namespace,) = peer["namespaceSelector"]["matchLabels"].values()
    assert namespace == host.rsplit(".", 1)[1]


@pytest.mark.parametrize(
    "host",
    [
        "api.example.com",
        "github.com",
        "sentry.io",
        "web.dev.",
        "redis.tools.",
        "hooks.acme.app",
        "a.b.c.de",
        "x.xn--p1ai",
    ],
)
def test_a_public_host_opens_the_public_addresses_alone(host: str) -> None:
    assert [peer["ipBlock"]["cidr"] for peer in opened({"host": host})] == list(PUBLIC)


@pytest.mark.parametrize(
    ("host", "why", "fix"),
    [
        (
            "redis.tools",
            "a Service in the namespace tools, or a public host",
            "write redis.tools.svc for the",
        ),
        ("redis.dev", "a Service in the namespace dev", "redis.dev. (with the dot)"),
        ("redis.qa", "a Service in the namespace qa", "redis.qa.svc"),
        ("rabbit.mq", "a Service in the namespace mq", "rabbit.mq.svc"),
        ("redis.prod", "a Service in the namespace prod", "redis.prod.svc"),
        ("redis-0.redis.tools", "a Service in the namespace tools", "write redis-0.redis.tools.svc"),
        ("redis-node-0.redis-headless.tools", "in the namespace tools", ".tools.svc for the Service"),
        (
            "redis.tools.svc.k8s.example.com",
            "whose domain is k8s.example.com",
            "feastflow:cluster.domain k8s.ex",
        ),
        ("redis.tools.svc.cluster", "whose domain is cluster,", "feastflow:cluster.domain cluster"),
        (
            "redis.tools.cluster.local",
            "no Service and no pod has such a name",
            "name.namespace.svc.cluster.local",
        ),
        ("cluster.local", "no Service and no pod", "name.namespace.svc.cluster.local"),
        ("tools.svc", "no Service and no pod", "name.namespace.svc.cluster.local"),
        ("a.b.c.tools.svc", "no Service and no pod", "name.namespace.svc.cluster.local"),
        ("db.corp.internal", "no public DNS server knows", "give its addresses"),
        ("nas.local", "no public DNS server knows", "give its addresses"),
        ("vault.service.consul", "no public DNS server knows", "give its addresses"),
        ("printer.home.arpa", "no public DNS server knows", "give its addresses"),
        ("a.b.site-2", "no public DNS server knows", "give its addresses"),
        ("x.privatelink.blob.core.windows.net", "no public DNS server knows", "give its addresses"),
        ("vpce-0a1b.s3.eu-west-1.vpce.amazonaws.com", "no public DNS server knows", "give its addresses"),
        ("kubernetes.default.svc", "the API server has no pods", "give its addresses in cidrs"),
        ("redis", "in the stack's own namespace", "another namespace: name.namespace.svc"),
        ("localhost", "in the stack's own namespace", "remove it"),
        ("redis.shop.svc", "in the stack's own namespace", "remove it"),
        ("tea.shop", "a Service in the namespace shop, or a public host", "tea.shop. (with the dot)"),
        ("api_x.example.com", "no DNS name", "api.example.com"),
        ("10.20.0.7", "no DNS name", "addresses stand in cidrs"),
        ("https://api.example.com", "no DNS name", "api.example.com"),
    ],
)
def test_a_name_that_opens_nothing_or_something_else_is_refused(host: str, why: str, fix: str) -> None:
    said = refusal(backend={"egress": [{"host": "api.example.com"}, {"host": host}]})
    assert "feastflow:backend.egress[1]." in said
    assert (f'found: "{host}"' in said) or ".cidrs" in said
    assert why in said
    assert fix in said


@pytest.mark.parametrize(
    ("tier", "host", "words"),
    [
        ("frontend", "feastflow-backend.shop.svc", "feastflow:frontend.callsBackend true"),
        ("frontend", "feastflow-backend.shop.svc.cluster.local", "feastflow:frontend.callsBackend true"),
        ("frontend", "feastflow-backend.shop", "feastflow:frontend.callsBackend true"),
        ("frontend", "feastflow-backend", "feastflow:frontend.callsBackend true"),
        ("frontend", "feastflow-backend-green", "feastflow:frontend.callsBackend true"),
        ("frontend", "postgres", "the site has no login of the database"),
        ("frontend", "postgres-rw.shop.svc", "the site has no login of the database"),
        ("backend", "postgres", "open without it"),
        ("backend", "postgres-0.postgres-headless", "open without it"),
        ("backend", "feastflow-frontend", "name the site as its visitors do: shop.example.com"),
        ("backend", "feastflow-backend.shop.svc", "the stack opens each path"),
    ],
)
def test_a_name_in_the_stacks_own_namespace_is_refused_with_what_opens_both_sides(
    tier: str, host: str, words: str
) -> None:
    said = refusal(**{tier: {"egress": [{"host": host, "port": 5000}]}})
    assert f"feastflow:{tier}.egress[0].host\n" in said
    assert words in said


@pytest.mark.parametrize(
    "host", ["db.corp.internal", "redis.tools", "kubernetes.default.svc", "a.b.svc.x.example.com"]
)
def test_a_host_with_addresses_opens_these_whatever_its_name(host: str) -> None:
    assert opened({"host": host, "cidrs": ["10.20.0.0/16"]}) == [{"ipBlock": {"cidr": "10.20.0.0/16"}}]


@pytest.mark.parametrize(
    "host", ["redis.tools.svc", "redis-0.redis.tools.svc.cluster.local", "redis.my-tools"]
)
def test_a_service_has_no_addresses_of_its_own(host: str) -> None:
    said = refusal(backend={"egress": [{"host": host, "cidrs": ["10.0.0.0/16"]}]})
    assert "feastflow:backend.egress[0].cidrs\n" in said
    assert "reached in its namespace" in said


def site(**frontend: Any) -> Recording:
    return record_stack(
        {
            **MINIMAL,
            "feastflow:frontend": {"callsBackend": True, **frontend},
            "feastflow:backend": {"port": 5050},
        }
    )


@pytest.mark.parametrize("release", [{}, {"strategy": "blue-green"}, {"strategy": "canary", "canary": {}}])
def test_one_setting_opens_the_sites_way_to_the_api_in_both_directions_and_tells_its_address(
    release: dict[str, Any],
) -> None:
    recording = site(release=release)
    assert paths(recording) - paths(record_stack({**MINIMAL, "feastflow:backend": {"port": 5050}})) == {
        ("frontend", "backend", 5050)
    }
    told = [each.inputs["data"] for each in recording.all("ConfigMap") if "HOSTNAME" in each.inputs["data"]]
    assert {values["BACKEND_URL"] for values in told} == {"http://feastflow-backend:5050"}
    assert recording.one("Service", "feastflow-backend").inputs["spec"]["ports"][0]["port"] == 5050


def test_the_sites_pods_start_when_their_way_to_the_api_is_open() -> None:
    recording = site()
    before = recording.one("Deployment", "feastflow-frontend").dependencies
    for name in ("feastflow-frontend-to-api", "feastflow-frontend-to-feastflow-backend"):
        assert recording.one("NetworkPolicy", name).urn in before


def test_the_address_of_the_api_may_have_another_name_and_is_the_programs_only_when_it_is_told() -> None:
    tier = {
        "callsBackend": True,
        "envNames": {"BACKEND_URL": "API_URL"},
        "env": {"MENU": "$(BACKEND_URL)/menu"},
    }
    recording = record_stack({**MINIMAL, "feastflow:frontend": tier})
    (container,) = recording.pods()["Deployment/feastflow-frontend"]["containers"]
    env = {each["name"]: each for each in container["env"]}
    assert env["API_URL"]["valueFrom"]["configMapKeyRef"]["key"] == "BACKEND_URL"
    own = {"env": {"BACKEND_URL": "http://elsewhere.example.com"}}
    assert parse(frontend=own).frontend.env == own["env"]
    assert "feastflow:frontend.env.BACKEND_URL\n" in refusal(frontend={**own, "callsBackend": True})
    assert "feastflow:frontend.envNames.BACKEND_URL\n" in refusal(
        frontend={"envNames": {"BACKEND_URL": "API"}}
    )


def test_the_databases_certificate_has_the_names_of_the_clusters_own_domain() -> None:
    prod = {"engine": "replicated", "instances": 3}
    recording = record_stack({**MINIMAL, "feastflow:cluster": OTHER["cluster"], "feastflow:database": prod})
    names = recording.one("Cluster", "postgres").inputs["spec"]["certificates"]["serverAltDNSNames"]
    assert names[-1] == "postgres.shop.svc.k8s.example.com"


def test_the_rules_let_pass_whatever_the_settings_open() -> None:
    named = ["api.example.com", "web.dev.", "redis.tools.svc", "redis-0.redis.tools.svc.cluster.local"]
    egress = [*({"host": host, "port": 465} for host in named), {"host": "db.lan", "cidrs": ["10.20.0.0/16"]}]
    backend = {"egress": egress, "jobs": {"a": {"schedule": "@daily", "command": ["a"]}}}
    recording = record_stack(
        {
            **MINIMAL,
            "feastflow:backend": backend,
            "feastflow:frontend": {"egress": egress, "callsBackend": True},
        }
    )
    broken = {
        (rule.id, policy.object_name)
        for policy in recording.all("NetworkPolicy")
        for rule in RULES
        if judge(rule, policy.inputs)
    }
    assert broken == set()


WIDE = [{"host": "db.lan", "port": 5432, "cidrs": ["10.0.0.0/8"]}]
POLICIES = ("feastflow-backend-to-outside", "feastflow-jobs-to-outside", "feastflow-migrations-to-outside")


def exempting(*names: str) -> Configuration:
    tomorrow = dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1)
    return Configuration(
        exemptions=tuple(
            Exemption(
                rule="network-policy-ranges",
                resource=f"NetworkPolicy/{name}",
                reason="a test",
                expires=tomorrow,
            )
            for name in names
        )
    )


def test_a_range_that_the_rules_would_refuse_is_refused_before_or_exempted_by_name() -> None:
    said = refusal(backend={"egress": WIDE})
    assert "feastflow:backend.egress[0].cidrs\n  found: 10.0.0.0/8\n" in said
    assert '"resource": "NetworkPolicy/feastflow-backend-to-outside"' in said
    whole = {
        "egress": WIDE,
        "jobs": {"a": {"schedule": "@daily", "command": ["a"]}},
        "migrations": {"command": ["m"]},
    }
    stack = Stack.model_validate(
        {**{key.removeprefix("feastflow:"): value for key, value in MINIMAL.items()}, "backend": whole}
    )
    today = dt.datetime.now(tz=dt.UTC).date()
    assert len(deviations.problems(stack, exempting(), today)) == len(POLICIES)
    assert deviations.problems(stack, exempting(*POLICIES), today) == []
    assert deviations.problems(stack, exempting("feastflow-*-to-outside"), today) == []
    (left,) = deviations.problems(stack, exempting(*POLICIES[:2]), today)
    assert POLICIES[2] in left
    off = Configuration(levels={"network-policy-ranges": Level.ADVISORY})
    assert deviations.problems(stack, off, today) == []


@pytest.mark.parametrize("cidr", ["10.20.0.0/16", "192.0.2.7/32", "2001:db8:1::/48"])
def test_a_range_that_the_rules_let_pass_needs_no_exemption(cidr: str) -> None:
    assert parse(frontend={"egress": [{"host": "db.lan", "cidrs": [cidr]}]})


def test_a_wide_range_is_taken_where_nothing_judges_it() -> None:
    assert parse(frontend={"egress": WIDE}, tenancy={"admissionPolicies": False})


LABEL = st.from_regex(r"\A[a-z]([a-z0-9-]{0,8}[a-z0-9])?\Z")


@given(
    st.lists(LABEL, min_size=1, max_size=5), st.sampled_from(["", ".svc", ".svc.cluster.local", ".pod", "."])
)
def test_no_name_of_the_cluster_is_ever_taken_for_a_public_host(labels: list[str], end: str) -> None:
    found = hosts.read(".".join(labels) + end, "cluster.local")
    if "svc" in end or "pod" in end:
        assert found.kind in (Kind.CLUSTER, Kind.UNKNOWN, Kind.OTHER_DOMAIN)
    if found.kind is Kind.CLUSTER:
        assert found.namespace in labels


def test_a_wide_range_of_the_controllers_is_refused_before_or_exempted_by_each_policys_name() -> None:
    edge: dict[str, Any] = {"host": "shop.example.com", "controllerCidrs": ["10.1.0.0/16", "10.0.0.0/8"]}
    edge["tls"] = {"enabled": True, "issuer": {"name": "letsencrypt"}}
    said = refusal(edge=edge)
    assert said.count("feastflow:edge.controllerCidrs[1]\n  found: 10.0.0.0/8\n") == 3
    for server in ("feastflow-backend", "feastflow-frontend", "acme-solver"):
        assert f'"resource": "NetworkPolicy/edge-to-{server}"' in said
    sections = {key.removeprefix("feastflow:"): value for key, value in MINIMAL.items()}
    stack = Stack.model_validate({**sections, "edge": edge})
    today = dt.datetime.now(tz=dt.UTC).date()
    assert deviations.problems(stack, exempting("edge-to-*"), today) == []


@pytest.mark.parametrize(
    ("cidr", "ports", "is_refused"),
    [
        ("10.0.0.0/12", [], True),
        ("10.0.0.0/8", [16443], True),
        ("10.0.0.0/8", [], False),
        ("10.1.0.0/16", [16443], False),
        ("10.0.0.1/32", [], False),
    ],
)
def test_a_wide_range_of_the_api_server_is_refused_before_the_rules_refuse_it(
    cidr: str, ports: list[int], *, is_refused: bool
) -> None:
    cluster = {"apiServer": [cidr], **({"apiServerPorts": ports} if ports else {})}
    database = {"engine": "replicated", "instances": 3}
    if not is_refused:
        parse(cluster=cluster, database=database)
        return
    said = refusal(cluster=cluster, database=database)
    assert f"feastflow:cluster.apiServer[0]\n  found: {cidr}\n" in said
    assert '"resource": "NetworkPolicy/postgres-to-kubernetes"' in said
    parse(cluster=cluster)
