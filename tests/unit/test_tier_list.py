"""The one list of tiers against what is recorded: whatever is forgotten of a tier fails here."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from components.settings.model.base import model_in
from components.settings.model.stack import Stack
from components.settings.model.tiers import ApplicationSettings
from components.settings.model.workload import resources
from components.settings.values import quantities
from components.settings.values.tiers import OF_APPLICATION, TIERS, TierFacts
from tools.cli import images, watch
from tools.cluster.engine import Engine
from tools.render import files
from tools.render.manifests import render
from tools.render.secrets import Store

from .recorder import PLACE, ROOT, Peak, Recording, Registered, record_stack, stack_file
from .test_settings import MINIMAL, refusal

JOB = {"schedule": "@daily", "command": ["report"]}
LARGE = {**JOB, "resources": resources(cpu=("1", "2"), memory=("1Gi", "2Gi")).model_dump()}
MEMORY = {"requests": {"memory": "3Gi"}, "limits": {"memory": "3Gi"}}
EACH = pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.name)
BOTH = pytest.mark.parametrize("name", ["dev", "prod"])
_SERVERS = ("Deployment", "StatefulSet", "Cluster")
# Of a tier whose Service is not among the program's own objects.
_NO_SERVICE = {"Cluster": "the operator makes the one that the Cluster names"}


def recorded(**sections: object) -> Recording:
    return record_stack({**MINIMAL, **{f"feastflow:{key}": value for key, value in sections.items()}})


def servers(recording: Recording, tier: str | None = None) -> list[Registered]:
    """Return what makes pods that serve, of one tier or of all."""
    return [
        each
        for each in recording.resources
        if each.kind in _SERVERS and tier in (None, each.inputs["metadata"]["labels"]["component"])
    ]


def labels(server: Registered) -> dict[str, str]:
    """The labels of its pods."""
    spec = server.inputs["spec"]
    own: dict[str, str]
    if server.kind == "Cluster":
        own = {**spec["inheritedMetadata"]["labels"], "cnpg.io/cluster": server.object_name}
    else:
        own = spec["template"]["metadata"]["labels"]
    return own


def selects(selector: dict[str, Any], pod: dict[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels"}
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= pod.items()


def test_the_settings_have_a_section_for_each_tier_and_each_section_with_an_image_is_a_tier() -> None:
    sections = {field.alias or name: model_in(field.annotation) for name, field in Stack.model_fields.items()}
    with_image = {name: model for name, model in sections.items() if model and "image" in model.model_fields}
    assert set(with_image) == {tier.name for tier in TIERS}
    own = [name for name, model in with_image.items() if issubclass(model, ApplicationSettings)]
    assert sorted(own) == sorted(OF_APPLICATION)


@BOTH
def test_whatever_serves_belongs_to_a_tier_and_each_tier_serves(name: str) -> None:
    found = {
        (each.inputs["metadata"]["labels"]["component"], each.object_name)
        for each in servers(record_stack(stack_file(name)))
    }
    assert found == {(tier.name, tier.workload) for tier in TIERS}


@BOTH
def test_each_pod_that_serves_has_its_tiers_priority_class_and_a_job_has_none(name: str) -> None:
    recording = record_stack(stack_file(name))
    classes = {each.object_name: each.inputs["value"] for each in recording.all("PriorityClass")}
    assert classes == {f"feastflow-{name}-{tier.name}": tier.priority for tier in TIERS}
    for server in servers(recording):
        spec = server.inputs["spec"]
        pod = spec if server.kind == "Cluster" else spec["template"]["spec"]
        own = f"feastflow-{name}-{server.inputs['metadata']['labels']['component']}"
        assert pod["priorityClassName"] == own, server.name
    jobs = {maker: pod for maker, pod in recording.pods().items() if maker.split("/")[0] not in _SERVERS}
    assert jobs
    assert all("priorityClassName" not in pod for pod in jobs.values())


def test_a_tier_without_a_class_is_a_failure_where_others_have_one() -> None:
    place = replace(PLACE, priorities={"backend": "shop-backend"})
    assert (place.priority("backend"), place.priority(None)) == ("shop-backend", None)
    with pytest.raises(KeyError, match="cache"):
        place.priority("cache")
    assert PLACE.priority("cache") is None


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"rotation": 3, "backend": {"jobs": {"a": JOB, "b": LARGE}, "migrations": {"command": ["m"]}}},
        {"backend": {"release": {"strategy": "blue-green"}}},
        {"frontend": {"release": {"strategy": "canary", "canary": {"weight": 30}}}},
        {"frontend": {"release": {"strategy": "recreate"}}, "tenancy": {"admissionPolicies": False}},
        {"edge": {"host": "a.example.com", "tls": {"enabled": True, "issuer": {"name": "le"}}}},
        {"database": {"resources": MEMORY, "storage": "7Gi"}},
        {"database": {"engine": "replicated", "instances": 3, "resources": MEMORY}},
    ],
)
def test_the_quota_holds_every_pod_at_its_peak_with_its_resources_and_its_volume(
    config: dict[str, Any],
) -> None:
    recording = recorded(**config)
    hard = recording.one("ResourceQuota", "feastflow").inputs["spec"]["hard"]
    peaks = recording.peaks()
    assert_room(hard, peaks)
    container, claim = recording.one("LimitRange", "feastflow").inputs["spec"]["limits"]
    for peak in peaks:
        for each in peak.containers:
            for unit, most in container["max"].items():
                assert quantities.parse(each["limits"][unit]) <= quantities.parse(most), peak.maker
    claims = list(volumes(recording))
    assert int(hard["persistentvolumeclaims"]) >= len(claims)
    assert quantities.parse(hard["requests.storage"]) >= sum(map(quantities.parse, claims))
    assert max(map(quantities.parse, claims)) <= quantities.parse(claim["max"]["storage"])


def volumes(recording: Recording) -> Iterator[str]:
    """The sizes of all claims, with those that are made for each pod."""
    for claim in recording.all("PersistentVolumeClaim"):
        yield claim.inputs["spec"]["resources"]["requests"]["storage"]
    for peak in recording.peaks():
        kind, name = peak.maker.split("/")
        spec = recording.one(kind, name).inputs["spec"]
        own = [
            each["spec"]["resources"]["requests"]["storage"] for each in spec.get("volumeClaimTemplates", ())
        ]
        yield from [*own, *([spec["storage"]["size"]] if kind == "Cluster" else [])] * peak.pods


def assert_room(hard: dict[str, str], peaks: list[Peak]) -> None:
    assert int(hard["pods"]) >= sum(peak.pods for peak in peaks)
    for kind in ("requests", "limits"):
        for unit in ("cpu", "memory"):
            needed = sum((peak.needed(kind, unit) for peak in peaks), Decimal(0))
            assert quantities.parse(hard[f"{kind}.{unit}"]) >= needed, f"{kind}.{unit}"


# A standalone database has room for one instance more than is ever recorded.
@pytest.mark.parametrize(("name", "more"), [("dev", 1), ("prod", 0)])
def test_the_quota_has_room_for_nothing_else(name: str, more: int) -> None:
    recording = record_stack({**stack_file(name), "feastflow:rotation": 2})
    hard = recording.one("ResourceQuota", "feastflow").inputs["spec"]["hard"]
    assert_room(hard, recording.peaks())
    assert int(hard["pods"]) - sum(peak.pods for peak in recording.peaks()) == more


@EACH
@pytest.mark.parametrize("config", [{}, {"frontend": {"callsBackend": True}}])
def test_each_tier_is_reached_and_each_path_has_two_sides(tier: TierFacts, config: dict[str, Any]) -> None:
    recording = recorded(**config)
    makers = [each for each in recording.resources if "template" in each.inputs.get("spec", {})]
    pods = {each.object_name: labels(each) for each in makers}
    policies = [each.inputs["spec"] for each in recording.all("NetworkPolicy")]
    inward = {
        (client, server, port)
        for server, client, port in paths(pods, policies, "ingress", "from")
        if client is not None
    }
    outward = set(paths(pods, policies, "egress", "to"))
    assert inward == {path for path in outward if path[1] is not None}
    (own,) = servers(recording, tier.name)
    entered = {
        port for server, _, port in paths(pods, policies, "ingress", "from") if server == own.object_name
    }
    (container,) = own.inputs["spec"]["template"]["spec"]["containers"]
    assert entered == {port["containerPort"] for port in container["ports"]} != set()


def paths(
    pods: dict[str, dict[str, str]], policies: list[dict[str, Any]], direction: str, peers: str
) -> Iterator[tuple[str, str | None, int]]:
    """Each path that is opened, from the side of the selected pods; the other end is None outside."""
    for spec in policies:
        for selected in (name for name, own in pods.items() if selects(spec["podSelector"], own)):
            for rule in spec.get(direction, ()):
                for peer in rule[peers]:
                    is_own = peer.keys() == {"podSelector"}
                    ends: list[str | None] = [
                        name for name, own in pods.items() if is_own and selects(peer["podSelector"], own)
                    ]
                    for end in ends or [None]:
                        yield from ((selected, end, port["port"]) for port in rule["ports"])


@EACH
@BOTH
def test_each_tier_has_a_service_that_leads_to_its_pods_or_a_reason_for_none(
    tier: TierFacts, name: str
) -> None:
    recording = record_stack(stack_file(name))
    (server,) = servers(recording, tier.name)
    if server.kind in _NO_SERVICE:
        (made,) = server.inputs["spec"]["managed"]["services"]["additional"]
        assert made["serviceTemplate"]["metadata"]["name"] == tier.workload
    else:
        service = recording.one("Service", tier.workload).inputs["spec"]
        assert service["selector"].items() <= labels(server).items()
        (container,) = server.inputs["spec"]["template"]["spec"]["containers"]
        assert {port["targetPort"] for port in service["ports"]} == {
            each["name"] for each in container["ports"]
        }
    assert recording.exports["services"][tier.name].startswith(f"{tier.workload}.feastflow-{name}.svc:")


@EACH
@BOTH
def test_the_outputs_name_each_tiers_image_and_the_command_for_its_logs(tier: TierFacts, name: str) -> None:
    recording = record_stack(stack_file(name))
    (server,) = servers(recording, tier.name)
    spec = server.inputs["spec"]
    runs = spec.get("imageName") or spec["template"]["spec"]["containers"][0]["image"]
    assert recording.exports["images"][tier.name] == runs
    written = {
        each.inputs["spec"]["template"]["metadata"]["labels"]["component"] for each in recording.all("Job")
    }
    assert tier.name in tier.logs
    for component in tier.logs:
        command = recording.exports["commands"][f"{component}Logs"]
        assert command.endswith(f"--selector component={component}")
        assert component in {labels(server)["component"], *written}


@BOTH
def test_each_tiers_objects_are_rendered_into_files_of_its_own(name: str) -> None:
    recording = record_stack(stack_file(name))
    objects = [each for each in recording.resources if each.type.startswith("kubernetes:")]
    owned = [each for tier in TIERS for each in set(tier.files.values())]
    assert len(owned) == len(set(owned))
    for each in render(objects, Store(kind="SecretStore", name="vault", path="x")):
        kind, meta = each.manifest["kind"], each.manifest["metadata"]
        if kind in (*_SERVERS, "Service"):
            (tier,) = (tier for tier in TIERS if tier.name == meta["labels"]["component"])
            assert files._file(each) == tier.files[kind]
            # What all tiers share comes after them.
            assert tier.files[kind] < "10-"


@EACH
def test_each_tier_has_a_local_image_where_its_own_cannot_be_pulled(tier: TierFacts) -> None:
    local = images.named(Engine(command="podman", own=True, why="")).by_tier
    assert local[tier.name].startswith("localhost/feastflow/")
    if tier.of_application:
        assert (ROOT / "demo" / tier.name / "Dockerfile").is_file()
    else:
        assert (images._BASES / images._stand_in(tier).file).is_file()


@EACH
@BOTH
def test_the_watch_of_an_update_knows_each_tier_by_its_name_in_pulumi(tier: TierFacts, name: str) -> None:
    (server,) = servers(record_stack(stack_file(name)), tier.name)
    assert watch._is_awaited({"metadata": {"labels": labels(server)}}, [server.name])


@pytest.mark.parametrize("tier", OF_APPLICATION)
@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"env": {"SMTP_PASSWORD": "hunter2hunter2"}}, "env.SMTP_PASSWORD"),
        ({"release": {"strategy": "recreate"}}, "release.strategy"),
        ({"autoscaling": {"minReplicas": 3, "maxReplicas": 3}}, "autoscaling.maxReplicas"),
        ({"egress": [{"host": "a.example.com", "port": 5432, "cidrs": ["10.0.0.0/8"]}]}, "egress[0].cidrs"),
        ({"egress": [{"host": "postgres"}]}, "egress[0].host"),
        (
            {
                "autoscaling": {"minReplicas": 2, "maxReplicas": 5},
                "release": {"strategy": "canary", "canary": {"weight": 10}},
            },
            "autoscaling.maxReplicas",
        ),
    ],
)
def test_each_tier_of_the_application_is_checked_before_anything_is_touched(
    tier: str, section: dict[str, Any], key: str
) -> None:
    assert f"feastflow:{tier}.{key}\n" in refusal(**{tier: section})
