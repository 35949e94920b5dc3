"""Names that the settings give: each follows Kubernetes' rule for that very field, not one rule for all."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.model.external import external

from .test_settings import parse, refusal

SECRET, STORE = {"secret": "smtp", "key": "password"}, {"store": "vault", "key": "shop"}
LONG = "a" * 100


def edge(**given: object) -> dict[str, Any]:
    return {"edge": {"host": "shop.example.com", **given}}


def issuer(**given: object) -> dict[str, Any]:
    return edge(tls={"enabled": True, "issuer": {"name": "letsencrypt", **given}})


def source(**given: object) -> dict[str, Any]:
    return {"frontend": {"secrets": {"A": given}}}


def replicated(**given: object) -> dict[str, Any]:
    return {"database": {"engine": "replicated", "instances": 3, **given}}


Sections = Callable[[str], dict[str, Any]]

# By the setting, and by the rule of what it names; see each kind in pkg/apis of Kubernetes.
SUBDOMAINS: Mapping[str, Sections] = {
    "edge.tls.secretName": lambda name: edge(tls={"enabled": True, "secretName": name}),
    "edge.tls.issuer.name": lambda name: issuer(name=name),
    "edge.tls.issuer.group": lambda name: issuer(group=name),
    "edge.className": lambda name: edge(className=name),
    "database.storageClass": lambda name: {"database": {"storageClass": name}},
    "backend.pullSecrets[0]": lambda name: {"backend": {"pullSecrets": [name]}},
    "frontend.pullSecrets[0]": lambda name: {"frontend": {"pullSecrets": [name]}},
    "frontend.secrets.A.secret": lambda name: source(**{**SECRET, "secret": name}),
    "frontend.secrets.A.externalSecret.store": lambda name: source(externalSecret={**STORE, "store": name}),
    "tenancy.trustedAccounts[0]": lambda name: {"tenancy": {"trustedAccounts": [f"operators/{name}"]}},
}
LABELS: Mapping[str, Sections] = {
    "namespace": lambda name: {"namespace": name},
    "edge.controllerNamespace": lambda name: edge(controllerNamespace=name),
    "database.operatorNamespace": lambda name: replicated(operatorNamespace=name),
    "tenancy.dnsNamespace": lambda name: {"tenancy": {"dnsNamespace": name}},
    "tenancy.trustedAccounts[0]": lambda name: {"tenancy": {"trustedAccounts": [f"{name}/operator"]}},
}
SEGMENTS: Mapping[str, Sections] = {
    "backend.autoscaling.requestsMetric": lambda name: {
        "backend": {"autoscaling": {"requestsPerSecond": 9, "requestsMetric": name}}
    },
}
KEYS: Mapping[str, Sections] = {"frontend.secrets.A.key": lambda name: source(**{**SECRET, "key": name})}
LABEL_VALUES: Mapping[str, Sections] = {"environment": lambda name: {"environment": name}}


@pytest.mark.parametrize("key", SUBDOMAINS)
@pytest.mark.parametrize(
    "name",
    ["shop.example.com-tls", "gp3.encrypted", "nginx.internal", "a", "1", "0.a-1.b", LONG, f"{LONG}.{LONG}"],
)
def test_an_object_of_a_namespace_or_a_cluster_is_named_by_a_subdomain(key: str, name: str) -> None:
    parse(**SUBDOMAINS[key](name))


@pytest.mark.parametrize("key", SUBDOMAINS)
@pytest.mark.parametrize(
    "name", ["Shop", "a..b", ".a", "a.", "-a", "a-", "a.-b", "a_b", "a b", "a/b/c", "", "a" * 254, "ä", "a\n"]
)
def test_a_name_that_no_object_can_have_is_refused(key: str, name: str) -> None:
    assert f"\nfeastflow:{key}\n" in refusal(**SUBDOMAINS[key](name))


@pytest.mark.parametrize("key", LABELS)
@pytest.mark.parametrize("name", ["a.b", "a" * 64, "A", "-a", "a-", "a_b", "", "shop.example.com"])
def test_a_namespace_is_named_by_a_label_alone(key: str, name: str) -> None:
    assert f"\nfeastflow:{key}\n" in refusal(**LABELS[key](name))
    parse(**LABELS[key]("a" * 63))
    parse(**LABELS[key]("1-ingress"))


@pytest.mark.parametrize("key", SEGMENTS)
def test_a_metric_is_named_by_a_part_of_a_path(key: str) -> None:
    for name in (
        "http_requests",
        "istio-requests.per-second",
        "custom.googleapis.com|shop|rps",
        "A:b",
        "...",
    ):
        parse(**SEGMENTS[key](name))
    for name in ("a/b", "a%b", ".", "..", ""):
        assert f"\nfeastflow:{key}\n" in refusal(**SEGMENTS[key](name))


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_what_a_secret_can_hold(key: str) -> None:
    for name in ("tls.crt", ".dockerconfigjson", "A_b-1", "-", "a" * 253):
        parse(**KEYS[key](name))
    for name in (".", "..", "..data", "a/b", "a b", "", "a" * 254):
        assert f"\nfeastflow:{key}\n" in refusal(**KEYS[key](name))


@pytest.mark.parametrize("key", LABEL_VALUES)
def test_an_environment_is_the_value_of_a_label(key: str) -> None:
    for name in ("dev", "Staging_EU.1", "9", "a" * 63):
        parse(**LABEL_VALUES[key](name))
    for name in ("", "a b", "-a", "a.", "a" * 64, "ä"):
        assert f"\nfeastflow:{key}\n" in refusal(**LABEL_VALUES[key](name))


def test_production_is_so_in_capitals_too() -> None:
    assert "whoever is on the way" in refusal(environment="Prod")


def test_a_label_of_the_dns_pods_has_a_prefix_or_none() -> None:
    for label in ("k8s-app", "a/b", "dns.operator.openshift.io/daemonset-dns", f"{'a' * 253}/{'b' * 63}"):
        parse(tenancy={"dnsLabels": {label: "default"}})
    for label in ("a..b/c", "/c", "a/", "A/b", "a/b/c", "-a", "a" * 64):
        assert "\nfeastflow:tenancy.dnsLabels" in refusal(tenancy={"dnsLabels": {label: "default"}})


def test_a_jobs_name_leaves_room_for_what_kubernetes_adds() -> None:
    job = {"schedule": "@daily", "command": ["x"]}
    parse(backend={"jobs": {"a" * 37: job}})
    for name in ("a" * 38, "a.b", "A"):
        assert "\nfeastflow:backend.jobs" in refusal(backend={"jobs": {name: job}})


subdomain = st.lists(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,70}[a-z0-9])?", fullmatch=True), min_size=1, max_size=3
).map(".".join)


@given(subdomain)
def test_every_subdomain_names_a_secret_that_the_rules_are_told_of(name: str) -> None:
    assert f"Secret/{name}" in external(parse(**source(secret=name, key="password")))
