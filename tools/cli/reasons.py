"""The reasons why pods do not work, from what kubectl prints of them. Pure."""

import datetime as dt
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Object = Mapping[str, Any]

# Of a container's last ones, as many are shown.
LINES = 6
_MOST = 5
_LONGEST = 300
# How the provider says that it waited in vain; what fails otherwise has nothing to do with pods.
_AWAITED = re.compile(
    r"failed to (fully )?initialize|timed out waiting|was not attained|no end within|did not become live"
)
_STARTING = ("ContainerCreating", "PodInitializing")
_MAKERS = ("ReplicaSet", "StatefulSet", "Job", "PersistentVolumeClaim", "Cluster")


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One thing that does not work: its name, why, and the reason that the cluster reports.

    The last lines of `container` tell more, where there is one; with `previous` those of the run before this.
    Where the cluster has kept them they are the `lines`; its log is gone when it is started again meanwhile.
    `version` is who makes pods like it: two versions of a tier may end alike, with other last lines.
    The `weight` is the larger, the nearer this is to the cause.
    """

    name: str
    reason: str
    said: str
    weight: int
    container: str | None = None
    previous: bool = False
    lines: tuple[str, ...] = ()
    version: str | None = None


def awaited(message: str) -> bool:
    """Return whether an update failed while it waited for something to work."""
    return _AWAITED.search(message) is not None


def troubles(pods: Sequence[Object], events: Sequence[Object], since: dt.datetime) -> list[Trouble]:
    """Return what does not work, the likeliest causes first, each once; five at most.

    Events that were last seen before `since` belong to another update.
    """
    warnings = [event for event in events if event.get("type") == "Warning" and seen(event) >= since]
    found = [trouble for pod in pods if not fine(pod) for trouble in _of_pod(pod, warnings, since)]
    made = {
        (each["kind"], each["name"]) for pod in pods for each in pod["metadata"].get("ownerReferences", [])
    }
    found += _of_makers(warnings, made)
    once: dict[tuple[str | None, ...], Trouble] = {}
    for trouble in sorted(found, key=lambda each: -each.weight):
        alike = (trouble.reason, general(trouble.said), trouble.container, trouble.version)
        once.setdefault(alike, trouble)
    return list(once.values())[:_MOST]


def told(found: Sequence[Trouble], lines: Mapping[Trouble, Sequence[str]]) -> str:
    """Return the troubles for people to read, with the last lines of the containers that have any."""
    parts = []
    for trouble in found:
        who = f"{trouble.name}, container {trouble.container}" if trouble.container else trouble.name
        parts.append(f"{who}: {trouble.reason}")
        if trouble.said:
            parts.append(f"  {trouble.said}")
        parts += [f"  | {line[:_LONGEST]}" for line in trouble.lines or lines.get(trouble, ())]
    return "\n".join(parts)


def fine(pod: Object) -> bool:
    """Return whether it works, has done its work, or is on its way out."""
    status = pod.get("status") or {}
    if "deletionTimestamp" in pod["metadata"] or status.get("phase") == "Succeeded":
        return True
    return _condition(pod, "Ready").get("status") == "True"


def _of_pod(pod: Object, warnings: Sequence[Object], since: dt.datetime) -> Iterator[Trouble]:
    name, status = str(pod["metadata"]["name"]), pod.get("status") or {}
    last = _last_warning("Pod", name, warnings)
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        yield Trouble(name=name, reason="no node takes it", said=_short(scheduled.get("message")), weight=5)
        return
    initial = status.get("initContainerStatuses") or []
    for container in [*initial, *(status.get("containerStatuses") or [])]:
        trouble = _of_container(name, container, last, initial=container in initial)
        if trouble:
            # A Job that failed in an update before stays until one succeeds.
            weight = 1 if _over_before(container, since) else trouble.weight
            yield replace(trouble, weight=weight, version=_maker(pod))
            # What comes after it in the pod waits for it.
            return
    if last:
        yield Trouble(name=name, reason=str(last.get("reason")), said=_short(last.get("message")), weight=2)


def _of_container(pod: str, container: Object, last: Object | None, *, initial: bool) -> Trouble | None:
    state, name = container.get("state") or {}, str(container["name"])
    waiting, ended = state.get("waiting"), state.get("terminated")
    before = (container.get("lastState") or {}).get("terminated")
    if ended and ended.get("exitCode"):
        return Trouble(name=pod, reason=_ended(ended), said="", weight=4, container=name, lines=_kept(ended))
    if before and (waiting or not container.get("ready")):
        again = "" if waiting else ", and runs again"
        return Trouble(
            name=pod,
            reason=_ended(before) + again,
            said="",
            weight=4,
            container=name,
            previous=True,
            lines=_kept(before),
        )
    if waiting and waiting.get("reason") not in _STARTING:
        reason, said = str(waiting.get("reason")), _short(waiting.get("message"))
        return Trouble(name=f"{pod}, container {name}", reason=reason, said=said, weight=4)
    if "running" in state and (initial or not container.get("ready")):
        reason = "has not ended" if initial else "runs and is not ready"
        said = "" if initial or last is None else _short(last.get("message"))
        return Trouble(name=pod, reason=reason, said=said, weight=3, container=name)
    return None


def _of_makers(warnings: Sequence[Object], made: Container[tuple[str, str]]) -> Iterator[Trouble]:
    """Yield what should have made pods or volumes, and was refused: by a quota, a policy, a class.

    A workload that has `made` pods since was refused for a moment only.
    """
    for event in warnings:
        about, reason = event.get("involvedObject") or {}, str(event.get("reason"))
        kind, name = str(about.get("kind")), str(about.get("name"))
        if kind in _MAKERS and "Failed" in reason and (kind, name) not in made:
            said = _short(event.get("message"))
            yield Trouble(name=f"{kind} {name}", reason=reason, said=said, weight=5)


def _maker(pod: Object) -> str | None:
    owners = pod["metadata"].get("ownerReferences") or []
    return str(owners[0]["name"]) if owners else None


def _over_before(container: Object, moment: dt.datetime) -> bool:
    """Return whether it ended before that moment and was not started again."""
    at = ((container.get("state") or {}).get("terminated") or {}).get("finishedAt")
    return isinstance(at, str) and dt.datetime.fromisoformat(at) < moment


def _ended(state: Object) -> str:
    reason, code = state.get("reason"), state.get("exitCode")
    return f"ended with {code}" if reason in (None, "Error") else f"ended with {code}, {reason}"


def _kept(state: Object) -> tuple[str, ...]:
    """Return the end of its log, or what it wrote for this, as the kubelet put it into the pod's status."""
    return tuple(str(state.get("message") or "").splitlines()[-LINES:])


def _condition(thing: Object, kind: str) -> Object:
    conditions = (thing.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each.get("type") == kind), {})


def _last_warning(kind: str, name: str, warnings: Sequence[Object]) -> Object | None:
    own = [
        event
        for event in warnings
        if (about := event.get("involvedObject") or {}).get("kind") == kind and about.get("name") == name
    ]
    return max(own, key=seen, default=None)


def seen(event: Object) -> dt.datetime:
    """Return when the event was last seen."""
    series = event.get("series") or {}
    text = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    # Without a time it is unknown to which update it belongs.
    return dt.datetime.fromisoformat(text) if text else dt.datetime.min.replace(tzinfo=dt.UTC)


def _short(text: object) -> str:
    line = " ".join(str(text or "").split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def general(text: str) -> str:
    """Return the text without what differs between pods that fail alike: numbers, and the ends of names."""
    return re.sub(r"[a-z0-9]*\d[a-z0-9.:-]*", "#", text)
