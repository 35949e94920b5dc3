"""The API server's objects, read for drills: pods, and whether a stack is whole. Pure."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

ZONE = "topology.kubernetes.io/zone"
PLATFORM = ("kube-system", "traefik", "cnpg-system", "local-path-storage")


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod to stay; `container` is the id of its first one, `ended` and `code` how that ended last."""

    name: str
    component: str
    node: str
    container: str
    restarts: int
    ready: bool
    ended: str
    code: int
    template: str


def pods(objects: Iterable[Object]) -> list[Pod]:
    """Return those of a list that are to stay; pods without a running container have an empty id."""
    found = []
    for each in objects:
        meta, status = each["metadata"], each.get("status", {})
        if "deletionTimestamp" in meta or status.get("phase") in ("Succeeded", "Failed"):
            continue
        container: Object = next(iter(status.get("containerStatuses", [])), {})
        labels = meta.get("labels", {})
        ended: Object = container.get("lastState", {}).get("terminated", {})
        found.append(
            Pod(
                name=meta["name"],
                component=labels.get("component", ""),
                node=each.get("spec", {}).get("nodeName", ""),
                container=str(container.get("containerID", "")).rpartition("/")[2],
                restarts=container.get("restartCount", 0),
                ready=condition(each, "Ready"),
                ended=ended.get("reason", ""),
                code=ended.get("exitCode", 0),
                template=labels.get("pod-template-hash", ""),
            )
        )
    return found


def started_since(found: Iterable[Object], since: dt.datetime) -> bool:
    """Return whether no running container of these pods is older; API servers tell whole seconds."""
    statuses = [status for pod in found for status in pod.get("status", {}).get("containerStatuses", [])]
    running = [status["state"]["running"]["startedAt"] for status in statuses if "running" in status["state"]]
    began = since.replace(microsecond=0)
    return bool(running) and all(dt.datetime.fromisoformat(each) >= began for each in running)


def changed(thing: Object, kind: str) -> float:
    """Return when an object's condition last changed, in seconds since 1970; API servers tell whole ones.

    0 where it has no such condition.
    """
    times = (each["lastTransitionTime"] for each in _conditions(thing) if each["type"] == kind)
    return max((dt.datetime.fromisoformat(each).timestamp() for each in times), default=0.0)


def condition(thing: Object, kind: str) -> bool:
    """Return whether one of an object's conditions holds."""
    return any(each["type"] == kind and each["status"] == "True" for each in _conditions(thing))


def _conditions(thing: Object) -> Sequence[Object]:
    conditions: Sequence[Object] = thing.get("status", {}).get("conditions", [])
    return conditions


def missing(objects: Iterable[Object], namespace: str) -> list[str]:
    """Return what a stack and its platform lack, in words; nothing where all are whole.

    `objects` are Nodes, Deployments, autoscalers, StatefulSets and database Clusters of all namespaces.
    """
    found = []
    listed = list(objects)
    least = {
        each["metadata"]["name"]: each["spec"].get("minReplicas", 1)
        for each in listed
        if each["kind"] == "HorizontalPodAutoscaler" and each["metadata"]["namespace"] == namespace
    }
    for each in listed:
        name = f"{each['kind'].lower()} {each['metadata']['name']}"
        if each["metadata"].get("namespace", namespace) not in (namespace, *PLATFORM):
            continue
        if each["kind"] == "Node":
            whole = condition(each, "Ready") and not each["spec"].get("unschedulable")
        elif each["kind"] == "Deployment":
            own = each["metadata"]["namespace"] == namespace
            whole = rolled_out(each, least.get(each["metadata"]["name"], 1) if own else 1)
        elif each["kind"] == "StatefulSet":
            whole = each["status"].get("readyReplicas", 0) == each["spec"]["replicas"] > 0
        elif each["kind"] == "Cluster":
            whole = (
                condition(each, "Ready") and each["status"].get("readyInstances") == each["spec"]["instances"]
            )
        else:
            continue
        if not whole:
            found.append(name)
    return found


def rolled_out(deployment: Object, least: int = 1) -> bool:
    """Return whether only pods of the present template are left, all available, and at least so many."""
    spec, status = deployment["spec"], deployment.get("status", {})
    numbers = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    return (
        status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
        and numbers == {spec.get("replicas", 1)}
        and spec.get("replicas", 1) >= least
    )


def elsewhere(found: Sequence[Pod], deployments: Iterable[Object], lost: Iterable[str]) -> bool:
    """Return whether every Deployment has as many Ready pods as it wants on nodes that are not lost."""
    gone = set(lost)
    ready = Counter(pod.component for pod in found if pod.ready and pod.node not in gone)
    return all(
        ready[each["metadata"]["labels"]["component"]] >= each["spec"].get("replicas", 1)
        for each in deployments
    )


def zones(nodes: Iterable[Object]) -> dict[str, str]:
    """Return the zone of every node, by its name."""
    return {each["metadata"]["name"]: each["metadata"].get("labels", {}).get(ZONE, "") for each in nodes}
