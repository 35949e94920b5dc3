"""A user with the rights of `make deployer-role` alone: a stack's whole life, and nothing beyond it."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tools.delivery.rights import Right

from ..harness import deployer
from ..harness.running import Ran
from . import audit
from .audit import Asked
from .credentials import AUDITED
from .teams import Office

# Rights that no recorded request needs: a repair needs `update` only where others added something, which the
# test does to a few kinds; and RBAC's own checks of who binds a Role, and of the rights that it gives.
_NOT_SHOWN = {"update", "bind"}
_GIVEN = {"pods", "pods/log"}
# For cluster-scoped objects that it deletes Pulumi requests all events, and does not wait for an answer. What
# the rest of the cluster holds is reported as unknown where it may not be read: see docs/delivery.md.
_REFUSED = {
    ("events", "list", ""),
    ("events", "watch", ""),
    ("pods", "list", "kube-system"),
    ("daemonsets", "get", "kube-system"),
    ("deployments", "list", "cnpg-system"),
    ("services", "get", "default"),
    ("endpointslices", "list", "default"),
    # What the cluster offers is for those to look at who may read it.
    ("ingressclasses", "list", ""),
    ("nodes", "list", ""),
    ("storageclasses", "list", ""),
}

_STRANGE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["deletecollection"]}


@dataclass(frozen=True, kw_only=True)
class Life:
    """A stack from nothing to nothing, deployed by the deployer: the rights it has, and what it asked."""

    stack: str
    namespace: str
    ran: dict[str, Ran]
    within: set[Right]
    everywhere: set[Right]
    asked: set[Asked]

    def refused(self, within: set[Right], everywhere: set[Right]) -> set[Asked]:
        """Return what would not be allowed with these rights."""
        return {each for each in self.asked if not audit.is_allowed(each, within, everywhere, self.namespace)}


def _rights(found: list[dict[str, Any]], kind: str) -> set[Right]:
    (role,) = [each for each in found if each["kind"] == kind]
    return {
        Right(group=group, resource=resource, verb=verb, names=tuple(rule.get("resourceNames", ())))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.fixture(scope="module", params=["dev", pytest.param("prod", marks=pytest.mark.slow)])
def life(office: Office, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Deploy, rotate, repair and destroy, after the administrator's one command."""
    like = str(request.param)
    administrator = office.team(f"delivered-{like}", like=like)
    administrator.change(lambda config: config["feastflow:tenancy"].update({"protect": False}))
    kube = administrator.kube
    subject = deployer.account(kube, AUDITED, like)
    found = deployer.allow(administrator.product, kube, administrator.stack, subject)
    path = deployer.kubeconfig(kube, subject, tmp_path_factory.mktemp("deployer"))
    team = replace(administrator, product=administrator.product.with_variables(KUBECONFIG=str(path)))
    ran = {"up": team.product.done("up"), "idle": team.product.done("up")}
    kube.run("delete", "networkpolicy", "default-deny")
    kube.run("label", "deployment", "feastflow-backend", "stranger.example.com/mark=x")
    kube.run(
        "patch",
        "role",
        "developer",
        "--type=json",
        f"--patch={json.dumps([{'op': 'add', 'path': '/rules/-', 'value': _STRANGE}])}",
    )
    ran["drift"] = team.product.local("drift")
    team.change(lambda config: config.update({"feastflow:rotation": 2}))
    ran["repaired"] = team.product.done("up")
    ran["clean"] = team.product.done("drift")
    ran["destroy"] = team.product.done("destroy")
    return Life(
        stack=team.stack,
        namespace=kube.namespace,
        ran=ran,
        within=_rights(found, "Role"),
        everywhere=_rights(found, "ClusterRole"),
        asked=audit.read(office.server.known.audit_log, f"{AUDITED}/{like}"),
    )


def test_a_deployer_deploys_repairs_rotates_and_destroys_by_its_two_roles_alone(
    life: Life, office: Office
) -> None:
    assert "created" in life.ran["up"].out
    assert life.ran["idle"].changes == []
    assert life.ran["drift"].code == 2
    assert "NOT REPAIRED" not in life.ran["repaired"].text
    assert "created" in life.ran["repaired"].out
    kube = office.team(life.stack, like=life.stack.rpartition("-")[2]).kube
    assert kube.ask("get", "namespace", life.namespace).code != 0


def test_nothing_that_it_asked_for_was_refused_but_what_other_namespaces_hold(life: Life) -> None:
    refused = {(each.resource, each.verb, each.namespace) for each in life.asked if each.refused}

    assert refused <= _REFUSED


def test_without_any_one_of_its_rights_something_would_have_been_refused(life: Life) -> None:
    """Each right is removed by itself; what is spare is only what repairs of other kinds would take."""
    anyway = {each for each in life.asked if each.refused}
    spare = {
        right
        for right in life.within | life.everywhere
        if life.refused(life.within - {right}, life.everywhere - {right}) <= anyway
    }
    found = {each for each in spare if each.verb not in _NOT_SHOWN and each.resource not in _GIVEN}
    assert found == set()
    assert life.refused(life.within, life.everywhere) == anyway


def _binding(kind: str, role: str) -> str:
    """Return the stack's own RoleBinding as it would be for another role."""
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "developers"},
        "roleRef": {"apiGroup": group, "kind": kind, "name": role},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": "developers"}],
    }
    return json.dumps(binding)


def test_it_can_neither_give_itself_more_nor_reach_another_namespace(office: Office) -> None:
    team = office.team("limited")
    kube = team.kube
    subject = deployer.account(kube, AUDITED, "limited")
    deployer.allow(team.product, kube, team.stack, subject)
    every = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    wide: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1", "rules": [every]}
    named = wide | {"kind": "Role", "metadata": {"name": "developer"}}
    own = wide | {"kind": "Role", "metadata": {"name": "feastflow-deployer"}}

    def said(*arguments: str, stdin: str = "") -> str:
        ran = kube.ask(*arguments, f"--as={subject}", stdin=stdin)
        return ran.err if ran.code else ""

    apply = ("apply", "--server-side", "--force-conflicts", "--filename", "-")
    assert "attempting to grant RBAC permissions not currently held" in said(*apply, stdin=json.dumps(named))
    assert 'cannot patch resource "roles"' in said(*apply, stdin=json.dumps(own))
    assert "attempting to grant RBAC permissions" in said(*apply, stdin=_binding("ClusterRole", "view"))
    # The stack's own Role, before it exists: this needs `bind`, on this name alone.
    assert said(*apply, "--dry-run=server", stdin=_binding("Role", "developer")) == ""
    assert '"another" not found' in said(*apply, stdin=_binding("Role", "another"))
    assert 'cannot get resource "secrets"' in said("--namespace", "default", "get", "secret", "any")
    answer = kube.ask("auth", "can-i", "create", "pods/exec", f"--as={subject}")
    assert answer.out.strip() == "no"
    assert 'cannot delete resource "namespaces"' in said("delete", "namespace", "default")
    assert said("get", "secrets") == ""


def test_a_namespace_that_is_reserved_for_another_stack_is_not_taken(office: Office) -> None:
    team = office.team("reserved")
    deployer.allow(team.product, team.kube, team.stack, "no-deployer")
    team.kube.run(
        "annotate",
        "namespace",
        team.kube.namespace,
        "feastflow.pulumi.com/reserved-for=feastflow/other",
        "--overwrite",
    )

    ran = team.product.local("up")

    assert ran.code == 1
    assert "it is reserved for the stack feastflow/other" in ran.err
