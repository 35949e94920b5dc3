"""Adoption: existing objects are taken over in place, or refused before anything changes."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.cli import adopted_additions, adoption, commands
from tools.cli.adopted_objects import Manifest
from tools.cli.adopted_server import Seen
from tools.stacks import smoke
from tools.toolchain.errors import UserError

from .adoptable import OWNER, Change, adopting, check, live, stack, thing
from .fakes import Machine
from .test_commands import THEIRS

pytestmark = pytest.mark.usefixtures("checkout")

_UUID = "0c9e1d52-0000-4000-8000-000000000001"
_FOREIGN = "feastflow/prod/0c9e1d52-0000-4000-8000-000000000002"
_SETTING = re.compile(r"set feastflow:database\.(\w+) to (.+) in Pulumi\.dev\.yaml, and make adopt")
# Lines that the running server of the fixture answers: the data of `adoptable.live`.
_SAID = "directory\t/data/pgdata\nmajor\t15\nuid\t26\ndatabase\torders\tcook\nsuperuser\tpostgres\n"


def _owned(owner: str, kind: str = "Namespace") -> Change:
    return lambda there: there[kind]["metadata"].update(annotations={OWNER: owner})


def _deleting(kind: str) -> Change:
    return lambda there: there[kind]["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z")


def test_what_is_there_as_it_would_be_applied_can_be_adopted() -> None:
    check()


def test_what_holds_no_data_may_be_missing() -> None:
    check(lambda there: (there.pop("Job"), there.pop("Deployment")))


@pytest.mark.parametrize("kind", ["Namespace", "PersistentVolumeClaim", "StatefulSet"])
def test_without_what_holds_the_data_there_is_nothing_to_adopt(kind: str) -> None:
    with pytest.raises(UserError, match=rf"there is nothing to adopt: no {kind} (.|\n)*make up"):
        check(lambda there: there.pop(kind))


@pytest.mark.parametrize(
    ("change", "reason", "way_out"),
    [
        (
            lambda there: there["Deployment"]["spec"].update(selector={"matchLabels": {"app": "x"}}),
            'Deployment api: spec.selector is {"matchLabels": {"app": "x"}} and would have to be',
            "kubectl --context c --namespace shop delete deployment api",
        ),
        (
            lambda there: there["StatefulSet"]["spec"].update(serviceName="q"),
            'StatefulSet postgres: spec.serviceName is "q" and would have to be "p"',
            "kubectl --context c --namespace shop replace --force --filename postgres.yaml",
        ),
        (
            lambda there: there["PersistentVolumeClaim"]["spec"].update(accessModes=["ReadWriteMany"]),
            "PersistentVolumeClaim postgres-data: spec.accessModes is",
            "docs/operations.md, An existing FeastFlow",
        ),
        (
            lambda there: there["PersistentVolumeClaim"]["spec"].update(
                resources={"requests": {"storage": "3Gi"}}
            ),
            "postgres-data: spec.resources.requests.storage is 3Gi and would have to shrink to 2Gi",
            "set feastflow:database.storage to 3Gi in Pulumi.dev.yaml",
        ),
        (
            lambda there: there["PersistentVolumeClaim"].update(status={"phase": "Pending"}),
            'postgres-data: its phase is "Pending" and would have to be "Bound"',
            "kubectl --context c --namespace shop describe persistentvolumeclaim postgres-data",
        ),
        (
            lambda there: there["PersistentVolumeClaim"].update(status={"phase": "Lost"}),
            'postgres-data: its phase is "Lost" and would have to be "Bound"',
            "restore the volume pv-1",
        ),
        (
            _deleting("PersistentVolumeClaim"),
            "PersistentVolumeClaim postgres-data is being deleted",
            'patch persistentvolume pv-1 --patch \'{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}\'',
        ),
        (
            _deleting("Namespace"),
            "Namespace shop is being deleted",
            "wait --for=delete namespace/shop --timeout=5m",
        ),
        (
            _deleting("StatefulSet"),
            "StatefulSet postgres is being deleted",
            "wait --for=delete statefulset/postgres --timeout=5m",
        ),
        (
            lambda there: there["Job"].update(status={"active": 1}),
            "Job grant has not ended",
            "wait --for=condition=Complete job/grant --timeout=10m",
        ),
    ],
)
def test_what_would_have_to_be_recreated_is_refused_with_its_way_out(
    change: Change, reason: str, way_out: str
) -> None:
    with pytest.raises(UserError) as caught:
        check(change)

    assert reason in caught.value.found
    assert "nothing was changed" in caught.value.why
    assert way_out in caught.value.fix


def _cluster(**spec: Any) -> Manifest:
    initdb = {"initdb": {"database": "orders", "owner": "cook"}}
    whole = {"imageName": "registry.example.com/postgresql:15.14", "bootstrap": initdb, "postgresUID": 26}
    return thing("Cluster", "postgres", spec={**whole, **spec})


@pytest.mark.parametrize(
    "spec",
    [
        {"imageName": "registry.example.com/postgresql:15.2"},
        {"bootstrap": {"recovery": {"database": "orders", "owner": "cook"}}},
        {"imageName": None, "imageCatalogRef": {"major": 15}},
    ],
)
def test_a_cluster_of_the_operator_with_the_same_data_is_adopted(spec: dict[str, Any]) -> None:
    found = {("Cluster", "postgres"): _cluster(**spec)}
    adoption.check(adopting(wanted=[_cluster()]), found, Seen())


@pytest.mark.parametrize(
    ("spec", "status", "reason", "way_out"),
    [
        ({"imageName": "x:16.1"}, {}, "PostgreSQL is 16 and would be 15", "an image of PostgreSQL 16"),
        ({}, {"pgDataImageInfo": {"majorVersion": 16}}, "PostgreSQL is 16", "an image of PostgreSQL 16"),
        ({"imageName": None}, {}, "PostgreSQL is null and would be 15", "name its image in spec.imageName"),
        ({"bootstrap": {}}, {}, "the database is app and would be orders", "database.name to app"),
        (
            {"bootstrap": {"initdb": {"database": "orders", "owner": "chef"}}},
            {},
            "the database's owner is chef and would be cook",
            "database.user to chef",
        ),
        ({"postgresUID": 999}, {}, "the server's user is 999 and would be 26", "database.uid to 999"),
    ],
)
def test_a_cluster_of_the_operator_with_other_data_is_refused(
    spec: dict[str, Any], status: dict[str, Any], reason: str, way_out: str
) -> None:
    found = {("Cluster", "postgres"): {**_cluster(**spec), "status": status}}
    with pytest.raises(UserError) as caught:
        adoption.check(adopting(wanted=[_cluster()]), found, Seen())

    assert reason in caught.value.found
    assert way_out in caught.value.fix


@pytest.mark.parametrize("own", ["", _UUID])
def test_a_namespace_of_another_stack_is_refused_whatever_else_is_wrong(own: str) -> None:
    def change(there: dict[str, Manifest]) -> None:
        _owned(_FOREIGN)(there)
        there.pop("StatefulSet")

    with pytest.raises(UserError) as caught:
        check(change, adopted=adopting(owner=own))

    assert (
        "belongs to the stack feastflow/prod (state 0c9e1d52-0000-4000-8000-000000000002)"
        in caught.value.found
    )
    assert "kubectl --context c --namespace shop annotate namespace shop" in caught.value.fix


def test_a_namespace_that_was_given_is_its_owners_by_the_first_policy() -> None:
    found = dict(live(lambda there: there.pop("Namespace")))
    policy = thing("NetworkPolicy", "default-deny")
    policy["metadata"]["annotations"] = {OWNER: _FOREIGN}
    wanted = [each for each in stack() if each["kind"] != "Namespace"]

    adoption.check(adopting(wanted=wanted), found, Seen(unseen="x"))
    with pytest.raises(UserError, match="annotate networkpolicy default-deny") as caught:
        adoption.check(adopting(wanted=wanted), {**found, ("NetworkPolicy", "default-deny"): policy}, Seen())
    assert "belongs to the stack feastflow/prod" in caught.value.found


def test_an_adoption_that_was_cut_off_finds_its_own_mark() -> None:
    check(_owned(f"feastflow/dev/{_UUID}"), adopted=adopting(owner=_UUID))


def _planned(**sections: Any) -> list[Manifest]:
    config = {"feastflow:namespace": "shop", "feastflow:environment": "dev", "kubernetes:context": "theirs"}
    edge = {"feastflow:edge": {"host": "shop.example.com"}}
    named = {f"feastflow:{name}": value for name, value in sections.items()}
    return adoption.planned("dev", {**config, **edge, **named})


def test_what_the_stack_would_apply_is_known_without_secrets_and_the_kubeconfig_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/of/the/user")
    found = _planned()

    kinds = {each["kind"] for each in found}
    assert {"Namespace", "StatefulSet", "PersistentVolumeClaim", "Deployment", "Job"} <= kinds
    assert "Secret" not in kinds
    assert os.environ["KUBECONFIG"] == "/of/the/user"


@pytest.mark.parametrize("engine", [{}, {"engine": "replicated", "instances": 3}])
def test_settings_as_the_ways_out_name_them_lead_to_an_adoption(engine: dict[str, Any]) -> None:
    image = "registry.example.com/postgresql:16.4"
    theirs = {"name": "orders", "user": "cook", "uid": 999, "image": image, "storage": "3Gi", **engine}
    there = {(each["kind"], each["metadata"]["name"]): each for each in _planned(database=theirs)}
    for each in there.values():
        ended = {"conditions": [{"type": "Complete", "status": "True"}]}
        each["status"] = {"PersistentVolumeClaim": {"phase": "Bound"}, "Job": ended}.get(each["kind"], {})
    seen = Seen(
        directory="/var/lib/postgresql/data/pgdata",
        major=16,
        uid=999,
        databases={"orders": "cook"},
        superusers=("postgres",),
    )
    ours = dict(engine)
    with pytest.raises(UserError) as caught:
        adoption.check(adopting("none", wanted=_planned(database=ours)), there, seen)
    for name, value in _SETTING.findall(caught.value.fix):
        ours[name] = int(value) if value.isdigit() else value.replace("an image of PostgreSQL 16", image)

    assert {"name", "user", "uid", "image", "storage"} <= ours.keys()
    adoption.check(adopting("none", wanted=_planned(database=ours)), there, seen)


@pytest.mark.parametrize("wanted", [stack(), stack()[::-1]], ids=["in order", "reversed"])
def test_the_names_are_those_of_the_job_that_creates_them_wherever_it_stands(wanted: list[Manifest]) -> None:
    """The migrations' Job takes the name from a ConfigMap."""
    server = adopting(wanted=wanted).server

    assert server is not None
    assert (server.database, server.owner) == ("orders", "cook")


