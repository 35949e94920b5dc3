"""Observability in the namespace: metrics for the collectors alone, telemetry, monitors, promises."""

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
from components.settings.model.contract import TELEMETRY_VARIABLES
from components.settings.model.stack import Stack
from components.settings.values.tiers import OF_APPLICATION, TIERS, TierFacts
from components.tiers import tiers
from components.workloads import telemetry

from .recorder import PLACE, Recording, encode, record, record_stack, stack_file
from .test_network import rules
from .test_offers import offering, said
from .test_settings import MINIMAL, PEM, parse, refusal
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
    assert config["metadata"]["labels"]["prometheus_rule"] == "1"
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


def environments(recording: Recording, tier: str) -> dict[str, dict[str, str]]:
    """OpenTelemetry's variables of all that runs the tier's image, by its maker."""
    image = recording.exports["images"][tier]
    values = {each.object_name: each.inputs["data"] for each in recording.all("ConfigMap")}
    return {
        maker: {
            entry["name"]: values[source["name"]][source["key"]]
            for entry in container["env"]
            if entry["name"].startswith("OTEL") and (source := entry["valueFrom"]["configMapKeyRef"])
        }
        for maker, pod in recording.pods().items()
        for container in pod["containers"]
        if container["image"] == image
    }


@pytest.mark.parametrize("tier", OF_APPLICATION)
def test_each_application_tier_is_told_the_endpoint_and_who_it_is(tier: str) -> None:
    recording = recorded(backend=JOBS, observability={"otlpEndpoint": ENDPOINT})
    told = environments(recording, tier)
    assert told
    for maker, variables in told.items():
        attributes = dict(each.split("=") for each in variables.pop("OTEL_RESOURCE_ATTRIBUTES").split(","))
        assert variables == {
            "OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": f"feastflow-{tier}",
        }, maker
        assert attributes == {
            "service.namespace": "shop",
            "service.version": "1.0.0",
            "deployment.environment.name": "dev",
            "k8s.namespace.name": "shop",
        }


@pytest.mark.parametrize("tier", OF_APPLICATION)
def test_without_an_endpoint_no_pod_is_told_and_no_way_is_opened(tier: str) -> None:
    recording = recorded(backend=JOBS)
    assert set(map(len, environments(recording, tier).values())) == {0}
    assert [each for each in rules(recording, "egress") if each.endswith("-to-collector")] == []


def test_what_runs_an_image_of_the_application_and_nothing_else_may_go_to_the_endpoint_alone() -> None:
    recording = recorded(backend=JOBS, observability={"otlpEndpoint": ENDPOINT})
    opened = {
        name: rule for name, rule in rules(recording, "egress").items() if name.endswith("-to-collector")
    }
    way = {
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tracing"}}}],
        "ports": [{"port": 4318, "protocol": "TCP"}],
    }
    clients = ("backend", "frontend", "jobs", "migrations")
    assert opened == {f"feastflow-{client}-to-collector": [way] for client in clients}


@pytest.mark.parametrize(
    ("endpoint", "protocol", "port"),
    [
        ("http://collector.tracing.svc:4317", "grpc", 4317),
        ("http://collector.tracing.svc:4318/otlp", "http/protobuf", 4318),
        ("https://otlp.example.com", "http/protobuf", 443),
        ("https://collector.tracing.svc.cluster.local:4317/", "grpc", 4317),
    ],
)
def test_the_port_says_the_protocol(endpoint: str, protocol: str, port: int) -> None:
    recording = recorded(observability={"otlpEndpoint": endpoint})
    (told,) = environments(recording, "frontend").values()
    assert told["OTEL_EXPORTER_OTLP_PROTOCOL"] == protocol
    (rule,) = rules(recording, "egress")["feastflow-frontend-to-collector"]
    assert rule["ports"] == [{"port": port, "protocol": "TCP"}]


@pytest.mark.parametrize("name", TELEMETRY_VARIABLES)
@pytest.mark.parametrize("tier", OF_APPLICATION)
def test_opentelemetrys_variables_are_the_users_without_an_endpoint_and_the_programs_with_one(
    tier: str, name: str
) -> None:
    told = {"otlpEndpoint": ENDPOINT}
    for key, section in {
        f"env.{name}": {"env": {name: "x"}},
        f"secrets.{name}": {"secrets": {name: {"secret": "a", "key": "b"}}},
        f"release.green.env.{name}": {"release": {"strategy": "blue-green", "green": {"env": {name: "x"}}}},
        "envNames.APP_VERSION": {"envNames": {"APP_VERSION": name}},
        "caBundle.variables": {"caBundle": {"pem": PEM, "variables": [name]}},
    }.items():
        parse(**{tier: section})
        assert f"feastflow:{tier}.{key}\n" in refusal(**{tier: section, "observability": told})
    job = {"jobs": {"a": {**JOBS["jobs"]["a"], "env": {name: "x"}}}}  # type: ignore[index]
    parse(backend=job)
    assert f"feastflow:backend.jobs.a.env.{name}\n" in refusal(backend=job, observability=told)
    renamed = {"envNames": {name: "MINE"}}
    assert f"feastflow:{tier}.envNames.{name}\n" in refusal(**{tier: renamed, "observability": told})


