"""The comparison of drift: differences, their field managers, exceptions, openings, and hidden values."""

from typing import Any

import pytest

from tools.cli.drift import compare, guard, left, opening, ownership, paths, report, wanted
from tools.cli.drift.report import Change, Finding, Masks, Report
from tools.toolchain.errors import UserError

_RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
_SECRETS = {**_RULE, "resources": ["secrets"]}
_CONTAINERS: paths.Tree = {"f:spec": {"f:containers": {'k:{"name":"api"}': {".": {}, "f:image": {}}}}}


def _told(
    one: dict[str, Any], other: dict[str, Any], tree: paths.Tree | None = None
) -> list[tuple[str, str]]:
    found = compare.differences({"metadata": {}, **one}, {"metadata": {}, **other}, tree or {})
    return [(each.kind, paths.shown(each.path)) for each in found]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({"rules": [_RULE]}, {"rules": [_RULE, _SECRETS]}, [("added", "rules")]),
        ({"rules": [_RULE, _SECRETS]}, {"rules": [_RULE]}, [("removed", "rules")]),
        ({"rules": [_RULE, _SECRETS]}, {"rules": [_SECRETS, _RULE]}, [("changed", "rules")]),
        ({"spec": {"type": "ClusterIP"}}, {"spec": {"type": "NodePort"}}, [("changed", "spec.type")]),
        ({"spec": {}}, {"spec": {"a": {"b": 1}}}, [("added", "spec.a.b")]),
        ({"spec": {"a": {"b": 1}}}, {"spec": {}}, [("removed", "spec.a.b")]),
        ({"status": {"a": 1}}, {"status": {"a": 2}}, []),
        ({"metadata": {"generation": 1}}, {"metadata": {"generation": 2}}, []),
    ],
)
def test_each_difference_is_told_by_its_field(
    one: dict[str, Any], other: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    assert _told(one, other) == told


def test_an_entry_of_a_keyed_list_is_compared_by_its_key_whatever_its_position() -> None:
    one = {"spec": {"containers": [{"name": "api", "image": "a:1"}]}}
    other = {"spec": {"containers": [{"name": "spy", "image": "b:1"}, {"name": "api", "image": "a:2"}]}}

    assert ("changed", "spec.containers[api].image") in _told(one, other, _CONTAINERS)


def _live(*entries: tuple[str, str, paths.Tree], kind: str = "Role") -> dict[str, Any]:
    fields = [
        {"manager": manager, "operation": operation, "time": f"2026-11-28T10:00:0{number}Z", "fieldsV1": tree}
        for number, (manager, operation, tree) in enumerate(entries)
    ]
    return {"kind": kind, "metadata": {"managedFields": fields}}


def test_what_another_manager_added_is_foreign_and_what_the_program_applies_is_not() -> None:
    own: paths.Tree = {"f:metadata": {"f:labels": {"f:app": {}}}}
    theirs: paths.Tree = {"f:metadata": {"f:labels": {"f:app": {}, "f:by": {}}}}
    live = _live(("pulumi", "Apply", own), ("kubectl-label", "Update", theirs))

    ((path, entry),) = ownership.foreign(live, own, {"pulumi"})

    assert (paths.shown(path), entry.manager, entry.at) == (
        "metadata.labels.by",
        "kubectl-label",
        "2026-11-28T10:00:01Z",
    )


@pytest.mark.parametrize(
    ("kind", "subresource", "field", "is_left"),
    [
        ("Deployment", "", ("spec", "replicas"), True),
        ("Deployment", "", ("spec", "paused"), False),
        ("Deployment", "scale", ("spec", "paused"), True),
        ("StatefulSet", "", ("spec", "replicas"), False),
        ("Service", "", ("spec", "clusterIP"), True),
        ("Service", "", ("spec", "externalIPs"), False),
        ("Deployment", "", ("metadata", "annotations", "deployment.kubernetes.io/revision"), True),
        ("Ingress", "", ("metadata", "annotations", "nginx.ingress.kubernetes.io/auth"), False),
    ],
)
def test_what_others_own_rightly_is_left(
    kind: str, subresource: str, field: tuple[str, ...], *, is_left: bool
) -> None:
    assert left.is_left(kind, subresource, paths.field_path(*field)) is is_left


@pytest.mark.parametrize(
    ("kind", "field", "what", "opens"),
    [
        ("Role", "rules", "added", True),
        ("Role", "rules", "removed", False),
        ("RoleBinding", "subjects", "added", True),
        ("NetworkPolicy", "spec.egress", "added", True),
        ("NetworkPolicy", "spec.egress", "removed", False),
        ("Namespace", "metadata.labels[pod-security.kubernetes.io/enforce]", "changed", True),
        ("Namespace", "metadata.labels[pod-security.kubernetes.io/enforce]", "removed", True),
        ("ValidatingAdmissionPolicyBinding", "spec.validationActions", "changed", True),
        ("Deployment", "spec.template.spec.containers[api].resources.limits.memory", "changed", False),
        ("Deployment", "spec.template.spec.containers[api].securityContext.privileged", "added", True),
        ("CronJob", "spec.jobTemplate.spec.template.spec.containers[api].image", "changed", True),
        ("CronJob", "spec.jobTemplate.spec.template.spec.hostNetwork", "added", True),
        ("CronJob", "spec.schedule", "changed", False),
        ("Certificate", "spec.issuerRef.name", "changed", True),
    ],
)
def test_what_opens_something_is_known(kind: str, field: str, what: str, *, opens: bool) -> None:
    assert opening.by_change(kind, field, what) is opens


def test_a_policy_that_only_denies_and_an_admission_policy_open_something_by_their_absence() -> None:
    assert opening.by_absence({"kind": "NetworkPolicy", "spec": {"podSelector": {}}})
    assert opening.by_absence({"kind": "ValidatingAdmissionPolicyBinding"})
    assert not opening.by_absence({"kind": "NetworkPolicy", "spec": {"ingress": [{}]}})


def test_what_opens_something_comes_first_in_the_report() -> None:
    changed = Finding(kind="A", namespace="n", name="a", changes=(Change(what="changed", field="spec.x"),))
    opened = Finding(kind="Z", namespace="n", name="z", changes=(Change(what="added", opens=True),))
    found = Report(stack="dev", seen=2, findings=report.ordered([changed, opened]))

    assert report.text(found).startswith("OPENS Z n/z")
    assert "1 of them OPEN something" in report.summary(found)


def test_no_secret_is_shown_wherever_it_stands() -> None:
    masks = Masks(secrets=frozenset({'pass"word'}))

    assert masks.shown({"a": ['before pass"word after']}) == report.HIDDEN
    assert masks.shown({"a": 1}) == '{"a": 1}'
    assert report.masked('denied: pass"word', masks.secrets) == f"denied: {report.HIDDEN}"


def test_the_secrets_of_an_export_are_known_in_clear_and_as_the_server_has_them() -> None:
    mark = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hush"'}
    inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": mark}}
    resource = {"urn": "urn::s", "custom": True, "type": "kubernetes:core/v1:Secret", "inputs": inputs}

    (found,) = wanted.of({"deployment": {"resources": [resource]}})

    assert found.manifest["data"] == {"k": "aHVzaA=="}
    assert {"hush", "aHVzaA=="} <= found.secrets
    assert "hush" not in repr(found)


def _deployed_to(cluster: str) -> dict[str, Any]:
    outputs = {"dataDependsOn": {"cluster": cluster, "clusterName": "theirs at https://a"}}
    return {"deployment": {"resources": [{"urn": "u", "type": "pulumi:pulumi:Stack", "outputs": outputs}]}}


def test_another_cluster_is_refused_and_an_unread_one_is_not() -> None:
    guard.same_cluster(_deployed_to("uid-1"), "uid-1", "ours")
    guard.same_cluster(_deployed_to("uid-1"), "context-abc", "ours")
    with pytest.raises(UserError, match="theirs at https://a"):
        guard.same_cluster(_deployed_to("uid-1"), "uid-2", "ours")
