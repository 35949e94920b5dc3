"""Rights in a namespace, as RBAC reads them, and their table."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tools.cli.audit import table
from tools.cli.audit.rights import Right, leads, rights

NAMESPACED = frozenset({"pods", "secrets", "deployments.apps", "roles.rbac.authorization.k8s.io"})
GROUP = [{"kind": "Group", "name": "team"}]


def role(
    name: str, *rules: Mapping[str, Any], kind: str = "Role", namespace: str = "shop", **more: Any
) -> dict[str, Any]:
    space = {"namespace": namespace} if kind == "Role" else {}
    labels = more.pop("labels", {})
    return {"kind": kind, "metadata": {"name": name, "labels": labels, **space}, "rules": list(rules), **more}


def rule(verbs: Sequence[str], resources: Sequence[str], group: str = "", **more: Any) -> dict[str, Any]:
    return {"verbs": list(verbs), "resources": list(resources), "apiGroups": [group], **more}


def binding(
    role_name: str,
    subjects: Sequence[Mapping[str, str]] = GROUP,
    kind: str = "RoleBinding",
    namespace: str = "shop",
    role_kind: str = "Role",
) -> dict[str, Any]:
    space = {"namespace": namespace} if kind == "RoleBinding" else {}
    return {
        "kind": kind,
        "metadata": {"name": f"to-{role_name}", **space},
        "roleRef": {"kind": role_kind, "name": role_name},
        "subjects": list(subjects),
    }


def found(*objects: dict[str, Any]) -> list[Right]:
    return rights(objects, "shop", NAMESPACED)


def test_a_binding_of_the_namespace_gives_its_roles_rights() -> None:
    (right,) = found(role("reader", rule(["list", "get"], ["pods"])), binding("reader"))
    assert (right.subject, right.verbs, right.resources) == ("group team", ("get", "list"), ("pods",))
    assert right.by == "RoleBinding to-reader (Role reader)"


def test_a_binding_or_a_role_of_another_namespace_gives_nothing_here() -> None:
    reader = role("reader", rule(["get"], ["pods"]))
    assert found(reader, binding("reader", namespace="other")) == []
    (missing,) = found(role("reader", rule(["get"], ["pods"]), namespace="other"), binding("reader"))
    assert (missing.verbs, missing.by) == ((), "RoleBinding to-reader (Role reader), which is missing")


def test_a_cluster_role_counts_by_either_binding_and_only_for_what_namespaces_hold() -> None:
    admin = role(
        "ops",
        rule(["get"], ["nodes", "pods"]),
        {"verbs": ["get"], "nonResourceURLs": ["/metrics"]},
        kind="ClusterRole",
    )
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        (right,) = found(admin, binding("ops", kind=kind, role_kind="ClusterRole"))
        assert right.resources == ("pods",)


def test_an_account_without_a_namespace_is_the_bindings_own() -> None:
    subjects = [
        {"kind": "ServiceAccount", "name": "a", "namespace": "ci"},
        {"kind": "ServiceAccount", "name": "b"},
    ]
    names = [
        right.subject for right in found(role("reader", rule(["get"], ["pods"])), binding("reader", subjects))
    ]
    assert names == ["account ci/a", "account shop/b"]


@pytest.mark.parametrize(
    ("selector", "resources"),
    [
        ({"matchLabels": {"to": "view"}}, ["secrets"]),
        ({"matchLabels": {"to": "edit"}}, []),
        ({"matchExpressions": [{"key": "to", "operator": "In", "values": ["view"]}]}, ["secrets"]),
        ({"matchExpressions": [{"key": "to", "operator": "NotIn", "values": ["view"]}]}, []),
        ({"matchExpressions": [{"key": "to", "operator": "Exists"}]}, ["secrets"]),
        ({"matchExpressions": [{"key": "to", "operator": "DoesNotExist"}]}, []),
        ({"matchExpressions": [{"operator": "In", "values": ["view"]}]}, []),
        ({"matchExpressions": [{"key": "to"}]}, []),
    ],
)
def test_an_aggregated_role_has_the_rights_of_those_that_it_selects(
    selector: dict[str, Any], resources: list[str]
) -> None:
    part = role("part", rule(["get"], ["secrets"]), kind="ClusterRole", labels={"to": "view"})
    whole = role("whole", kind="ClusterRole", aggregationRule={"clusterRoleSelectors": [selector]})
    got = found(part, whole, binding("whole", role_kind="ClusterRole"))
    assert [each for right in got for each in right.resources] == resources


def test_groups_subresources_names_and_stars_are_told() -> None:
    rules = (
        rule(["get"], ["deployments/scale"], "apps", resourceNames=["web"]),
        rule(["*"], ["*"], "*"),
    )
    wide, narrow = found(role("wide", *rules), binding("wide"))
    assert (wide.verbs, wide.resources) == (("*",), ("*.*",))
    assert (narrow.resources, narrow.names) == (("deployments.apps/scale",), ("web",))


@pytest.mark.parametrize(
    ("verbs", "group", "resources", "where"),
    [
        (["get"], "", ["secrets"], ["secrets"]),
        (["create"], "", ["secrets"], []),
        (["create"], "", ["pods/exec"], ["inside pods"]),
        (["create"], "", ["*/exec"], ["inside pods"]),
        (["get"], "", ["pods", "pods/log"], []),
        (["patch"], "apps", ["deployments"], ["any pod"]),
        (["create"], "batch", ["cronjobs"], ["any pod"]),
        (["create"], "", ["serviceaccounts/token"], ["tokens"]),
        (["impersonate"], "", ["users"], ["other accounts"]),
        (["escalate"], "rbac.authorization.k8s.io", ["roles"], ["more rights"]),
        (["bind"], "rbac.authorization.k8s.io", ["clusterroles"], ["more rights"]),
        (["create"], "rbac.authorization.k8s.io", ["rolebindings"], ["more rights"]),
        (["get"], "rbac.authorization.k8s.io", ["rolebindings"], []),
        (
            ["*"],
            "*",
            ["*"],
            ["secrets", "inside pods", "any pod", "tokens", "other accounts", "more rights"],
        ),
    ],
)
def test_a_right_says_where_it_leads(
    verbs: list[str], group: str, resources: list[str], where: list[str]
) -> None:
    assert list(leads(verbs, [group], resources)) == where


def test_the_table_is_a_hundred_columns_wide_and_what_leads_further_comes_first() -> None:
    objects = [
        role("a" * 150, rule(["get"], ["pods"])),
        binding("a" * 150, [{"kind": "User", "name": "a" * 150}]),
        role("wide", rule(["get", "list", "watch", "create", "patch", "delete"], ["secrets", "pods"])),
        binding("wide", [{"kind": "User", "name": "zoe\x1b[31m"}]),
    ]
    text = table.text(found(*objects), "shop")
    assert max(map(len, text.splitlines())) <= table.WIDTH
    assert text.index("user zoe") < text.index("user aaa")
    assert "\x1b" not in text


def test_kubernetes_own_are_counted_and_shown_when_asked_for_and_everybody_is_never_hidden() -> None:
    subjects = [
        {"kind": "User", "name": "system:kube-scheduler"},
        {"kind": "ServiceAccount", "namespace": "kube-system", "name": "job-controller"},
        {"kind": "Group", "name": "system:authenticated"},
        {"kind": "Group", "name": "system:serviceaccounts:shop"},
    ]
    got = found(role("reader", rule(["get"], ["pods"])), binding("reader", subjects))
    text = table.text(got, "shop")
    assert "group system:authenticated" in text
    assert "group system:serviceaccounts:shop" in text
    assert "system:kube-scheduler" not in text
    assert "and 2 of Kubernetes' own" in text
    assert "system:kube-scheduler" in table.text(got, "shop", all_subjects=True)
