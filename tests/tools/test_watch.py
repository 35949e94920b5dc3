"""A rollout that cannot work is known within a minute; one that may still work is waited for."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from components.settings.values import names
from tools.cli.watch import Watch, Watched

from .test_reasons import BACK_OFF, CRASHED, RUNNING, WAITING, container, pod, warning

_BEGUN = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC)
_NEW, _OLD = "2026-11-23T10:00:10Z", "2026-11-23T09:00:00Z"
_AWAITED = ("backend-deployment",)


def made(
    state: dict[str, Any], *, component: str = "backend", created: str = _NEW, job: str = "", **more: Any
) -> dict[str, Any]:
    """Return a pod with one container in that state."""
    owner = {"kind": "Job", "name": job} if job else {"kind": "ReplicaSet", "name": f"{component}-7c9"}
    metadata = {
        "name": f"{component}-{created[11:13]}",
        "labels": {"component": component},
        "creationTimestamp": created,
        "ownerReferences": [owner],
    }
    return {**pod("x", container(state, **more)), "metadata": metadata}


def crashing(restarts: int = 2, **more: Any) -> dict[str, Any]:
    return made(BACK_OFF, lastState=CRASHED, restartCount=restarts, **more)


def waits(reason: str) -> dict[str, Any]:
    return made({"waiting": {"reason": reason, "message": "no such thing"}})


def looked(
    *pods: Any, events: Sequence[Any] = (), awaited: Sequence[str] = _AWAITED, seconds: int = 60
) -> list[Watched]:
    """Return the findings of each look, five seconds apart."""
    watch = Watch(begun=_BEGUN)
    return [watch.look(pods, events, awaited, at) for at in range(0, seconds + 1, 5)]


def given_up(*pods: Any, **more: Any) -> bool:
    return any(each.hopeless for each in looked(*pods, **more))


def test_a_pooler_that_crashes_is_given_up_like_a_tier() -> None:
    crashed = crashing(restarts=5, component=names.POOLER_COMPONENT)
    assert given_up(crashed, awaited=("pooler-deployment",))
    assert not given_up(crashed, awaited=("backend-deployment",))


@pytest.mark.parametrize(
    "reason",
    [
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    ],
)
def test_what_the_kubelet_cannot_start_is_told_within_30_seconds_and_given_up_within_60(reason: str) -> None:
    found = looked(waits(reason))
    assert [each.tell for each in found[:6] if each.tell] == [
        (f"backend-10, container backend: {reason}\n  no such thing",)
    ]
    assert [each.hopeless for each in found].index(True) * 5 <= 50
    assert not any(each.tell for each in found[6:])


def test_a_process_that_ends_as_often_as_it_is_started_is_given_up() -> None:
    assert given_up(crashing())
    assert given_up(made(RUNNING, lastState=CRASHED, restartCount=3))


def test_an_init_container_counts_as_the_pods_others_do() -> None:
    broken = made(WAITING)
    broken["status"]["initContainerStatuses"] = broken["status"].pop("containerStatuses")
    assert given_up(broken)


@pytest.mark.parametrize(
    "message",
    [
        'MountVolume.SetUp failed for volume "server" : secret "postgres-tls" not found',
        'MountVolume.SetUp failed for volume "server" : configmap "feastflow-config-1" not found',
        'MountVolume.SetUp failed for volume "ca" : references non-existent secret key: ca.crt',
    ],
)
def test_a_volume_of_what_is_not_there_is_given_up_until_it_is_there(message: str) -> None:
    creating = made({"waiting": {"reason": "ContainerCreating"}})
    failed = warning("Pod", "backend-10", "FailedMount", message)
    assert given_up(creating, events=[failed])
    pulling = {**warning("Pod", "backend-10", "Pulling", "", "2026-11-23T10:02:00Z"), "type": "Normal"}
    assert not given_up(creating, events=[failed, pulling])


@pytest.mark.parametrize(
    ("what", "pods", "events"),
    [
        ("not ready", [made(RUNNING)], [warning("Pod", "backend-10", "Unhealthy", "Readiness probe failed")]),
        ("a large image", [made({"waiting": {"reason": "ContainerCreating"}})], []),
        (
            "a volume on its way",
            [made({"waiting": {"reason": "ContainerCreating"}})],
            [warning("Pod", "backend-10", "FailedAttachVolume", "Multi-Attach error for volume")],
        ),
        ("one crash", [crashing(restarts=1)], []),
        (
            "a long start",
            [
                crashing(restarts=2)
                | {
                    "status": {
                        "containerStatuses": [
                            container(
                                BACK_OFF,
                                restartCount=2,
                                lastState={
                                    "terminated": {
                                        "exitCode": 137,
                                        "startedAt": "2026-11-23T10:00:00Z",
                                        "finishedAt": "2026-11-23T10:02:00Z",
                                    }
                                },
                            )
                        ]
                    }
                }
            ],
            [],
        ),
        ("ended well", [made(BACK_OFF, restartCount=5, lastState={"terminated": {"exitCode": 0}})], []),
        (
            "no node",
            [
                {
                    **made(RUNNING),
                    "status": {
                        "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}]
                    },
                }
            ],
            [],
        ),
        ("a scheduled job", [made(WAITING, component="jobs", job="feastflow-jobs-report-1")], []),
        ("another tier's", [made(WAITING, component="frontend")], []),
        (
            "leaving",
            [{**made(WAITING), "metadata": {**made(WAITING)["metadata"], "deletionTimestamp": _NEW}}],
            [],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_still_work_or_is_not_awaited_is_waited_for(what: str, pods: Any, events: Any) -> None:
    assert what
    assert not given_up(*pods, events=events, seconds=600)


def test_pods_from_before_fail_nothing_while_those_that_follow_them_start() -> None:
    assert not given_up(crashing(created=_OLD), made(RUNNING), seconds=600)
    assert given_up(crashing(created=_OLD))


def test_what_is_over_in_between_begins_again() -> None:
    watch = Watch(begun=_BEGUN)
    for at in range(0, 600, 30):
        assert not watch.look([waits("ErrImagePull")], [], _AWAITED, at).hopeless
        assert not watch.look([made(RUNNING, ready=True)], [], _AWAITED, at + 15).hopeless


@pytest.mark.parametrize(
    ("awaited", "pods"),
    [
        ("postgres-server", [crashing(component="database")]),
        ("postgres-cluster", [crashing(component="database")]),
        ("frontend-green-deployment", [crashing(component="frontend")]),
        ("backend-disruption", [crashing()]),
        ("feastflow-roles-grant-1", [made(WAITING, component="roles", job="feastflow-roles-grant-1")]),
        ("feastflow-migrations-1-succeeded", [made(WAITING, component="m", job="feastflow-migrations-1")]),
    ],
)
def test_whatever_is_awaited_has_its_own_pods(awaited: str, pods: list[Any]) -> None:
    assert given_up(*pods, awaited=[awaited])
    assert not given_up(*pods, awaited=["default-deny"])


def test_why_pods_are_not_ready_or_not_made_is_told_once_while_it_is_awaited() -> None:
    slow = made(RUNNING)
    probe = warning("Pod", "backend-10", "Unhealthy", "Readiness probe failed: HTTP probe failed: 503")
    quota = warning("ReplicaSet", "backend-8d1", "FailedCreate", "exceeded quota: feastflow")
    told = [text for each in looked(slow, events=[probe, quota], seconds=300) for text in each.tell]
    assert sorted(told) == [
        "ReplicaSet backend-8d1: FailedCreate\n  exceeded quota: feastflow",
        f"{slow['metadata']['name']}, container backend: runs and is not ready\n  {probe['message']}",
    ]
