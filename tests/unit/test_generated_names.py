"""Names that follow from settings: valid at any length, and different wherever the settings are."""

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.postgres import migrations
from components.settings.model import mounts
from components.settings.values import names
from components.workloads import workload
from tools.render import files, program
from tools.render import secrets as render_secrets
from tools.render.manifests import render

from .recorder import Recording, record_stack, stack_file
from .test_hardening import THIRD
from .test_settings import MINIMAL, PEM, parse, refusal

# https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go
LABEL = re.compile(r"(?=.{1,63}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
RFC1035 = re.compile(r"(?=.{1,63}\Z)[a-z]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
SEGMENT = re.compile(r"(?!\.\.?\Z)[^/%]+")
VALUE = re.compile(r"(?=.{0,63}\Z)(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
DATA_KEY = re.compile(r"(?!\.\.)(?=.{1,253}\Z)[-._a-zA-Z0-9]+")
PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])(?!.*--)[a-z0-9]([a-z0-9-]*[a-z0-9])?")
# The CronJob controller adds eleven characters to the names of its Jobs.
CRON_JOB = re.compile(r"(?=.{1,52}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
KINDS = {
    "Namespace": LABEL,
    "Service": RFC1035,
    "CronJob": CRON_JOB,
    "Role": SEGMENT,
    "RoleBinding": SEGMENT,
}
# Kinds whose pods have its name in a label, or are named after it.
MAKERS = {"Job": LABEL, "StatefulSet": LABEL, "Deployment": SUBDOMAIN}

PATHS = st.lists(
    st.lists(st.text("aB_-. é", min_size=1, max_size=40), min_size=1, max_size=3)
    .map(lambda parts: "/" + "/".join(parts))
    .filter(lambda path: not {".", ".."} & set(path.split("/"))),
    min_size=1,
    max_size=6,
    unique=True,
)
WORD = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=63).filter(
    lambda text: LABEL.fullmatch(text) is not None
)


def wrong(recording: Recording) -> Iterator[str]:
    """Yield every name that the API server's validation of its kind would refuse."""
    for resource in recording.resources:
        metadata = resource.inputs.get("metadata")
        if not metadata:
            continue
        name, kind = resource.object_name, resource.kind
        if not KINDS.get(kind, MAKERS.get(kind, SUBDOMAIN)).fullmatch(name):
            yield f"{kind}/{name}"
        yield from (
            f"{kind}/{name} {value}"
            for value in metadata.get("labels", {}).values()
            if not VALUE.fullmatch(value)
        )
        if kind in ("ConfigMap", "Secret"):
            yield from (
                f"{kind}/{name} {key}" for key in resource.inputs["data"] if not DATA_KEY.fullmatch(key)
            )
    for maker, pod in recording.pods().items():
        yield from (f"{maker} {name}" for name in in_pod(pod) if not LABEL.fullmatch(name))
        ports = [port["name"] for each in pod["containers"] for port in each.get("ports", [])]
        yield from (f"{maker} {name}" for name in ports if not PORT_NAME.fullmatch(name))


def in_pod(pod: Mapping[str, Any]) -> list[str]:
    """Return the names of a pod's containers and volumes."""
    containers = [*pod.get("initContainers", []), *pod["containers"]]
    return [each["name"] for each in (*containers, *pod.get("volumes", []))]


def twice(recording: Recording) -> Iterator[str]:
    """Yield every name that two things have where there may be one."""
    objects = Counter(
        f"{each.kind}/{each.object_name}" for each in recording.resources if "metadata" in each.inputs
    )
    yield from (name for name, count in objects.items() if count > 1 and not name.startswith("JobPatch/"))
    for maker, pod in recording.pods().items():
        containers = [*pod.get("initContainers", []), *pod["containers"]]
        for key, found in {
            "container": [each["name"] for each in containers],
            "volume": [each["name"] for each in pod.get("volumes", [])],
            **{
                f"mount of {each['name']}": [m["mountPath"] for m in each.get("volumeMounts", [])]
                for each in containers
            },
            **{
                f"variable of {each['name']}": [v["name"] for v in each.get("env", [])] for each in containers
            },
        }.items():
            yield from (f"{maker} {key} {name}" for name, count in Counter(found).items() if count > 1)


def stack(
    *, namespace: str = "shop", environment: str = "dev", job: str = "report", paths: list[str] | None = None
) -> Recording:
    """Return a stack with everything whose name follows from a setting."""
    writable = [{"path": path} for path in paths or ["/tmp"]]
    backend = {
        "jobs": {job: {"schedule": "@daily", "command": ["report"]}},
        "migrations": {"command": ["migrate"]},
        "caBundle": {"pem": PEM},
        "secrets": {"X" * 253: {"externalSecret": {"store": "s", "key": "k"}}},
        "image": "registry.example.com/shop/api:" + "v" * 62 + "-_." + "1" * 63,
        "writable": writable,
        "release": {"strategy": "blue-green"},
    }
    return record_stack(
        {
            **MINIMAL,
            "feastflow:namespace": namespace,
            "feastflow:environment": environment,
            "feastflow:backend": backend,
            "feastflow:frontend": {
                "callsBackend": True,
                "writable": writable,
                "release": {"strategy": "canary", "canary": {}},
            },
        }
    )


EXTREMES: tuple[tuple[str, str, str, list[str]], ...] = (
    ("n" * 63, "e" * 63, "j" * 37, ["/" + "x" * 200, "/" + "x" * 199 + "y"]),
    ("a", "b", "await-database", ["/_", "/-", "/é"]),
    ("a-1", "0", "authorities", ["/a_b", "/a-b", "/a/b", "/A/B"]),
)


@settings(max_examples=4)
@example(*EXTREMES[0])
@example(*EXTREMES[1])
@example(*EXTREMES[2])
@given(WORD.filter(lambda text: "-" not in text[:8]), WORD, WORD.filter(lambda text: len(text) <= 37), PATHS)
def test_every_generated_name_is_one_for_its_kind_and_no_two_things_share_one(
    namespace: str, environment: str, job: str, paths: list[str]
) -> None:
    recording = stack(namespace=namespace, environment=environment, job=job, paths=paths)
    assert list(wrong(recording)) == []
    assert list(twice(recording)) == []


@pytest.mark.parametrize("config", [stack_file("dev"), stack_file("prod"), THIRD])
def test_nothing_is_there_twice_in_the_stacks_that_there_are(config: Mapping[str, object]) -> None:
    recording = record_stack(config)
    assert list(wrong(recording)) == []
    assert list(twice(recording)) == []


@given(PATHS)
def test_no_two_writable_paths_share_a_volume_and_a_path_of_its_own_shows_it(paths: list[str]) -> None:
    found = workload.volume_names(paths)
    assert len(set(found.values())) == len(paths)
    assert all(LABEL.fullmatch(name) and name.startswith("writable") for name in found.values())


def test_a_path_that_spells_another_ones_digest_does_not_take_its_name() -> None:
    first = workload.volume_names(["/a_b", "/a-b"])["/a_b"]
    paths = ["/a_b", "/a-b", "/" + first.removeprefix("writable-")]
    assert len(set(workload.volume_names(paths).values())) == len(paths)


def test_a_second_path_leaves_the_name_of_an_unlike_one_alone() -> None:
    assert workload.volume_names(["/tmp", "/a_b", "/a-b"])["/tmp"] == "writable-tmp"


@given(WORD)
def test_the_databases_certificate_names_a_host_that_fits_in_any_namespace(namespace: str) -> None:
    hosts = names.hosts(names.DATABASE, namespace, "cluster.local")
    assert all(SUBDOMAIN.fullmatch(host) for host in hosts)
    assert len(hosts[0]) <= 64


def test_versions_with_another_migration_have_another_job() -> None:
    base: dict[str, Any] = {"image": "registry.example.com/api:1", "migrations": {"command": ["a b"]}}
    others: list[dict[str, Any]] = [
        {"migrations": {"command": ["a", "b"]}},
        {"migrations": {"command": ["a b"], "attempt": 2}},
        {"image": "registry.example.com/api:1-x"},
        {"image": "registry.example.com/api_1:1"},
    ]
    found = {migrations.job_name(parse(backend={**base, **change}).backend) for change in ({}, *others)}
    assert len(found) == 1 + len(others)


OWN = {
    "migrations": {"command": ["migrate"]},
    "caBundle": {"pem": PEM},
    "jobs": {"report": {"schedule": "@daily", "command": ["report"]}},
}


@pytest.mark.parametrize("mode", ["job", "initContainer"])
@pytest.mark.parametrize("engine", ["dev", "prod"])
def test_every_path_that_the_program_mounts_is_one_that_settings_are_kept_away_from(
    engine: str, mode: str
) -> None:
    own = {**OWN, "migrations": {"command": ["migrate"], "mode": mode}}
    recording = record_stack({**stack_file(engine), "feastflow:backend": own})
    tiers = ("Deployment/", "CronJob/", f"Job/{names.MIGRATIONS}")
    mounted = {
        mount["mountPath"]
        for maker, pod in recording.pods().items()
        if maker.startswith(tiers)
        for container in (*pod.get("initContainers", []), *pod["containers"])
        for mount in container["volumeMounts"]
        if not mount["name"].startswith("writable-")
    }
    assert mounted == {*mounts.FOLDERS, "/etc/feastflow/ca.crt"}


@pytest.mark.parametrize("path", [*mounts.FOLDERS, "/etc/feastflow", "/etc", "/etc/feastflow/database/x"])
@pytest.mark.parametrize("tier", ["backend", "frontend"])
def test_a_path_at_above_or_below_one_that_the_program_mounts_is_refused(tier: str, path: str) -> None:
    assert f"feastflow:{tier}.caBundle.path\n" in refusal(**{tier: {"caBundle": {"pem": PEM, "path": path}}})
    said = refusal(**{tier: {"writable": [{"path": "/tmp"}, {"path": path}]}})
    assert f"feastflow:{tier}.writable[1].path\n" in said
    assert "is mounted in every pod" in said or "one mount of a path" in said


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"caBundle": {"pem": PEM, "path": "/tmp"}}, "caBundle.path"),
        ({"caBundle": {"pem": PEM, "path": "/var"}, "writable": [{"path": "/var/cache"}]}, "caBundle.path"),
        ({"caBundle": {"pem": PEM, "path": "/etc/hosts"}}, "caBundle.path"),
        ({"caBundle": {"pem": PEM, "path": "/proc/ca.crt"}}, "caBundle.path"),
        ({"writable": [{"path": "/etc/resolv.conf"}]}, "writable[0].path"),
        ({"writable": [{"path": "/dev"}]}, "writable[0].path"),
        ({"writable": [{"path": "/sys/fs"}]}, "writable[0].path"),
        ({"writable": [{"path": "/etc/feastflow/ca.crt"}]}, "writable[0].path"),
        ({"writable": [{"path": "/a/./b"}, {"path": "/a/b"}]}, "writable[0].path"),
        ({"writable": [{"path": "/a/"}]}, "writable[0].path"),
    ],
)
def test_a_mount_that_no_pod_could_have_is_refused(section: dict[str, Any], key: str) -> None:
    assert f"feastflow:frontend.{key}\n" in refusal(frontend=section)


