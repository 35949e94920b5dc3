"""Conditions of a whole stack, and the pods that count."""

import datetime as dt
from typing import Any

import pytest

from tools.drills import objects, pathcut
from tools.drills.objects import Object


def pod(
    name: str = "api-1", *, node: str = "w1", ready: bool = True, restarts: int = 2, **changes: Any
) -> Object:
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": [
            {
                "containerID": "containerd://0123",
                "restartCount": restarts,
                "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
            }
        ],
    }
    labels = {"component": "backend", "pod-template-hash": "abc"}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"nodeName": node},
        "status": status,
        **changes,
    }


def deployment(namespace: str = "shop", name: str = "api", *, replicas: int = 2, **status: int) -> Object:
    full = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    return {
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generation": 3,
            "labels": {"component": "backend"},
        },
        "spec": {"replicas": replicas},
        "status": {**full, **status},
    }


def autoscaler(least: int) -> Object:
    return {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"minReplicas": least},
    }


def node(*, ready: bool = True, **spec: bool) -> Object:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"kind": "Node", "metadata": {"name": "w1"}, "spec": spec, "status": {"conditions": conditions}}


def test_a_pod_is_what_a_drill_has_to_know_of_it() -> None:
    (found,) = objects.pods([pod()])

    assert (found.name, found.component, found.node, found.container) == ("api-1", "backend", "w1", "0123")
    assert (found.restarts, found.ready, found.template) == (2, True, "abc")
    assert (found.ended, found.code) == ("OOMKilled", 137)


def test_pods_that_leave_or_have_ended_do_not_count_and_one_without_a_container_does() -> None:
    leaving = pod(metadata={"name": "x", "deletionTimestamp": "now"})
    done = pod(status={"phase": "Succeeded"})
    pending = pod("new", status={"phase": "Pending"})

    assert [each.name for each in objects.pods([leaving, done, pending])] == ["new"]
    assert objects.pods([pending])[0].container == ""


def test_a_node_is_back_when_no_container_on_it_is_older_than_its_power() -> None:
    since = dt.datetime(2026, 1, 1, 12, 0, 7, 500_000, tzinfo=dt.UTC)
    old, new = (
        {"containerStatuses": [{"state": {"running": {"startedAt": f"2026-01-01T12:00:0{second}Z"}}}]}
        for second in (6, 7)
    )
    ended = {"containerStatuses": [{"state": {"terminated": {"startedAt": "2026-01-01T11:00:00Z"}}}]}

    assert objects.started_since([pod(status=new), pod(status=ended)], since)
    assert not objects.started_since([pod(status=new), pod(status=old)], since)
    assert not objects.started_since([], since), "nothing is known yet"


@pytest.mark.parametrize(
    ("thing", "lacks"),
    [
        (deployment(), []),
        (deployment(replicas=3), ["deployment api"]),
        (deployment(updatedReplicas=1), ["deployment api"]),
        (deployment(availableReplicas=1), ["deployment api"]),
        (deployment(observedGeneration=2), ["deployment api"]),
        (deployment("other", availableReplicas=0), []),
        (deployment("kube-system", "coredns", availableReplicas=1), ["deployment coredns"]),
        (node(), []),
        (node(ready=False), ["node w1"]),
        (node(unschedulable=True), ["node w1"]),
        (
            {
                "kind": "StatefulSet",
                "metadata": {"name": "db", "namespace": "shop"},
                "spec": {"replicas": 1},
                "status": {},
            },
            ["statefulset db"],
        ),
        (
            {
                "kind": "Cluster",
                "metadata": {"name": "postgres", "namespace": "shop"},
                "spec": {"instances": 3},
                "status": {"readyInstances": 2, "conditions": [{"type": "Ready", "status": "True"}]},
            },
            ["cluster postgres"],
        ),
    ],
)
def test_what_is_not_whole_is_named(thing: Object, lacks: list[str]) -> None:
    assert objects.missing([thing], "shop") == lacks


def test_a_tier_is_not_whole_below_what_its_autoscaler_wants_at_least() -> None:
    assert objects.missing([deployment(), autoscaler(3)], "shop") == ["deployment api"]
    assert objects.missing([deployment(), autoscaler(2)], "shop") == []


def test_pods_on_lost_nodes_do_not_make_up_the_full_number() -> None:
    found = objects.pods([pod("a"), pod("b", node="w2"), pod("c", node="w3", ready=False)])

    assert objects.elsewhere(found, [deployment()], [])
    assert not objects.elsewhere(found, [deployment()], ["w1"])


def test_the_process_of_a_pod_is_found_among_a_nodes_tasks() -> None:
    listing = (
        "TASK    PID    STATUS\nabc     17     STOPPED\ndef     18     RUNNING\nghi     19     RUNNING\n"
    )

    assert pathcut.process_id(listing, ["abc", "def"]) == "18"
    assert pathcut.process_id(listing, ["abc"]) is None
    assert pathcut.process_id("", ["abc"]) is None
