"""A stack belongs to one cluster and a namespace to one stack: on servers, with the real engine."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ..harness.refusals import assert_refused
from ..harness.running import Ran
from . import server as servers
from . import teams
from .server import Server
from .teams import Office, Team

_PREVIEW = "pulumi preview --json --non-interactive --stack {stack}"
_UNTOUCHED = "pods,services,networkpolicies,secrets,persistentvolumeclaims"


@pytest.fixture(scope="module")
def team(office: Office) -> Team:
    """Return a stack that owns its namespace."""
    team = office.team("owner")
    team.product.done("up")
    return team


def _steps(ran: Ran) -> dict[str, str]:
    """Return what a preview would do, by resource; what stays as it is is left out."""
    report = json.loads(ran.out)
    return {step["urn"].rpartition("::")[2]: step["op"] for step in report["steps"] if step["op"] != "same"}


def _copied(known: Server, folder: Path, **cluster: str) -> Path:
    """Write a copy of the kubeconfig with other words for the cluster."""
    document = yaml.safe_load(known.kubeconfig.read_text(encoding="utf-8"))
    (entry,) = document["clusters"]
    entry["cluster"] |= cluster
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "change", [pytest.param("another URL", marks=pytest.mark.slow), "the authority as content"]
)
def test_the_same_cluster_by_another_kubeconfig_changes_the_provider_alone(
    team: Team, server: Server, tmp_path: Path, change: str
) -> None:
    content = base64.b64encode(server.known.certificate.read_bytes()).decode()
    words = {
        "another URL": {"server": f"{server.url}/"},
        "the authority as content": {"certificate-authority-data": content},
    }
    path = _copied(server, tmp_path, **words[change])

    ran = team.product.shell(f"KUBECONFIG={path} {_PREVIEW.format(stack=team.stack)}")

    assert _steps(ran) == {"kubernetes": "update"}


@pytest.mark.slow
def test_a_state_of_the_version_before_gets_owner_and_identifier_without_a_replacement(team: Team) -> None:
    """The state is what that version wrote: without both, and the namespace without its mark."""
    exported = json.loads(team.product.shell(f"pulumi stack export --stack {team.stack}").out)
    resources = exported["deployment"]["resources"]
    for resource in resources:
        for side in ("inputs", "outputs"):
            values = resource.get(side, {})
            values.pop("clusterIdentifier", None)
            values.get("metadata", {}).get("annotations", {}).pop("feastflow.pulumi.com/owner", None)
            recorded = values.get("dataDependsOn", {})
            for fact in ("cluster", "clusterName", "tenancy.createNamespace"):
                recorded.pop(fact, None)
    (uuid,) = (resource for resource in resources if resource["urn"].endswith("RandomUuid::owner"))
    resources.remove(uuid)
    for resource in resources:
        for depended in (
            resource.get("dependencies", []),
            *resource.get("propertyDependencies", {}).values(),
        ):
            if depended and uuid["urn"] in depended:
                depended.remove(uuid["urn"])
    old = team.product.state / "before.json"
    old.write_text(json.dumps(exported), encoding="utf-8")
    team.kube.run("annotate", "namespace", team.kube.namespace, "feastflow.pulumi.com/owner-")
    team.product.shell(f"pulumi stack import --stack {team.stack} --file {old}")

    steps = _steps(team.product.shell(_PREVIEW.format(stack=team.stack)))
    ran = team.product.done("up")

    assert set(steps.items()) == {("kubernetes", "update"), ("namespace", "update"), ("owner", "create")}
    assert "replaced" not in ran.out
    _assert_owner(team)


def _assert_owner(team: Team) -> None:
    namespace = json.loads(team.kube.run("get", "namespace", team.kube.namespace, "--output", "json"))
    owner = namespace["metadata"]["annotations"]["feastflow.pulumi.com/owner"]
    assert owner.startswith(f"feastflow/{team.stack}/")


def test_a_copied_stack_file_is_refused_before_anything_is_touched(office: Office, team: Team) -> None:
    before = team.kube.run("get", _UNTOUCHED, "--output", "name")
    copy = office.team("copy")
    copy.settings.write_text(team.settings.read_text(encoding="utf-8"), encoding="utf-8")
    try:
        ran = copy.product.local("up")
    finally:
        copy.settings.unlink()

    assert_refused(ran, found="in Pulumi.copy.yaml and in Pulumi.owner.yaml", fix="")
    assert "pulumi config set --stack copy feastflow:namespace" in ran.err
    assert team.kube.run("get", _UNTOUCHED, "--output", "name") == before


def test_a_colleague_with_a_state_of_their_own_neither_deploys_to_the_namespace_nor_destroys_it(
    office: Office, team: Team, server: Server, tmp_path: Path
) -> None:
    before = team.kube.run("get", _UNTOUCHED, "--output", "name")
    theirs = teams.opened(server, office.edge, tmp_path, cluster=f"{office.product.cluster}-colleague")
    colleague = theirs.team(team.stack)

    refused = colleague.product.local("up")
    again = colleague.product.local("up")
    destroyed = colleague.product.local("destroy")

    assert_refused(refused, found=f"belongs to the stack feastflow/{team.stack}", fix="")
    assert_refused(again, found=f"belongs to the stack feastflow/{team.stack}", fix="")
    assert destroyed.code == 0
    assert team.kube.run("get", _UNTOUCHED, "--output", "name") == before
    assert team.product.done("up").steps["pulumi up"]


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Server]:
    """Yield a second cluster."""
    with servers.running() as made:
        yield made


def test_a_state_is_not_used_against_another_cluster_whose_context_has_the_same_name(
    team: Team, server: Server, elsewhere: Server
) -> None:
    preview = f"pulumi preview --non-interactive --stack {team.stack}"
    ran = team.product.shell(f"KUBECONFIG={elsewhere.kubeconfig} {preview} 2>&1 || true")

    assert "The stack is deployed to another cluster; nothing was changed." in ran.out
    assert f"context nodeless at {elsewhere.url}" in ran.out
    assert f"context nodeless at {server.url}" in ran.out


_GIVEN = {"createNamespace": False, "priorityClasses": False, "admissionPolicies": False}


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Team:
    """Return a stack of a user who may do in one namespace what its administrators may, and nothing else."""
    team = office.team("given")
    team.change(lambda config: config["feastflow:tenancy"].update(_GIVEN))
    kube = team.kube
    kube.run("create", "namespace", kube.namespace)
    kube.run("create", "serviceaccount", "deployer")
    account = f"--serviceaccount={kube.namespace}:deployer"
    kube.run("create", "rolebinding", "deployers", "--clusterrole=admin", account)
    token = kube.run("create", "token", "deployer").strip()
    document = yaml.safe_load(office.server.kubeconfig.read_text(encoding="utf-8"))
    document["users"][0]["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return replace(team, product=team.product.with_variables(KUBECONFIG=str(path)))


@pytest.mark.slow
def test_a_user_of_one_namespace_deploys_into_it_and_destroy_leaves_it(admin: Team) -> None:
    first = admin.product.done("up")
    second = admin.product.done("up")
    admin.product.done("destroy")

    assert "created" in first.out
    assert second.changes == []
    assert admin.kube.run("get", "namespace", admin.kube.namespace, "--output", "name").strip()
    assert admin.kube.run(
        "get", "deployments,statefulsets,services,configmaps", "--output", "name"
    ).split() == ["configmap/kube-root-ca.crt"]
