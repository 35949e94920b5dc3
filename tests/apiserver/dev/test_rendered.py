"""The namespace from rendered manifests, by kubectl alone: the objects of `make up`, and then adopted.

That they come to serve orders is proved on a real cluster.
"""

import json
import re
from pathlib import Path

import pytest

from components.guards.cluster import live

from ...documented import documented
from ...harness import objects, rendered
from ...harness.kube import Kube
from ...harness.refusals import assert_refused
from ...harness.waiting import until
from ..teams import Config, Office, Team

_ALL = f"{rendered.KEPT},jobs,secrets"


@pytest.fixture(scope="module")
def team(office: Office) -> Team:
    """Return a team with a stack of its own: dev's settings and images for another namespace."""
    team = office.team("rendered")

    def with_images(config: Config) -> None:
        for tier in ("backend", "frontend"):
            image = office.product.variables[f"{tier.upper()}_IMAGE"]
            config.setdefault(f"feastflow:{tier}", {})["image"] = image

    team.change(with_images)
    return team


@pytest.fixture(scope="module")
def folder(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the stack rendered, its references to secrets replaced by Secrets."""
    return rendered.written(team.product, tmp_path_factory.mktemp("rendered") / "manifests")


@pytest.fixture(scope="module")
def applied(team: Team, folder: Path) -> Kube:
    """Return the namespace after `kubectl apply` of the whole folder, once every object has come to rest."""
    rendered.apply(team.kube, folder)
    until(team.kube.complete, what="as many pods as the autoscaler wants", within=300)
    team.kube.run("wait", "jobs", "--all", "--for=condition=Complete", "--timeout=60s", timeout=90)
    return team.kube


def test_the_live_objects_are_those_of_pulumi_up_field_by_field(kube: Kube, applied: Kube) -> None:
    by_pulumi, by_kubectl = (objects.comparable(each) for each in (kube, applied))
    assert by_kubectl.keys() == by_pulumi.keys()
    assert len(by_kubectl) > 40
    different = [
        f"{name}{difference}"
        for name in by_pulumi
        for difference in objects.differences(by_pulumi[name], by_kubectl[name])
    ]
    # What is rendered belongs to the tool that applies it.
    (owner,) = different
    assert owner.startswith(f"Namespace NAMESPACE.metadata.annotations: {{'{live.OWNER}': 'feastflow/dev/")


def test_applied_again_nothing_changes(applied: Kube, folder: Path) -> None:
    before = rendered.versions(applied, _ALL)
    assert len(before) > 20
    rendered.apply(applied, folder)
    assert rendered.versions(applied, _ALL) == before


def _mark(there: Kube) -> str:
    """Return the owner's mark on the namespace, empty without one."""
    annotations = there.get("namespace", there.namespace)["metadata"].get("annotations", {})
    return str(annotations.get(live.OWNER, ""))


def _rolled_out(there: Kube) -> None:
    """Wait for the server's pod: an adoption looks at it as well as at its StatefulSet."""
    there.run("rollout", "status", "statefulset/postgres", "--timeout=60s", timeout=90)


def _server(**container: object) -> str:
    """Return a patch of the server's container."""
    changed = [{"name": "postgres", **container}]
    return json.dumps({"spec": {"template": {"spec": {"containers": changed}}}})


@pytest.mark.parametrize(
    ("patch", "found", "fix"),
    [
        (
            _server(volumeMounts=[{"mountPath": "/var/lib/postgresql/data", "subPath": "pg"}]),
            'the data directory on the claim is "pg/pgdata" and would be "pgdata"',
            "exec postgres-0 --container postgres -- pg_dump",
        ),
        (
            _server(image="registry.example.com/postgres:16"),
            "16 and PostgreSQL would be 15",
            "set feastflow:database.image to an image of PostgreSQL 16 in Pulumi.rendered.yaml",
        ),
        (
            _server(env=[{"name": "POSTGRES_DB", "value": "shop"}]),
            'its databases are ["shop"] and would be ["feastflow"]',
            "set feastflow:database.name to shop in Pulumi.rendered.yaml",
        ),
    ],
)
def test_a_server_whose_data_ours_would_not_find_is_refused_before_anything_is_touched(
    team: Team, applied: Kube, patch: str, found: str, fix: str
) -> None:
    template = applied.get("statefulset", "postgres")["spec"]["template"]
    applied.run("patch", "statefulset", "postgres", "--patch", patch)
    before = rendered.versions(applied, _ALL)
    try:
        assert_refused(team.product.local("adopt"), found=found, fix=fix)
        assert rendered.versions(applied, _ALL) == before
    finally:
        whole = json.dumps([{"op": "replace", "path": "/spec/template", "value": template}])
        applied.run("patch", "statefulset", "postgres", "--type=json", "--patch", whole)
        _rolled_out(applied)


def test_another_stacks_namespace_is_refused_with_its_ended_jobs_until_the_mark_goes_as_printed(
    team: Team, applied: Kube
) -> None:
    applied.run("annotate", "namespace", applied.namespace, f"{live.OWNER}=feastflow/theirs/uuid")
    before = rendered.versions(applied, _ALL)

    refused = team.product.local("adopt")

    assert_refused(
        refused, found="belongs to the stack feastflow/theirs (state uuid)", fix="annotate namespace"
    )
    assert rendered.versions(applied, _ALL) == before
    (command,) = re.findall(r"cannot be restored: (.+), and make adopt", refused.err)
    team.product.typed(command)
    assert _mark(applied) == ""


def test_a_field_that_cannot_be_changed_is_given_by_the_commands_as_printed(
    team: Team, applied: Kube, tmp_path: Path
) -> None:
    """The claim stays while its StatefulSet is recreated, with a field of another tool's changed back."""
    path = tmp_path / "theirs.json"
    theirs = applied.get("statefulset", "postgres")
    theirs["spec"]["podManagementPolicy"] = "OrderedReady"
    path.write_text(json.dumps(theirs), encoding="utf-8")
    applied.run("replace", "--force", "--filename", str(path))
    claim = applied.get("persistentvolumeclaim", "postgres-data")["metadata"]["uid"]

    refused = team.product.local("adopt")

    found = 'spec.podManagementPolicy is "OrderedReady" and would have to be "Parallel"'
    assert_refused(refused, found=found, fix="replace --force")
    text = re.sub(r"\n +", "\n", refused.err.partition("next:  ")[2])
    written, replaced = re.findall(r"^(/.+?)(?:, change|: its)", text, re.MULTILINE)
    change = "sed -i 's/OrderedReady/Parallel/' postgres.yaml"
    team.product.typed(f"cd {tmp_path} && {written} && {change} && {replaced}")
    _rolled_out(applied)
    assert applied.get("persistentvolumeclaim", "postgres-data")["metadata"]["uid"] == claim


_CHANGED = ("statefulset", "service")
# Pod Security allows it, and it lacks the limits that the policies demand.
_CONFINED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_SIDECAR = {"name": "proxy", "image": "registry.example.com/proxy:1", "securityContext": _CONFINED}
_POD = {
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "containers": [_SIDECAR, {"name": "postgres", "env": [{"name": "EXTRA", "value": "1"}]}],
}


def _patched(there: Kube) -> dict[str, str]:
    """Add to the objects what others add by kubectl; returns how each is told.

    Where their tool could not apply cluster-wide objects, no admission policy is in force yet.
    """
    for each in there.all("validatingadmissionpolicybinding"):
        if each["metadata"]["name"].startswith(f"{there.namespace}-"):
            there.run("delete", "validatingadmissionpolicybinding", each["metadata"]["name"])
    pod = json.dumps({"spec": {"template": {"spec": _POD}}})
    until(
        lambda: there.ask("patch", "statefulset", "postgres", "--patch", pod).code == 0,
        what="no policy refuses a sidecar",
        within=30,
    )
    port = {"name": "extra", "port": 9999, "targetPort": 9999}
    there.run("patch", "service", "postgres", "--patch", json.dumps({"spec": {"ports": [port]}}))
    there.run("annotate", "service", "postgres", "example.com/extra=1")
    _rolled_out(there)
    return {
        "kubernetes.io/os": "StatefulSet postgres: spec.template.spec.nodeSelector",
        "proxy": "StatefulSet postgres: spec.template.spec.containers[proxy]",
        "EXTRA": "StatefulSet postgres: spec.template.spec.containers[postgres].env[EXTRA]",
        "9999": "Service postgres: spec.ports[",
        "example.com/extra": "Service postgres: metadata.annotations[example.com/extra]",
    }


@pytest.mark.slow
def test_pulumi_adopts_what_kubectl_applied_after_it_was_cut_off_and_recreates_nothing(
    team: Team, applied: Kube
) -> None:
    before = rendered.versions(applied, rendered.KEPT)
    assert len(before) > 10
    added = _patched(applied)
    with team.product.begin("adopt") as under_way:
        until(lambda: _mark(applied), what="the namespace's mark", within=120)
        assert under_way.runs(), under_way.ended(within=1)
        told = under_way.lose_power().out
    for each in added.values():
        assert f"  deleted     {each}" in told
    mark = _mark(applied)

    ran = team.product.typed(documented("make adopt"))
    assert "the stack rendered will own, and make destroy will delete, in feastflow-rendered:" in ran.out
    assert "taken over  PersistentVolumeClaim postgres-data\n" in ran.out
    assert _mark(applied) == mark
    # Nothing can run in a pod that kwok only reports as running.
    assert "the volume was not read, since postgres-0 cannot be asked" in ran.out
    after = rendered.versions(applied, rendered.KEPT)
    assert {name: uid for name, (uid, _) in after.items() if name in before} == {
        name: uid for name, (uid, _) in before.items()
    }
    until(applied.complete, what="as many pods as the autoscaler wants", within=300)
    assert not any(name in str(applied.get(kind, "postgres")) for kind in _CHANGED for name in added)
    again = team.product.done("up")
    assert "unchanged" in again.out, again
    assert again.changes == []
