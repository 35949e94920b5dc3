"""Observability in the namespace: metrics for the collectors alone, telemetry, monitors, promises."""

import copy
from typing import Any

import pytest
import yaml

from components import observability
from components.guards import monitors
from components.guards.cluster.live import Seen
from components.guards.cluster.survey import Survey
from components.observability import Observability, ObservabilityArgs
from components.settings import reader
from components.settings.derived.tiers import Tier
from components.settings.model.stack import Stack
from components.settings.values.tiers import TIERS, TierFacts
from components.tiers import tiers
from policies.judgement import judge
from policies.rule import Level
from policies.rules import RULES

from .recorder import PLACE, Recording, encode, record, record_stack, stack_file
from .test_network import rules
from .test_offers import offering, said
from .test_settings import MINIMAL, parse, refusal
from .test_survey import looked, warned
from .test_tier_list import labels, servers

ENDPOINT = "http://collector.tracing.svc:4318"
JOBS = {"jobs": {"a": {"schedule": "@daily", "command": ["a"]}}, "migrations": {"command": ["m"]}}
BOTH = pytest.mark.parametrize("name", ["dev", "prod"])
GROUP, KINDS = "monitoring.coreos.com", "apis/monitoring.coreos.com/v1"
SERVED = {"resources": [{"name": "podmonitors"}, {"name": "prometheusrules"}, {"name": "probes"}]}


def recorded(**sections: object) -> Recording:
    return record_stack({**MINIMAL, **{f"feastflow:{key}": value for key, value in sections.items()}})


def stack_of(name: str, **observing: object) -> Recording:
    return record_stack({**stack_file(name), "feastflow:observability": observing})


def settings(name: str) -> Stack:
    return reader.parse({key: encode(value) for key, value in stack_file(name).items()})[0]


def annotations(recording: Recording, tier: str) -> dict[str, str]:
    (server,) = servers(recording, tier)
    spec = server.inputs["spec"]
    found = spec["inheritedMetadata"] if server.kind == "Cluster" else spec["template"]["metadata"]
    return {key: value for key, value in found.get("annotations", {}).items() if key.startswith("prometheus")}


@BOTH
def test_collectors_of_the_one_namespace_reach_the_metrics_of_each_tier_that_has_any_and_nothing_else(
    name: str,
) -> None:
    recording = stack_of(name, namespace="monitoring")
    opened = {
        policy: rule
        for policy, rule in rules(recording, "ingress").items()
        if policy.startswith("collectors")
    }
    of_tiers = {tier.facts.workload: tier.scraped for tier in tiers(settings(name)) if tier.scraped}
    assert of_tiers
    assert opened == {
        f"collectors-to-{workload}": [
            {
                "from": [
                    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
                ],
                "ports": [{"port": scraped.port, "protocol": "TCP"}],
            }
        ]
        for workload, scraped in of_tiers.items()
    }
    for workload in of_tiers:
        (tier,) = (tier.name for tier in TIERS if tier.workload == workload)
        (server,) = servers(recording, tier)
        selector = recording.one("NetworkPolicy", f"collectors-to-{workload}").inputs["spec"]["podSelector"]
        assert selector["matchLabels"].items() <= labels(server).items()


@BOTH
def test_each_pod_with_metrics_says_where_they_are_and_the_others_say_nothing(name: str) -> None:
    recording = stack_of(name)
    for tier in tiers(settings(name)):
        told = annotations(recording, tier.name)
        if tier.scraped is None:
            assert told == {}, tier.name
        else:
            assert told == {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": str(tier.scraped.port),
                "prometheus.io/path": tier.scraped.path,
            }, tier.name


def test_the_metrics_of_a_tier_are_on_its_port_at_the_path_of_the_settings_or_nowhere() -> None:
    recording = recorded(backend={"port": 8080, "metricsPath": None}, frontend={"metricsPath": "/m"})
    assert annotations(recording, "backend") == {}
    assert annotations(recording, "frontend")["prometheus.io/path"] == "/m"
    assert [each for each in rules(recording, "ingress") if each.startswith("collectors")] == [
        "collectors-to-feastflow-frontend"
    ]