@pytest.mark.parametrize(
    "section",
    [
        {"caBundle": {"pem": PEM, "path": "/tmp/ca.crt"}},
        {"caBundle": {"pem": PEM, "path": "/etc/feastflow/own/ca.crt"}},
        {"caBundle": {"pem": PEM, "path": "/etc/ssl/certs/own.crt"}},
        {"writable": [{"path": "/dev/shm"}, {"path": "/app/.next"}, {"path": "/app/.next/cache"}]},
        {"writable": [{"path": "/etc/feastflow-app"}, {"path": "/procs"}]},
    ],
)
def test_a_mount_with_a_path_of_its_own_is_accepted(section: dict[str, Any]) -> None:
    assert parse(frontend=section)


def test_a_job_with_the_bundle_has_the_file_that_node_reads() -> None:
    recording = record_stack({**MINIMAL, "feastflow:backend": OWN})
    pod = recording.pods()["CronJob/feastflow-jobs-report"]
    assert [each["name"] for each in pod["initContainers"]] == ["authorities", "await-database"]


@pytest.mark.parametrize("more", [{}, {"feastflow:rotation": 3}])
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_no_two_objects_of_a_rendering_share_a_name(name: str, more: dict[str, object]) -> None:
    backend = {"secrets": {"A_KEY": {"secure": "v1:a"}}, "migrations": {"command": ["migrate"]}}
    frontend = {"secrets": {"A_KEY": {"secure": "v1:a"}}}
    config = {**stack_file(name), "feastflow:backend": backend, "feastflow:frontend": frontend, **more}
    store = render_secrets.Store(kind="SecretStore", name="vault", path="feastflow")
    rendered = [each.manifest for each in render(program.objects(name, config), store)]
    found = Counter((each["kind"], each["metadata"]["name"]) for each in rendered)
    assert [key for key, count in found.items() if count > 1] == []
    texts = files.texts(render(program.objects(name, config), store), name)
    assert sum(text.count("\n---\n") for text in texts.values()) == len(rendered)


def test_a_rendered_reference_reads_every_key_that_a_secret_may_have() -> None:
    assert [render_secrets.value_of(key) for key in ("API_KEY", "spring.mail.password", "a-b")] == [
        "{{ .API_KEY }}",
        '{{ index . "spring.mail.password" }}',
        '{{ index . "a-b" }}',
    ]
