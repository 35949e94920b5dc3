"""Others' additions to the objects that an adoption takes over, by answers of the API server."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tools.cli import adopted_additions
from tools.cli.drift.objects import LOOKING, Answers
from tools.cli.drift.wanted import key
from tools.toolchain.errors import UserError

_SPEC: dict[str, Any] = {
    "f:spec": {"f:replicas": {}, "f:ports": {'k:{"port":80,"protocol":"TCP"}': {"f:port": {}}}}
}
_EXTRA: dict[str, Any] = {"f:spec": {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}
_SELECTOR: dict[str, Any] = {"f:spec": {"f:externalIPs": {}}}
_OWNER: dict[str, Any] = {"f:metadata": {"f:annotations": {"f:feastflow.pulumi.com/owner": {}}}}


def _entry(manager: str, operation: str, tree: dict[str, Any]) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": "2026-01-01T00:00:00Z", "fieldsV1": tree}


def _service(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "postgres",
            "namespace": "shop",
            "resourceVersion": "7",
            "annotations": {"feastflow.pulumi.com/owner": "feastflow/dev/x"},
            "managedFields": [_entry("kubectl-client-side-apply", "Update", _SPEC), *entries],
        },
        "spec": {
            "externalIPs": ["192.0.2.1"],
            "ports": [{"port": port, "protocol": "TCP"} for port in (80, 81)],
        },
    }


@dataclass(kw_only=True)
class _Kubectl:
    """Answers of a server that has one Service. `filled` are fields that it fills in again.

    `conflicts` are the replacements before which something else writes to it.
    """

    live_one: dict[str, Any]
    refused: str = ""
    unanswered: str = ""
    conflicts: int = 0
    filled: dict[str, Any] = field(default_factory=dict)
    put: list[dict[str, Any]] = field(default_factory=list)

    def live(self, asked: Sequence[Any]) -> Answers:
        return Answers(objects={key(self.live_one): self.live_one} if asked else {}, problems={})

    def would_apply(self, wanted: Sequence[Any]) -> Answers:
        if self.unanswered:
            return Answers(objects={}, problems={key(each): self.unanswered for each in wanted})
        would = copy.deepcopy(self.live_one)
        would["metadata"]["managedFields"].append(_entry(LOOKING, "Apply", _SPEC))
        return Answers(objects={key(would): would} if wanted else {}, problems={})

    def would_replace(self, wanted: Sequence[Any]) -> Answers:
        if self.refused:
            return Answers(objects={}, problems={key(each): self.refused for each in wanted})
        after = [{**each, "spec": {**each["spec"], **self.filled}} for each in wanted]
        return Answers(objects={key(each): each for each in after}, problems={})

    def replace(self, wanted: Sequence[Any]) -> Answers:
        if wanted and self.conflicts:
            self.conflicts -= 1
            problem = "the object has been modified"
            return Answers(objects={}, problems={key(each): problem for each in wanted})
        self.put += wanted
        return Answers(objects={}, problems={})


_WANTED = [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "postgres", "namespace": "shop"}}]
_PATCHED = _service(_entry("kubectl-patch", "Update", _EXTRA), _entry("argocd", "Update", _SELECTOR))


def _look(kubectl: _Kubectl) -> adopted_additions.Additions:
    return adopted_additions.look(_WANTED, kubectl)  # type: ignore[arg-type]


def test_what_others_added_is_told_with_who_did_and_deleted_alone() -> None:
    kubectl = _Kubectl(live_one=_PATCHED)
    found = _look(kubectl)
    assert [each.rpartition(" of ")[2] for each in found.told] == ["kubectl-patch", "argocd"]
    assert all(each.startswith("Service postgres: spec.") for each in found.told)
    adopted_additions.delete(found, _WANTED, kubectl)  # type: ignore[arg-type]
    (put,) = kubectl.put
    assert put["spec"] == {"ports": [{"port": 80, "protocol": "TCP"}]}
    # The guard against a change in between, and no managers.
    assert put["metadata"]["resourceVersion"] == "7"
    assert "managedFields" not in put["metadata"]


def test_where_nothing_was_added_nothing_is_told_and_nothing_is_put() -> None:
    kubectl = _Kubectl(live_one=_service())
    found = _look(kubectl)
    adopted_additions.delete(found, _WANTED, kubectl)  # type: ignore[arg-type]
    assert (found.told, kubectl.put) == ((), [])


def test_what_an_adoption_that_was_cut_off_has_applied_is_no_addition() -> None:
    assert not _look(_Kubectl(live_one=_service(_entry("pulumi-kubernetes-12ab", "Apply", _OWNER)))).told
    assert _look(_Kubectl(live_one=_service(_entry("another", "Apply", _OWNER)))).told


def test_what_the_server_fills_in_again_is_not_told() -> None:
    filled = {"externalIPs": ["192.0.2.1"], "ports": _PATCHED["spec"]["ports"]}
    assert _look(_Kubectl(live_one=_PATCHED, filled=filled)) == adopted_additions.Additions()


def test_objects_that_are_not_there_and_jobs_are_not_looked_at() -> None:
    job = {**_WANTED[0], "kind": "Job"}
    kubectl = _Kubectl(live_one=_PATCHED)
    assert not adopted_additions.look([job], kubectl).told  # type: ignore[arg-type]


def test_what_the_server_would_not_take_is_refused_before_anything_is_changed() -> None:
    for kubectl in (
        _Kubectl(live_one=_PATCHED, refused="ports: required"),
        _Kubectl(live_one=_PATCHED, unanswered="ports: invalid"),
    ):
        with pytest.raises(UserError, match="Service postgres: ") as caught:
            _look(kubectl)
        assert "nothing was changed" in caught.value.why
        assert not kubectl.put


def test_an_object_whose_status_is_written_meanwhile_is_looked_at_again() -> None:
    kubectl = _Kubectl(live_one=_PATCHED)
    found = _look(kubectl)
    kubectl.conflicts = 2
    adopted_additions.delete(found, _WANTED, kubectl)  # type: ignore[arg-type]
    assert len(kubectl.put) == 1


def test_an_object_that_never_rests_ends_the_adoption_before_it_begins() -> None:
    kubectl = _Kubectl(live_one=_PATCHED)
    found = _look(kubectl)
    kubectl.conflicts = 100
    with pytest.raises(UserError, match="the object has been modified"):
        adopted_additions.delete(found, _WANTED, kubectl)  # type: ignore[arg-type]
    assert not kubectl.put


def test_what_was_added_after_the_list_was_told_is_not_deleted() -> None:
    kubectl = _Kubectl(live_one=_service(_entry("argocd", "Update", _SELECTOR)))
    found = _look(kubectl)
    kubectl.conflicts, kubectl.live_one = 1, _PATCHED
    with pytest.raises(UserError, match="the object has been modified"):
        adopted_additions.delete(found, _WANTED, kubectl)  # type: ignore[arg-type]
    assert not kubectl.put
