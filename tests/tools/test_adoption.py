"""Adoption: what is there is taken over in place; what could not be is refused before anything changes."""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import adoption, commands, smoke
from local.adoption import Manifest
from toolchain.refusal import Refusal

from .fakes import Machine
from .test_commands import THEIRS

pytestmark = pytest.mark.usefixtures("checkout")

_SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "postgres"}}
_CLAIM = {"name": "data", "persistentVolumeClaim": {"claimName": "postgres-data"}}
_ENDED = {"conditions": [{"type": "Complete", "status": "True"}]}


def _object(kind: str, name: str, **content: Any) -> Manifest:
    metadata = {"name": name} if kind == "Namespace" else {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}


def _server() -> Manifest:
    pod = {
        "securityContext": {"runAsUser": 26},
        "containers": [{"name": "postgres", "env": [{"name": "PGDATA", "value": "/data/pgdata"}]}],
        "volumes": [_CLAIM],
    }
    return _object(
        "StatefulSet", "postgres", spec={"selector": _SELECTOR, "serviceName": "p", "template": {"spec": pod}}
    )


def _size(amount: str) -> dict[str, Any]:
    return {"resources": {"requests": {"storage": amount}}}


def _stack() -> list[Manifest]:
    return [
        _object("Namespace", "shop"),
        _object(
            "PersistentVolumeClaim", "postgres-data", spec={"accessModes": ["ReadWriteOnce"], **_size("2Gi")}
        ),
        _server(),
        _object("Deployment", "api", spec={"selector": {"matchLabels": {"a": "b"}}}),
        _object("Job", "migrate", spec={}),
    ]


def _live(change: Callable[[dict[str, Manifest]], object] = lambda _: None) -> adoption.Live:
    by_kind = {each["kind"]: copy.deepcopy(each) for each in _stack()}
    by_kind["PersistentVolumeClaim"]["spec"]["storageClassName"] = "standard"
    by_kind["Job"]["status"] = _ENDED
    change(by_kind)
    return {(each["kind"], each["metadata"]["name"]): each for each in by_kind.values()}


def _pod(there: dict[str, Manifest]) -> dict[str, Any]:
    pod: dict[str, Any] = there["StatefulSet"]["spec"]["template"]["spec"]
    return pod


def test_what_is_there_as_it_would_be_applied_can_be_adopted() -> None:
    adoption.check(_stack(), _live())


def test_what_holds_no_data_may_be_missing() -> None:
    adoption.check(_stack(), _live(lambda there: (there.pop("Job"), there.pop("Deployment"))))


@pytest.mark.parametrize("kind", ["Namespace", "PersistentVolumeClaim"])
def test_without_what_holds_the_data_there_is_nothing_to_adopt(kind: str) -> None:
    with pytest.raises(Refusal, match=rf"there is nothing to adopt: no {kind} (.|\n)*make up"):
        adoption.check(_stack(), _live(lambda there: there.pop(kind)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda there: there["Deployment"]["spec"].update(selector={"matchLabels": {"app": "x"}}),
            'Deployment api: spec.selector is {"matchLabels": {"app": "x"}} and would have to be',
        ),
        (
            lambda there: there["StatefulSet"]["spec"].update(serviceName="q"),
            'StatefulSet postgres: spec.serviceName is "q" and would have to be "p"',
        ),
        (
            lambda there: there["StatefulSet"]["spec"].update(volumeClaimTemplates=[{}]),
            "StatefulSet postgres: its volumes come from spec.volumeClaimTemplates",
        ),
        (
            lambda there: _pod(there)["securityContext"].update(runAsUser=999),
            "StatefulSet postgres: the server's user is 999 and would be 26",
        ),
        (
            lambda there: _pod(there)["containers"][0].pop("env"),
            'StatefulSet postgres: PGDATA is null and would be "/data/pgdata"',
        ),
        (lambda there: _pod(there).pop("volumes"), "the volume's claim is [] and would be"),
        (
            lambda there: there["PersistentVolumeClaim"]["spec"].update(accessModes=["ReadWriteMany"]),
            "PersistentVolumeClaim postgres-data: spec.accessModes is",
        ),
        (
            lambda there: there["PersistentVolumeClaim"]["spec"].update(
                resources={"requests": {"storage": "3Gi"}}
            ),
            "postgres-data: spec.resources.requests.storage is 3Gi and would have to shrink to 2Gi",
        ),
        (lambda there: there["Job"].update(status={"active": 1}), "Job migrate has not ended"),
    ],
)
def test_what_would_have_to_be_made_anew_is_refused_with_the_reason(
    change: Callable[[dict[str, Manifest]], object], reason: str
) -> None:
    with pytest.raises(Refusal) as caught:
        adoption.check(_stack(), _live(change))

    assert reason in caught.value.found
    assert "nothing was changed" in caught.value.why
    assert "docs/operations.md" in caught.value.fix


