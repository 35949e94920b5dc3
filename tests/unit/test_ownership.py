"""A stack belongs to one cluster, and a namespace to one stack."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components.guards import ownership
from components.guards.cluster.live import Namespace, Seen
from components.settings.model.stack import Kubeconfig, Stack

from .test_settings import parse

UUID = "7f3c1b8e-0000-4000-8000-000000000001"
MINE = f"feastflow/dev/{UUID}"
THEIRS = "feastflow/dev/7f3c1b8e-0000-4000-8000-000000000002"
STACK: Stack = parse()
GIVEN: Stack = parse(tenancy={"createNamespace": False})
RECORDED = {"namespace": STACK.namespace, "cluster": "a", "clusterName": "context mine at https://a"}


def seen(namespace: Namespace | None = None, cluster: str | None = "a") -> Seen:
    return Seen(name=f"context here at https://{cluster}", cluster=cluster, namespace=namespace)


def refusal(stack: Stack, found: Seen, before: Mapping[str, Any], uuid: str | None, **environ: str) -> str:
    with pytest.raises(pulumi.RunError) as error:
        ownership.check(stack, found, before, uuid, environ)
    return str(error.value)


@pytest.mark.parametrize(
    ("found", "before", "uuid"),
    [
        (None, {}, None),
        (seen(), {}, None),
        (seen(), {}, UUID),
        (seen(Namespace(owner=MINE)), RECORDED, UUID),
        (seen(Namespace(owner=MINE)), {}, UUID),  # a first update that was cut off
        (seen(Namespace()), {"namespace": STACK.namespace}, UUID),  # recorded before namespaces had owners
        (seen(Namespace(owner=MINE), cluster=None), RECORDED, UUID),  # kube-system may not be read
    ],
)
def test_the_stacks_own_cluster_and_namespace_are_let_through(
    found: Seen | None, before: Mapping[str, Any], uuid: str | None
) -> None:
    ownership.check(STACK, found, before, uuid, {})


def test_another_cluster_is_refused_with_the_names_of_both_before_anything_else() -> None:
    text = refusal(STACK, seen(Namespace(owner=THEIRS), cluster="b"), RECORDED, UUID)

    assert text.startswith("The stack is deployed to another cluster; nothing was changed.")
    assert "found: context here at https://b, cluster b" in text
    assert "(was context mine at https://a, cluster a)" in text
    assert "pulumi config set kubernetes:context NAME" in text


@pytest.mark.parametrize("before", [{}, RECORDED, {"namespace": STACK.namespace}])
@pytest.mark.parametrize("uuid", [None, UUID])
@pytest.mark.parametrize("stack", [STACK, GIVEN])
@pytest.mark.parametrize("environ", [{}, {"FEASTFLOW_ADOPT": STACK.namespace}])
def test_a_namespace_of_another_stack_is_never_used(
    stack: Stack, before: Mapping[str, Any], uuid: str | None, environ: Mapping[str, str]
) -> None:
    text = refusal(stack, seen(Namespace(owner=THEIRS)), before, uuid, **environ)

    assert "belongs to the stack feastflow/dev (state 7f3c1b8e-0000-4000-8000-000000000002)" in text
    assert f"kubectl annotate namespace {STACK.namespace} feastflow.pulumi.com/owner-, and make adopt" in text


@pytest.mark.parametrize("uuid", [None, UUID])
@pytest.mark.parametrize("contents", [(), ("deployments/theirs",)])
def test_a_namespace_that_the_stack_did_not_create_is_refused(
    uuid: str | None, contents: tuple[str, ...]
) -> None:
    text = refusal(STACK, seen(Namespace(contents=contents)), {}, uuid)

    assert ("holds deployments/theirs" if contents else "this stack has not created it") in text
    assert "pulumi config set feastflow:namespace " in text
    assert "make adopt" in text


def test_it_can_be_adopted_by_name_alone() -> None:
    found = seen(Namespace(contents=("deployments/theirs",)))

    ownership.check(STACK, found, {}, None, {"FEASTFLOW_ADOPT": STACK.namespace})
    refusal(STACK, found, {}, None, FEASTFLOW_ADOPT="another")


def test_one_that_was_used_as_given_is_not_owned_by_a_change_of_the_setting() -> None:
    before = {"namespace": STACK.namespace, "tenancy.createNamespace": False}

    assert "has not created it" in refusal(STACK, seen(Namespace()), before, UUID)


def test_an_empty_namespace_that_was_given_is_used() -> None:
    ownership.check(GIVEN, seen(Namespace()), {}, None, {})
    refusal(GIVEN, seen(Namespace(contents=("statefulsets/theirs",))), {}, None)


def test_an_empty_namespace_that_is_reserved_for_the_stack_becomes_its_own() -> None:
    name = f"{pulumi.get_project()}/{pulumi.get_stack()}"

    ownership.check(STACK, seen(Namespace(reserved=name)), {}, None, {})
    held = Namespace(reserved=name, contents=("deployments/theirs",))
    assert "it exists and holds deployments/theirs" in refusal(STACK, seen(held), {}, None)


def test_a_namespace_that_is_reserved_for_another_stack_is_refused_with_its_name() -> None:
    text = refusal(STACK, seen(Namespace(reserved="feastflow/other")), {}, None)

    assert "it is reserved for the stack feastflow/other" in text


def test_a_namespace_that_should_have_been_given_is_asked_for() -> None:
    assert f"kubectl create namespace {GIVEN.namespace}" in refusal(GIVEN, seen(), {}, None)


@pytest.mark.parametrize("owner", ["", MINE])
@pytest.mark.parametrize("before", [{}, RECORDED])
def test_nothing_is_created_in_a_namespace_that_is_being_deleted(
    owner: str, before: Mapping[str, Any]
) -> None:
    text = refusal(STACK, seen(Namespace(owner=owner, deleting=True)), before, UUID)

    assert f"kubectl wait --for=delete namespace/{STACK.namespace}" in text


def test_what_could_not_be_seen_is_told_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", told.append)

    ownership.check(STACK, Seen(name="context here", unseen="auth-provider"), RECORDED, UUID, {})

    assert "auth-provider" in told[0]
    assert "not compared" in told[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a program with the stacks dev, which runs, and test; the latter has dev's namespace."""
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    monkeypatch.setattr(pulumi, "get_project", lambda: "feastflow")
    for name in ("dev", "test"):
        write(tmp_path, name)
    return tmp_path


