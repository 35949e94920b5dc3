"""Reasons of failing pods, from kubectl's JSON: each kind of failure by its cause."""

import datetime as dt
from typing import Any

import pytest

from tools.cli import reasons

BEGUN = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC)
_NO_NODE = "0/3 nodes are available: 1 node(s) had untolerated taint, 2 Insufficient cpu."


def pod(name: str, *containers: dict[str, Any], ready: bool = False, **more: Any) -> dict[str, Any]:
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(ready)}, {"type": "PodScheduled", "status": "True"}],
        "containerStatuses": list(containers),
    }
    return {"metadata": {"name": name}, "status": {**status, **more}}


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "backend", "ready": False, "state": state, **more}


def pending(name: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "message": _NO_NODE}
    return {"metadata": {"name": name}, "status": {"phase": "Pending", "conditions": [condition]}}


def warning(kind: str, name: str, reason: str, message: str, at: str = "2026-11-23T10:01:00Z") -> Any:
    return {
        "type": "Warning",
        "reason": reason,
        "message": message,
        "involvedObject": {"kind": kind, "name": name},
        "lastTimestamp": at,
    }


def one(*pods: Any, events: Any = ()) -> reasons.Trouble:
    (found,) = reasons.troubles(pods, events, BEGUN)
    return found


def said(*pods: Any, events: Any = ()) -> str:
    return reasons.told([one(*pods, events=events)], {})


WAITING = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image x:2"}}
CRASHED = {"terminated": {"exitCode": 1, "reason": "Error"}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}}
RUNNING = {"running": {"startedAt": "2026-11-23T10:00:30Z"}}


def test_an_image_that_cannot_be_pulled_is_named_and_has_no_last_lines() -> None:
    trouble = one(pod("api-1", container(WAITING)))
    assert reasons.told([trouble], {}) == (
        "api-1, container backend: ImagePullBackOff\n  Back-off pulling image x:2"
    )
    assert trouble.container is None


def test_a_process_that_ended_says_with_what_and_its_last_lines_follow() -> None:
    trouble = one(pod("api-1", container(CRASHED)))
    assert (trouble.container, trouble.previous) == ("backend", False)
    assert reasons.told([trouble], {trouble: ["boom", "x" * 400]}) == (
        f"api-1, container backend: ended with 1\n  | boom\n  | {'x' * 300}"
    )


@pytest.mark.parametrize("state", ["state", "lastState"])
def test_last_lines_that_the_cluster_has_kept_are_shown_whatever_its_logs_say(state: str) -> None:
    ended = {"terminated": {**CRASHED["terminated"], "message": "\n".join("abcdefgh")}}
    states = {"state": ended} if state == "state" else {"state": BACK_OFF, "lastState": ended}
    trouble = one(pod("api-1", container(**states)))
    told = reasons.told([trouble], {trouble: ["unable to retrieve container logs"]})
    assert told.splitlines() == ["api-1, container backend: ended with 1", *(f"  | {x}" for x in "cdefgh")]


@pytest.mark.parametrize(
    ("state", "reason"), [(BACK_OFF, "ended with 137, OOMKilled"), (RUNNING, "OOMKilled, and runs again")]
)
def test_a_process_that_is_started_again_and_again_is_known_by_its_end(
    state: dict[str, Any], reason: str
) -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    trouble = one(pod("api-1", container(state, lastState=ended)))
    assert trouble.reason.endswith(reason)
    assert trouble.previous, "the lines of the run that ended, not of the one that has just begun"


def test_a_process_that_runs_and_never_gets_ready_is_explained_by_its_probe() -> None:
    events = [
        warning("Pod", "api-1", "Unhealthy", "Startup probe failed: refused", "2026-11-23T10:00:10Z"),
        warning("Pod", "api-1", "Unhealthy", "Readiness probe failed: HTTP 503"),
        warning("Pod", "api-2", "Unhealthy", "of another"),
    ]
    text = said(pod("api-1", container(RUNNING)), events=events)
    assert text == "api-1, container backend: runs and is not ready\n  Readiness probe failed: HTTP 503"


def test_an_init_container_that_waits_is_the_reason_and_what_comes_after_it_is_none() -> None:
    gate = {"name": "await-database", "state": RUNNING, "ready": False}
    later = container({"waiting": {"reason": "PodInitializing"}})
    trouble = one(pod("api-1", later, initContainerStatuses=[gate]))
    assert (trouble.container, trouble.reason) == ("await-database", "has not ended")


def test_an_init_container_that_has_done_its_work_is_no_reason() -> None:
    done = {"name": "gate", "state": {"terminated": {"exitCode": 0}}, "ready": True}
    trouble = one(pod("api-1", container(CRASHED), initContainerStatuses=[done]))
    assert trouble.container == "backend"


def test_a_pod_that_no_node_takes_is_explained_by_the_scheduler() -> None:
    assert said(pending("postgres-2")) == f"postgres-2: no node takes it\n  {_NO_NODE}"