def test_what_the_stack_would_apply_is_known_without_secrets_and_the_kubeconfig_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/of/the/user")
    config = {"feastflow:namespace": "shop", "feastflow:environment": "dev"}
    edge = {"feastflow:edge": {"host": "shop.example.com"}}
    found = adoption.planned("dev", {**config, **edge, "kubernetes:context": "theirs"})

    kinds = {each["kind"] for each in found}
    assert {"Namespace", "StatefulSet", "PersistentVolumeClaim", "Deployment", "Job"} <= kinds
    assert "Secret" not in kinds
    assert os.environ["KUBECONFIG"] == "/of/the/user"


@pytest.fixture
def there(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A cluster of the user's on which the stack's objects are; no stack is."""
    monkeypatch.setattr(adoption, "planned", lambda *_: _stack())
    monkeypatch.setattr(smoke, "check", lambda *_, **__: "the page")
    monkeypatch.setenv("BACKEND_IMAGE", "api:2")
    machine.file("live", json.dumps({"items": list(_live().values())}))
    machine.program(
        "kubectl",
        """
        case "$*" in
          "config view"*) echo '{"contexts": [{"name": "theirs"}]}' ;;
          *"get --filename"*) cat > "$ROOT/asked"; show live ;;
          *delete*) ;;
          *) printf uid-1 ;;
        esac
        """,
    )
    machine.program(
        "pulumi",
        """
        case "$*" in
          version) echo v3.200.0 ;;
          *" ls "*) show stacks ;;
          *" export "*) echo '{}' ;;
          *" output "*) echo '{"url": "http://x"}' ;;
          *" up "*) echo "$PULUMI_K8S_ENABLE_PATCH_FORCE" > "$ROOT/forced" ;;
        esac
        """,
    )
    machine.file("stacks", "[]")
    return machine


def test_adopt_applies_over_what_is_there_and_runs_the_jobs_again(there: Machine) -> None:
    commands.adopt(THEIRS)

    asked = json.loads((there.root / "asked").read_text())["items"]
    assert {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}} in asked
    assert (there.root / "forced").read_text() == "true\n"
    (deleted,) = there.called("kubectl", "delete")
    assert deleted.endswith("--namespace shop delete job migrate --wait")


def test_jobs_that_a_cut_off_adoption_made_are_left(there: Machine) -> None:
    def ours(live: dict[str, Manifest]) -> None:
        live["Job"]["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "pulumi"}
        live["Job"]["status"] = {}

    there.file("live", json.dumps({"items": list(_live(ours).values())}))
    commands.adopt(THEIRS)

    assert there.called("kubectl", "delete") == []


@pytest.mark.parametrize("live", ["", '{"kind": "Namespace", "metadata": {"name": "shop"}}'])
def test_where_nothing_is_there_nothing_is_applied(there: Machine, live: str) -> None:
    there.file("live", live)

    with pytest.raises(Refusal, match="there is nothing to adopt"):
        commands.adopt(THEIRS)
    assert there.called("pulumi", " up ") == []
    assert there.called("kubectl", "delete") == []


def test_a_stack_that_has_been_deployed_adopts_nothing(there: Machine) -> None:
    there.file("stacks", '[{"name": "dev"}]')

    with pytest.raises(Refusal, match="the stack dev is there already"):
        commands.adopt(THEIRS)
    assert not Path(there.root / "asked").exists()
