"""OpenTelemetry's endpoint: each application tier is told of it and may go there; nothing else changes."""

from dataclasses import replace

import pytest

from components.settings.model.contract import TELEMETRY_VARIABLES
from components.settings.values.tiers import OF_APPLICATION
from components.workloads import telemetry

from .recorder import PLACE, Recording, record_stack
from .test_network import rules
from .test_settings import MINIMAL, PEM, parse, refusal

ENDPOINT = "http://collector.tracing.svc:4318"
JOBS = {"jobs": {"a": {"schedule": "@daily", "command": ["a"]}}, "migrations": {"command": ["m"]}}


def recorded(**sections: object) -> Recording:
    return record_stack({**MINIMAL, **{f"feastflow:{key}": value for key, value in sections.items()}})


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
    place = replace(PLACE, observability=parse(observability={"otlpEndpoint": ENDPOINT}).observability)
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
