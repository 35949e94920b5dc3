"""Nodes and pull Secrets of each tier's pods, and the certificate authority that the database trusts."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .recorder import Recording, record_stack, stack_file
from .test_settings import PEM, parse, refusal

_ARM = {"kubernetes.io/arch": "arm64"}
_TAINT = {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NoSchedule"}
_JOBS = {"report": {"schedule": "@daily", "command": ["true"]}}


def stack(name: str = "dev", **sections: dict[str, Any]) -> Recording:
    config = stack_file(name)
    for section, more in sections.items():
        there = config.get(f"feastflow:{section}", {})
        assert isinstance(there, dict)
        config[f"feastflow:{section}"] = {**there, **more}
    return record_stack(config)


def on_nodes(recording: Recording) -> dict[str, tuple[Any, list[str]]]:
    """Return each pod's selector, and the keys that it tolerates beyond those of every pod."""
    return {
        name: (pod.get("nodeSelector"), [each["key"] for each in pod["tolerations"]][2:])
        for name, pod in recording.pods().items()
    }


@pytest.mark.parametrize(
    ("tier", "its"),
    [
        ("backend", ("Deployment/feastflow-backend", "Job/feastflow-migrations", "CronJob/feastflow-jobs")),
        ("frontend", ("Deployment/feastflow-frontend",)),
        ("database", ("StatefulSet/postgres", "Job/feastflow-roles")),
    ],
)
def test_a_tiers_pods_and_its_jobs_run_where_its_settings_say_and_no_others_do(
    tier: str, its: tuple[str, ...]
) -> None:
    wish: dict[str, Any] = {"nodeSelector": _ARM, "tolerations": [_TAINT]}
    sections: dict[str, dict[str, Any]] = {"backend": {"jobs": _JOBS}}
    sections[tier] = {**sections.get(tier, {}), **wish}

    found = on_nodes(stack("dev", **sections))

    assert {name.startswith(its) for name in found} == {True, False}
    for name, where in found.items():
        assert where == ((_ARM, ["kubernetes.io/arch"]) if name.startswith(its) else (None, [])), name


def test_the_replicated_database_has_them_in_the_operators_words() -> None:
    wish = {"nodeSelector": _ARM, "tolerations": [_TAINT], "pullSecrets": ["registry", "registry"]}

    spec = stack("prod", database=wish).one("Cluster", "postgres").inputs["spec"]

    assert spec["affinity"]["nodeSelector"] == _ARM
    assert spec["affinity"]["tolerations"][2:] == [{**_TAINT, "operator": "Equal"}]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]


def test_without_a_wish_every_node_is_one(dev: Recording, prod: Recording) -> None:
    for recording in (dev, prod):
        assert all(where == (None, []) for where in on_nodes(recording).values())
    spec = prod.one("Cluster", "postgres").inputs["spec"]
    assert "nodeSelector" not in spec["affinity"]
    assert "imagePullSecrets" not in spec


@pytest.mark.parametrize(
    ("taint", "at", "told"),
    [
        ({"key": "a", "operator": "Exists", "value": "b"}, "value", "operator to Equal"),
        ({"key": "a", "tolerationSeconds": 5}, "tolerationSeconds", "effect to NoExecute"),
        ({"key": "a", "effect": "NoSchedule", "tolerationSeconds": 5}, "tolerationSeconds", "NoExecute"),
        ({"key": "node-role.kubernetes.io/control-plane"}, "key", "kubectl taint node"),
        ({"key": "node-role.kubernetes.io/worker"}, "key", "kubectl taint node"),
        ({"key": "node.kubernetes.io/unreachable"}, "key", "feastflow:cluster.deadNodeSeconds"),
        ({"key": "a", "effect": "NoRun"}, "effect", "NoSchedule"),
        ({"operator": "Exists"}, "key", "nothing"),
        ({"key": "a b"}, "key", "no key of a label"),
    ],
)
@pytest.mark.parametrize("tier", ["backend", "frontend", "database"])
def test_a_toleration_that_no_api_server_or_rule_takes_is_refused(
    tier: str, taint: dict[str, Any], at: str, told: str
) -> None:
    text = refusal(**{tier: {"tolerations": [taint]}})
    assert f"feastflow:{tier}.tolerations[0].{at}\n" in text
    assert told in text


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ({"kubernetes.io/arch": "x86_64"}, "did you mean amd64?"),
        ({"kubernetes.io/arch": "AArch64"}, "did you mean arm64?"),
        ({"kubernetes.io/os": "windows"}, "Linux'"),
        ({"node-role.kubernetes.io/master": ""}, "kubectl label node"),
        ({"node-role.kubernetes.io/worker": ""}, "kubectl label node"),
        ({"": "a"}, "no key of a label"),
        ({"pool": "a b"}, "no value of a label"),
    ],
)
def test_a_selector_that_no_node_meets_or_no_rule_takes_is_refused(
    selector: dict[str, str], told: str
) -> None:
    text = refusal(backend={"nodeSelector": selector})
    assert "feastflow:backend.nodeSelector" in text
    assert told in text