_EVERYBODY: dict[str, Any] = {"namespaceSelector": {}}
_ANY = {
    "namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]}
}
_PORTS = {"port": 1024, "endPort": 65535, "protocol": "TCP"}


@pytest.mark.parametrize(
    "wider",
    [
        {"peers": [_EVERYBODY]},
        {"peers": [_ANY]},
        {"peers": []},
        {"peers": [{"podSelector": {}}]},
        {"peers": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]},
        {"ports": []},
        {"ports": [_PORTS]},
        {"ports": [{"protocol": "TCP"}]},
    ],
)
@pytest.mark.parametrize("direction", ["ingress", "egress"])
@BOTH
def test_the_rules_take_these_policies_and_none_that_is_wider(
    name: str, direction: str, wider: dict[str, Any]
) -> None:
    recording = stack_of(name, otlpEndpoint=ENDPOINT)
    own = [
        each.inputs
        for each in recording.all("NetworkPolicy")
        if "collector" in each.object_name and direction in each.inputs["spec"]
    ]
    assert own
    peers = "from" if direction == "ingress" else "to"
    for policy in own:
        manifest = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", **copy.deepcopy(policy)}
        assert broken(manifest) == []
        for rule in manifest["spec"][direction]:
            rule.update({peers if key == "peers" else key: value for key, value in wider.items()})
        assert broken(manifest) != []


def broken(manifest: dict[str, Any]) -> list[str]:
    return [rule.id for rule in RULES if rule.level is Level.MANDATORY and judge(rule, manifest)]


def test_a_further_tier_is_observed_without_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = parse()
    facts = TierFacts(
        name="cache", title="cache", workload="valkey", label="cache", priority=1, logs=(), files={}
    )
    further = Tier(facts=facts, settings=stack.backend, weights=False)
    monkeypatch.setattr(observability, "tiers", lambda _: (*tiers(stack), further))
    recording = record(lambda: Observability("o", ObservabilityArgs(place=PLACE, stack=stack, monitors=True)))
    policy = recording.one("NetworkPolicy", "collectors-to-valkey").inputs["spec"]
    assert policy["podSelector"]["matchLabels"] == {"component": "cache"}
    monitor = recording.one("PodMonitor", "valkey").inputs["spec"]
    assert monitor["selector"]["matchLabels"] == {"component": "cache"}


@BOTH
def test_with_observability_off_the_stack_is_what_it_was_without_it(name: str) -> None:
    recording = stack_of(name, enabled=False)
    assert [each.name for each in recording.resources if each.parent.endswith("::observability")] == []
    for tier in TIERS:
        assert annotations(recording, tier.name) == {}


@BOTH
def test_monitors_find_the_pods_and_the_port_that_the_policies_open(name: str) -> None:
    recording = stack_of(name, monitors=True)
    found = {each.object_name: each.inputs["spec"] for each in recording.all("PodMonitor")}
    for tier in tiers(settings(name)):
        if tier.scraped is None:
            assert tier.facts.workload not in found
            continue
        own = found[tier.facts.workload]
        (server,) = servers(recording, tier.name)
        assert own["selector"]["matchLabels"].items() <= labels(server).items()
        assert own["podMetricsEndpoints"] == [{"port": tier.scraped.port_name, "path": tier.scraped.path}]
        if server.kind != "Cluster":
            (container,) = server.inputs["spec"]["template"]["spec"]["containers"]
            ports = {each["name"]: each["containerPort"] for each in container["ports"]}
            assert ports[tier.scraped.port_name] == tier.scraped.port
    assert len(found) == sum(tier.scraped is not None for tier in tiers(settings(name)))