def test_a_pod_that_cannot_start_its_containers_is_explained_by_the_kubelet() -> None:
    creating = container({"waiting": {"reason": "ContainerCreating"}})
    events = [warning("Pod", "api-1", "FailedMount", "configmap not found")]
    assert said(pod("api-1", creating), events=events) == "api-1: FailedMount\n  configmap not found"
    assert reasons.troubles([pod("api-1", creating)], [], BEGUN) == []


@pytest.mark.parametrize("kind", ["ReplicaSet", "Job", "StatefulSet"])
def test_pods_that_were_never_made_are_explained_by_who_should_have_made_them(kind: str) -> None:
    events = [warning(kind, "api-7c9", "FailedCreate", 'pods "api-7c9-x" is forbidden: exceeded quota')]
    assert said(events=events).startswith(f"{kind} api-7c9: FailedCreate\n  pods ")


def test_a_controller_that_was_refused_for_a_moment_and_then_made_its_pods_is_no_reason() -> None:
    owned = pod("api-7c9-x", container(CRASHED))
    owned["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "api-7c9"}]
    event = warning("ReplicaSet", "api-7c9", "FailedCreate", "exceeded quota")
    assert [each.name for each in reasons.troubles([owned], [event], BEGUN)] == ["api-7c9-x"]


def test_what_was_seen_before_this_update_does_not_count() -> None:
    old = warning("ReplicaSet", "api-7c9", "FailedCreate", "exceeded quota", "2026-11-23T09:59:59Z")
    assert reasons.troubles([], [old], BEGUN) == []
    again = {**old, "series": {"lastObservedTime": "2026-11-23T10:00:01.123456Z"}}
    assert len(reasons.troubles([], [again], BEGUN)) == 1
    timeless = {key: value for key, value in old.items() if key != "lastTimestamp"}
    assert reasons.troubles([], [timeless, {**timeless, "type": "Normal"}], BEGUN) == []


def test_a_job_that_failed_in_an_update_before_comes_after_what_fails_now() -> None:
    def ended(name: str, at: str) -> dict[str, Any]:
        state = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at}}
        return pod(name, {**container(state), "name": name}, phase="Failed")

    before, now = ended("old", "2026-11-23T09:00:00Z"), ended("new", "2026-11-23T10:00:30Z")
    waits = pod("api-1", container(RUNNING))
    found = reasons.troubles([before, waits, now], [], BEGUN)
    assert [each.name for each in found] == ["new", "api-1", "old"]


def test_what_works_has_worked_or_leaves_is_in_no_trouble() -> None:
    leaving = pod("api-3", container(CRASHED))
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T10:00:00Z"
    fine = [pod("api-1", container(RUNNING), ready=True), pod("job-1", phase="Succeeded"), leaving]
    assert reasons.troubles(fine, [], BEGUN) == []


def test_pods_that_fail_alike_are_told_of_once_and_the_likeliest_cause_comes_first() -> None:
    pods = [
        *(pod(f"api-{number}", container(RUNNING)) for number in range(3)),
        pod("page-1", container(CRASHED)),
        *(pending(f"postgres-{number}") for number in (1, 2)),
    ]
    events = [
        warning("Pod", f"api-{number}", "Unhealthy", f'Get "http://10.0.0.{number}:5000/": refused')
        for number in range(3)
    ]
    found = reasons.troubles(pods, events, BEGUN)
    assert [each.name for each in found] == ["postgres-1", "page-1", "api-0"]


def test_two_versions_that_end_alike_are_both_told_of_since_their_last_lines_differ() -> None:
    pods = [pod(name, container(CRASHED)) for name in ("api-1", "api-2", "api-green-1")]
    for each, maker in zip(pods, ("api-7c9", "api-7c9", "api-green-5d4"), strict=True):
        each["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": maker}]
    found = reasons.troubles(pods, [], BEGUN)
    assert [each.name for each in found] == ["api-1", "api-green-1"]


def test_a_message_of_many_lines_is_shown_in_one_and_not_whole() -> None:
    events = [warning("ReplicaSet", "a", "FailedCreate", "word\n" * 200)]
    assert len(one(events=events).said) == 300


def test_no_more_is_told_than_can_be_read() -> None:
    pods = [pod(f"api-{each}", {**container(CRASHED), "name": each}) for each in "abcdefgh"]
    assert len(reasons.troubles(pods, [], BEGUN)) == 5


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("... it failed to fully initialize or become live: 'postgres' timed out waiting to be Ready", True),
        ("Resource 'feastflow-frontend' was created but failed to initialize", True),
        ("become live: timed out waiting for the condition", True),
        ("pulumi up failed\nno end within 1200 s", True),
        ("The stack's configuration cannot be deployed; nothing was changed.", False),
        ("[mandatory] spread (Deployment: web)", False),
        ("the stack is currently locked by 1 lock(s)", False),
    ],
)
def test_pods_are_asked_only_when_something_was_awaited(message: str, *, expected: bool) -> None:
    assert reasons.awaited(message) is expected