def write(folder: Path, name: str, **more: str) -> None:
    config = {"feastflow:namespace": STACK.namespace, **more}
    (folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": config}))


@pytest.mark.parametrize("ours", [None, "here"])
@pytest.mark.parametrize("theirs", [{}, {"kubernetes:context": "here"}])
def test_two_stack_files_with_one_namespace_are_refused_with_both_names(
    folder: Path, ours: str | None, theirs: Mapping[str, str]
) -> None:
    write(folder, "test", **theirs)
    with pytest.raises(pulumi.RunError) as error:
        ownership.siblings(folder, STACK, Kubeconfig(context=ours))

    assert "in Pulumi.dev.yaml and in Pulumi.test.yaml" in str(error.value)
    assert "pulumi config set --stack dev feastflow:namespace" in str(error.value)


def test_stacks_of_different_clusters_may_have_namespaces_of_one_name(folder: Path) -> None:
    write(folder, "test", **{"kubernetes:context": "there"})

    ownership.siblings(folder, STACK, Kubeconfig(context="here"))


def test_files_that_are_no_stacks_settings_are_passed_over(folder: Path) -> None:
    (folder / "Pulumi.test.yaml").write_text("config: [")
    (folder / "Pulumi.other.yaml").write_text("- config")

    ownership.siblings(folder, STACK, Kubeconfig())


def test_a_stack_whose_file_is_elsewhere_is_compared_with_none(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").unlink()

    ownership.siblings(folder, STACK, Kubeconfig())