@BOTH
def test_the_rules_are_the_same_for_the_operator_and_for_whoever_reads_files(name: str) -> None:
    recording = stack_of(name, monitors=True)
    config = recording.one("ConfigMap", "feastflow-rules").inputs
    rule = recording.one("PrometheusRule", "feastflow-rules").inputs["spec"]
    found = config["metadata"]["labels"]
    assert (found["prometheus_rule"], found["feastflow.dev/environment"]) == ("1", name)
    (text,) = config["data"].values()
    assert yaml.safe_load(text) == rule
    # Not a rendering of what is there without the operator.
    assert recording.one("ConfigMap", "feastflow-rules").inputs == (
        stack_of(name).one("ConfigMap", "feastflow-rules").inputs
    )
    assert stack_of(name).all("PodMonitor") == stack_of(name).all("PrometheusRule") == []


def test_monitors_are_made_where_the_settings_say_so_else_where_the_cluster_takes_them() -> None:
    takes = Survey(monitors=True)
    for setting, survey, made in (
        (None, takes, True),
        (None, Survey(), False),
        (None, None, False),
        (True, None, True),
        (True, Survey(), True),
        (False, takes, False),
    ):
        stack = parse(observability={"monitors": setting})
        assert monitors.made(stack, Seen(survey=survey)) is made
        assert monitors.made(stack, None) is bool(setting)
    off = parse(observability={"enabled": False})
    assert not monitors.made(off, Seen(survey=Survey(monitors=True)))


def with_definitions(**instead: Any) -> dict[str, Any]:
    groups = [*offering().answers["apis"]["groups"], {"name": GROUP}]
    return {"apis": {"groups": groups}, KINDS: SERVED, **instead}


def test_the_cluster_is_asked_for_the_definitions_where_it_serves_the_group_and_the_stack_does_not_say() -> (
    None
):
    stack = parse()
    assert looked(offering(**with_definitions()), stack).monitors
    one = {KINDS: {"resources": [{"name": "podmonitors"}]}}
    assert not looked(offering(**with_definitions(**one)), stack).monitors
    for api, asking in (
        (offering(), stack),
        (offering(**with_definitions()), parse(observability={"monitors": True})),
        (offering(**with_definitions()), parse(observability={"enabled": False})),
    ):
        assert not looked(api, asking).monitors
        assert KINDS not in api.asked


def test_an_account_that_may_not_make_monitors_deploys_without_them_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = offering(**with_definitions())
    # All that a stack makes, but nothing of the operator's.
    api.rules = [
        {"apiGroups": [group], "resources": ["*"], "verbs": ["*"]} for group in ("", "apps", "batch")
    ]
    api.rules += [
        {"apiGroups": [name["name"]], "resources": ["*"], "verbs": ["*"]}
        for name in offering().answers["apis"]["groups"]
    ]
    stack = parse()
    survey = looked(api, stack)
    assert survey.monitors
    assert {str(need) for need in survey.unmade} == {f"podmonitors.{GROUP}", f"prometheusrules.{GROUP}"}
    assert not monitors.made(stack, Seen(survey=survey))
    assert any(f"podmonitors.{GROUP}" in each for each in warned(api, stack, monkeypatch))


def test_monitors_that_are_wanted_where_no_definitions_are_are_refused_with_the_way_without() -> None:
    stack = parse(observability={"monitors": True})
    text = said(offering(), stack)
    assert f"feastflow:observability.monitors\n  found: context here serves no {GROUP}" in text
    assert "pulumi config rm --path feastflow:observability.monitors" in text


def test_the_collectors_are_not_in_the_stacks_own_namespace() -> None:
    assert "observability.namespace says" in refusal(observability={"namespace": "shop"})


@pytest.mark.parametrize("section", [{"monitors": True}, {"otlpEndpoint": ENDPOINT}])
def test_what_needs_observability_is_refused_where_it_is_off(section: dict[str, Any]) -> None:
    (key,) = section
    assert f"feastflow:observability.{key}\n" in refusal(observability={**section, "enabled": False})