def test_numbers_and_booleans_are_the_texts_that_labels_are() -> None:
    stack = parse(backend={"nodeSelector": {"spot": True, "generation": 3}})
    assert stack.backend.node_selector == {"spot": "true", "generation": "3"}


_KEYS = st.from_regex(r"[a-z]{2,8}(\.[a-z]{1,5})?/[A-Za-z0-9]{1,10}|[A-Za-z0-9]{1,20}", fullmatch=True)


@given(
    taint=st.fixed_dictionaries(
        {"key": _KEYS},
        optional={
            "operator": st.sampled_from(["Equal", "Exists"]),
            "value": st.from_regex(r"[A-Za-z0-9]{0,12}", fullmatch=True),
            "effect": st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
            "tolerationSeconds": st.integers(0, 300),
        },
    )
)
def test_what_kubernetes_validation_says_of_a_toleration_is_said_here(taint: dict[str, Any]) -> None:
    # ValidateTolerations of
    # https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/apis/core/validation/validation.go
    taken = not (taint.get("operator") == "Exists" and taint.get("value") is not None) and not (
        "tolerationSeconds" in taint and taint.get("effect") != "NoExecute"
    )
    if taken:
        assert parse(frontend={"tolerations": [taint]}).frontend.tolerations[0].key == taint["key"]
    else:
        assert "feastflow:frontend.tolerations[0]." in refusal(frontend={"tolerations": [taint]})


def pulled(recording: Recording) -> Iterator[tuple[str, set[str], set[str]]]:
    """Yield each pod with its images, and the Secrets of its account."""
    accounts = {
        each.object_name: {secret["name"] for secret in each.inputs.get("imagePullSecrets") or ()}
        for each in recording.all("ServiceAccount")
    }
    for name, pod in recording.pods().items():
        images = {each["image"] for each in [*pod.get("initContainers", []), *pod["containers"]]}
        yield name, images, accounts[pod["serviceAccountName"]]


@pytest.mark.parametrize("mode", ["job", "initContainer"])
def test_whatever_pod_runs_the_databases_image_pulls_it_with_the_databases_secrets(mode: str) -> None:
    image = "registry.example.com/pg:15.14"
    recording = stack(
        database={"image": image, "pullSecrets": ["private"]},
        backend={
            "pullSecrets": ["ours"],
            "jobs": _JOBS,
            "caBundle": {"pem": PEM},
            "migrations": {"mode": mode, "command": ["true"]},
        },
    )

    seen = list(pulled(recording))

    assert len(seen) >= 5
    for name, images, secrets in seen:
        others = {each for each in images if each != image and "frontend" not in each}
        assert secrets == ({"private"} if image in images else set()) | ({"ours"} if others else set()), name


def test_the_standalone_server_finds_the_authority_where_it_is_told() -> None:
    pod = stack(database={"caBundle": {"pem": PEM, "variables": ["SSL_CERT_FILE"]}}).pods()[
        "StatefulSet/postgres"
    ]

    for container in (*pod["initContainers"], *pod["containers"]):
        variables = {each["name"]: each.get("value") for each in container["env"]}
        mounted = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        assert mounted[variables["SSL_CERT_FILE"] or ""] == "ca-bundle"


def test_the_replicated_servers_find_it_below_projected() -> None:
    bundle = {"pem": PEM, "path": "/projected/own/ca.crt"}

    recording = stack("prod", database={"caBundle": bundle})

    spec = recording.one("Cluster", "postgres").inputs["spec"]
    (source,) = spec["projectedVolumeTemplate"]["sources"]
    assert source["configMap"]["items"] == [{"key": "ca.crt", "path": "own/ca.crt"}]
    assert source["configMap"]["name"] in {each.object_name for each in recording.all("ConfigMap")}
    assert {"name": "SSL_CERT_FILE", "value": "/projected/own/ca.crt"} in spec["env"]


def test_a_bundle_elsewhere_is_refused_where_the_operator_would_not_mount_it() -> None:
    database = {"engine": "replicated", "instances": 3, "caBundle": {"pem": PEM}}
    text = refusal(database=database)
    assert "feastflow:database.caBundle.path\n" in text
    assert "pulumi config set --path feastflow:database.caBundle.path /projected/ca.crt" in text


def test_a_path_that_the_server_has_mounted_is_refused(dev: Recording) -> None:
    pod = dev.pods()["StatefulSet/postgres"]
    for mount in pod["containers"][0]["volumeMounts"]:
        text = refusal(database={"caBundle": {"pem": PEM, "path": mount["mountPath"]}})
        assert "feastflow:database.caBundle.path\n" in text, mount
    assert "caBundle.path\n" in refusal(database={"caBundle": {"pem": PEM, "path": "/etc/feastflow"}})


def test_a_variable_of_the_server_itself_is_refused(dev: Recording) -> None:
    pod = dev.pods()["StatefulSet/postgres"]
    names = {each["name"] for entry in (*pod["initContainers"], *pod["containers"]) for each in entry["env"]}
    for name in (*names, "PGSSLROOTCERT", "POD_NAME", "CNPG_X"):
        text = refusal(database={"caBundle": {"pem": PEM, "variables": [name]}})
        assert "feastflow:database.caBundle.variables\n" in text, name