@pytest.fixture
def there(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a cluster of the user's with the stack's objects, the server's pod ready, and no stack."""
    monkeypatch.setattr(adoption, "planned", lambda *_: stack())
    monkeypatch.setattr(adopted_additions, "look", lambda *_: adopted_additions.Additions())
    monkeypatch.setattr(smoke, "check", lambda *_, **__: "the page")
    monkeypatch.setenv("BACKEND_IMAGE", "api:2")
    file = machine.root / "checkout" / "Pulumi.dev.yaml"
    file.write_text("config: {feastflow:namespace: shop, feastflow:frontend: {image: page:1}}\n")
    _lives(machine)
    _pods(machine, ready="True")
    machine.file("said", _SAID)
    machine.program(
        "kubectl",
        """
        case "$*" in
          "config view"*) echo '{"contexts": [{"name": "theirs"}]}' ;;
          *"get --filename"*) cat > "$ROOT/asked"; show live ;;
          *"get pods"*) show pods ;;
          *" exec "*)
            [ ! -e "$ROOT/exec.error" ] || { show exec.error >&2; exit 1; }
            cat > /dev/null; show said ;;
          *" annotate "*) mv "$ROOT/live.after" "$ROOT/live" ;;
          *" scale "*) mv "$ROOT/pods.after" "$ROOT/pods" ;;
          *delete*) ;;
          *"get namespace kube-system"*) printf uid-1 ;;
          *) echo "not expected: $*" >&2; exit 1 ;;
        esac
        """,
    )
    machine.program(
        "pulumi",
        """
        case "$*" in
          version) echo v3.200.0 ;;
          *" select "*) echo dev > "$ROOT/stacks" ;;
          *" export "*)
            grep -q dev "$ROOT/stacks" || { echo "error: no stack named 'dev' found" >&2; exit 255; }
            show exported ;;
          *" output "*) show outputs ;;
          *" up "*)
            echo "$PULUMI_K8S_ENABLE_PATCH_FORCE" > "$ROOT/forced"
            echo '{"url": "http://x"}' > "$ROOT/outputs" ;;
        esac
        """,
    )
    machine.file("stacks", "[]")
    machine.file("exported", "{}")
    machine.file("outputs", "{}")
    return machine


def _lives(machine: Machine, change: Change = lambda _: None, name: str = "live") -> None:
    machine.file(name, json.dumps({"items": list(live(change).values())}))


def _pods(machine: Machine, ready: str | None, name: str = "pods") -> None:
    spec = live()["StatefulSet", "postgres"]["spec"]["template"]["spec"]
    pod = thing("Pod", "postgres-0", spec=spec, status={"phase": "Running"})
    pod["metadata"]["ownerReferences"] = [{"kind": "StatefulSet", "name": "postgres"}]
    pod["status"]["conditions"] = [{"type": "Ready", "status": ready}]
    machine.file(name, json.dumps({"items": [pod] if ready else []}))


def _assert_untouched(machine: Machine) -> None:
    assert machine.called("pulumi", " up ") == []
    assert machine.called("kubectl", "delete") == []
    # `make rollback` has no release to roll back from either.
    assert list(machine.root.rglob("current.yaml")) == []


def _typed(machine: Machine, refusal: UserError, word: str) -> None:
    """Type the command of the way out that holds the word, as it is printed up to the words after it."""
    (line,) = (line for line in refusal.fix.splitlines() if f" {word} " in line)
    begin = line.index(str(machine.bin / "kubectl"))
    command = shlex.split(line[begin:].partition(", and make")[0])
    subprocess.run(command, check=True)  # noqa: S603 - what a user would type


def test_adopt_applies_over_what_is_there_and_runs_the_jobs_again(there: Machine) -> None:
    commands.adopt(THEIRS)

    asked = json.loads((there.root / "asked").read_text())["items"]
    assert {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}} in asked
    assert (there.root / "forced").read_text() == "true\n"
    (deleted,) = there.called("kubectl", "delete")
    assert deleted.endswith("--namespace shop delete job grant --wait")