def test_what_the_program_tells_is_what_it_keeps_for_itself() -> None:
    place = PLACE.__class__(
        **{**vars(PLACE), "observability": parse(observability={"otlpEndpoint": ENDPOINT}).observability}
    )
    told = telemetry.variables(place, place.identity("a", "a"), "1")
    assert tuple(told) == TELEMETRY_VARIABLES


@pytest.mark.parametrize(
    ("endpoint", "why", "fix"),
    [
        ("collector:4318", "begins with http", "http://collector.observability.svc:4318"),
        ("grpc://collector.tracing.svc:4317", "begins with http", "http://"),
        ("http://collector.tracing.svc", "port 80", ":4318"),
        ("http://collector.tracing.svc:port", "no URL", ":4318"),
        ("http://collector.tracing.svc:4318/v1/traces", "base of three", "http://collector.tracing.svc:4318"),
        ("http://10.0.0.7:4318", "no DNS name", "svc"),
        ("http://[::1]:4318", "no DNS name", "svc"),
        ("http://:4318", "no DNS name", "svc"),
        ("http://Collector_1.tracing.svc:4318", "no DNS name", "svc"),
        ("https://key:word@otlp.example.com", "password", "svc"),
        ("https://otlp.example.com?token=1", "query", "svc"),
        ("http://collector:4318", "stack's own namespace", "collector.observability.svc"),
        ("http://collector.shop.svc:4318", "stack's own namespace", "collector.observability.svc"),
        ("http://collector.tracing:4318", "may be short for", "collector.tracing.svc"),
        ("http://otlp.corp:4318", "no public DNS", "collector.observability.svc"),
        ("http://collector.tracing.svc.other.domain:4318", "other.domain", "cluster.domain"),
    ],
)
def test_an_endpoint_that_no_policy_could_open_or_that_no_sdk_could_use_is_refused(
    endpoint: str, why: str, fix: str
) -> None:
    text = refusal(observability={"otlpEndpoint": endpoint})
    assert "feastflow:observability.otlpEndpoint\n" in text
    assert why in text
    assert fix in text
    assert "key:word" not in text.partition("why:")[2]


@pytest.mark.parametrize(
    ("objective", "key", "why"),
    [
        ({"availability": 100}, "availability", "no request that may fail"),
        ({"availability": 99.9999}, "availability", "no request that may fail"),
        ({"availability": 0}, "availability", "no alert would tell"),
        ({"availability": 89.9}, "availability", "no alert would tell"),
        ({"availability": "99.9"}, "availability", ""),
        ({"latency": {"milliseconds": 0}}, "latency.milliseconds", "no request takes no time"),
        ({"latency": {"milliseconds": 60001}}, "latency.milliseconds", "a minute"),
        ({"latency": {"percentile": 100}}, "latency.percentile", "from 50 to 99.9"),
        ({"latency": {"percentile": 0.99}}, "latency.percentile", "from 50 to 99.9"),
        ({"windowDays": 0}, "windowDays", "7 to 90 days"),
        ({"windowDays": 6}, "windowDays", "7 to 90 days"),
        ({"windowDays": 365}, "windowDays", "7 to 90 days"),
    ],
)
@pytest.mark.parametrize("tier", OF_APPLICATION)
def test_a_promise_that_cannot_be_kept_or_measured_is_refused(
    tier: str, objective: dict[str, Any], key: str, why: str
) -> None:
    text = refusal(observability={"objectives": {tier: objective}})
    assert f"feastflow:observability.objectives.{tier}.{key}\n" in text
    assert why in text


def test_a_promise_is_the_default_but_for_what_is_said() -> None:
    said = parse(
        observability={"objectives": {"backend": {"availability": 99, "latency": {"percentile": 95}}}}
    )
    backend, frontend = (said.observability.objective(name) for name in ("backend", "frontend"))
    assert (backend.availability, backend.latency.percentile, backend.latency.milliseconds) == (99, 95, 500)
    assert frontend == parse().observability.objective("frontend")
    assert (frontend.availability, frontend.latency.percentile, frontend.window_days) == (99.9, 99, 30)


def test_no_promise_is_made_of_what_no_request_enters() -> None:
    assert "measured at the edge" in refusal(observability={"objectives": {"database": {}}})


def test_the_collectors_are_not_in_the_stacks_own_namespace() -> None:
    assert "observability.namespace says" in refusal(observability={"namespace": "shop"})


@pytest.mark.parametrize("section", [{"monitors": True}, {"otlpEndpoint": ENDPOINT}])
def test_what_needs_observability_is_refused_where_it_is_off(section: dict[str, Any]) -> None:
    (key,) = section
    assert f"feastflow:observability.{key}\n" in refusal(observability={**section, "enabled": False})
