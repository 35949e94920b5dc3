"""The two roles of a deployer as data; tests/apiserver proves what they allow."""

from typing import Any

import pytest
import yaml

from tools.delivery import deployer, rights
from tools.render import program

from ..unit.recorder import stack_file

_SUBJECT = "repo:a/b:environment:prod"


def _documents(
    stack: str, tenancy: dict[str, object] | None = None, subjects: tuple[str, ...] = (_SUBJECT, "other")
) -> list[dict[str, Any]]:
    config = stack_file(stack)
    known: Any = config.get("feastflow:tenancy") or {}
    config["feastflow:tenancy"] = {**known, **(tenancy or {})}
    objects = [each.inputs for each in program.objects(stack, config)]
    made = deployer.documents(objects, "feastflow", stack, f"feastflow-{stack}", subjects)
    return list(yaml.safe_load_all(deployer.text(made)))


def _rules(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    (role,) = [each for each in found if each["kind"] == kind]
    rules: list[dict[str, Any]] = role["rules"]
    return rules


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_nothing_is_allowed_by_a_wildcard_and_nothing_escalates(stack: str) -> None:
    for kind in ("Role", "ClusterRole"):
        for rule in _rules(_documents(stack), kind):
            words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert not words & {"*", "escalate", "impersonate", "deletecollection"}
            assert not {"pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token"} & words
            if "bind" in rule["verbs"]:
                assert (rule["resources"], rule["resourceNames"]) == (["roles"], ["developer"])


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_outside_of_the_namespace_only_the_stacks_own_objects_are_written_and_no_secret_is_seen(
    stack: str,
) -> None:
    for rule in _rules(_documents(stack), "ClusterRole"):
        assert "secrets" not in rule["resources"]
        if set(rule["verbs"]) - {"get", "list", "watch"}:
            assert all(name.startswith(f"feastflow-{stack}") for name in rule["resourceNames"])
        if "get" in rule["verbs"]:
            assert rule["resourceNames"]


def test_what_a_stack_does_not_make_is_not_allowed() -> None:
    def kinds(stack: str, tenancy: dict[str, object] | None = None) -> set[str]:
        found = _documents(stack, tenancy)
        return {
            name
            for kind in ("Role", "ClusterRole")
            for rule in _rules(found, kind)
            for name in rule["resources"]
        }

    assert "clusters" in kinds("prod")
    assert "clusters" not in kinds("dev")
    given = kinds("dev", dict.fromkeys(("createNamespace", "priorityClasses", "admissionPolicies"), False))
    assert not {"priorityclasses", "validatingadmissionpolicies", "resourcequotas"} & given


def test_a_namespace_of_the_stacks_own_comes_first_and_is_reserved_for_it() -> None:
    first, *rest = _documents("prod")

    assert first["kind"] == "Namespace"
    assert first["metadata"]["annotations"] == {"feastflow.pulumi.com/reserved-for": "feastflow/prod"}
    assert "labels" not in first["metadata"]
    assert [each["kind"] for each in rest] == ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]
    for each in rest[2:]:
        assert [subject["name"] for subject in each["subjects"]] == [_SUBJECT, "other"]


def test_a_given_namespace_is_not_made_and_without_a_user_nothing_is_bound() -> None:
    found = _documents("dev", {"createNamespace": False}, subjects=())

    assert [each["kind"] for each in found] == ["Role", "ClusterRole"]


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("Gateway", "gateways"),
        ("Cluster", "clusters"),
        ("PriorityClass", "priorityclasses"),
        ("ClusterImagePolicy", "clusterimagepolicies"),
        ("Service", "services"),
    ],
)
def test_the_resource_of_a_kind_is_its_plural(kind: str, resource: str) -> None:
    assert rights.plural(kind) == resource