def test_what_others_added_is_told_and_deleted_before_anything_is_applied(
    there: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = adopted_additions.Additions(told=("Service p: spec.ports[81] of kubectl-patch",))
    deleted: list[object] = []

    def delete(additions: adopted_additions.Additions, *_: object) -> None:
        assert not (there.root / "forced").exists()
        deleted.append(additions)

    monkeypatch.setattr(adopted_additions, "look", lambda *_: found)
    monkeypatch.setattr(adopted_additions, "delete", delete)
    commands.adopt(THEIRS)
    assert deleted == [found]
    assert (there.root / "forced").exists()
    assert "  deleted     Service p: spec.ports[81] of kubectl-patch\n" in capsys.readouterr().out


def test_what_it_will_own_is_said_before_anything_is_changed(
    there: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    _lives(there, lambda live: live.pop("Deployment"))
    commands.adopt(THEIRS)

    said = capsys.readouterr().out
    assert "the stack dev will own, and make destroy will delete, in shop:" in said
    for line in (
        "taken over  Namespace shop",
        "taken over  PersistentVolumeClaim postgres-data",
        "taken over  StatefulSet postgres",
        "run again   Job grant",
        "added       Deployment api",
    ):
        assert f"  {line}\n" in said
    assert said.index("will own") < said.index("pulumi up")
    assert "not known" not in said


def test_jobs_that_a_cut_off_adoption_made_are_left(there: Machine) -> None:
    def ours(live: dict[str, Manifest]) -> None:
        live["Job"]["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "pulumi"}
        live["Job"]["status"] = {}

    _lives(there, ours)
    commands.adopt(THEIRS)

    assert there.called("kubectl", "delete") == []


def test_a_cut_off_adoption_is_repeated_by_the_owner_that_its_state_records(there: Machine) -> None:
    uuid = {"type": "random:index/randomUuid:RandomUuid", "urn": "u::owner", "outputs": {"result": _UUID}}
    there.file("stacks", '[{"name": "dev"}]')
    there.file("exported", json.dumps({"deployment": {"resources": [uuid]}}))
    _lives(there, _owned(f"feastflow/dev/{_UUID}"))

    commands.adopt(THEIRS)

    assert (there.root / "forced").exists()


def test_a_namespace_of_another_stack_is_not_looked_into_until_its_mark_is_removed_as_printed(
    there: Machine,
) -> None:
    _lives(there, _owned(_FOREIGN))
    _lives(there, name="live.after")

    with pytest.raises(UserError, match="belongs to the stack feastflow/prod") as caught:
        commands.adopt(THEIRS)
    _assert_untouched(there)
    assert there.called("kubectl", "get pods") == there.called("kubectl", " exec ") == []

    _typed(there, caught.value, "annotate")
    commands.adopt(THEIRS)
    assert there.called("kubectl", f"annotate namespace shop {OWNER}-")


def test_a_server_with_other_data_is_refused_before_its_jobs_are_deleted(there: Machine) -> None:
    there.file("said", _SAID.replace("major\t15", "major\t16"))

    with pytest.raises(UserError, match="PG_VERSION on the volume is 16"):
        commands.adopt(THEIRS)
    _assert_untouched(there)


def test_a_stopped_server_of_an_unknown_version_is_started_as_printed(there: Machine) -> None:
    def stopped(live: dict[str, Manifest]) -> None:
        live["StatefulSet"]["spec"]["replicas"] = 0
        live["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]["image"] = "postgres"

    _lives(there, stopped)
    _pods(there, ready=None)
    _pods(there, ready="True", name="pods.after")

    with pytest.raises(UserError, match="names no version of PostgreSQL") as caught:
        commands.adopt(THEIRS)
    _assert_untouched(there)

    _typed(there, caught.value, "scale")
    commands.adopt(THEIRS)
    assert there.called("kubectl", "scale --replicas=1 statefulset/postgres")


@pytest.mark.parametrize("ready", [None, "False"])
def test_where_no_pod_is_ready_it_is_said_that_the_volume_was_not_read(
    there: Machine, capsys: pytest.CaptureFixture[str], ready: str | None
) -> None:
    _pods(there, ready=ready)
    commands.adopt(THEIRS)

    assert "the volume was not read, since no pod of postgres is ready" in capsys.readouterr().out
    assert there.called("kubectl", " exec ") == []


def test_a_user_who_may_not_look_into_pods_is_told_so(
    there: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    there.file("exec.error", 'Error from server (Forbidden): pods "postgres-0" is forbidden')
    commands.adopt(THEIRS)

    assert "postgres-0 cannot be asked (Error from server (Forbidden)" in capsys.readouterr().out


@pytest.mark.parametrize("live", ["", '{"kind": "Namespace", "metadata": {"name": "shop"}}'])
def test_where_nothing_is_there_nothing_is_applied(there: Machine, live: str) -> None:
    there.file("live", live)

    with pytest.raises(UserError, match="there is nothing to adopt"):
        commands.adopt(THEIRS)
    _assert_untouched(there)


def test_a_stack_that_has_been_deployed_adopts_nothing(there: Machine) -> None:
    there.file("stacks", '[{"name": "dev"}]')
    there.file("outputs", '{"url": "http://x"}')

    with pytest.raises(UserError, match="the stack dev is there already"):
        commands.adopt(THEIRS)
    assert not Path(there.root / "asked").exists()
