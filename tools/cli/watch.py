"""A rollout that cannot work, known from its pods while Pulumi still waits for it. Pure.

An image that is in no registry, a Secret or a key that is not there, a process that ends as often as it is
started: Pulumi waits ten minutes for each of them to become well. What may become well by itself, such as
pods that are not ready or that no node takes, is told, and waited for as long as the settings say.
"""

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from components.settings.values import names
from components.settings.values.tiers import TIERS
from tools.cli import reasons
from tools.cli.reasons import Object

# As long as the same trouble must last: the kubelet has then tried at least twice.
_LASTING_SECONDS = 25.0
# Troubles of a moment are not told: a Secret that comes a second after its pod, a first probe.
_TOLD_SECONDS = 10.0
# A start that took longer than this did not fail at once, and may succeed with more time.
_LONG_RUN_SECONDS = 60.0
_RESTARTS = 2
_CANNOT_START = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RegistryUnavailable",
    "RunContainerError",
    "SignatureValidationFailed",
}
# Of a volume: the kubelet's words for an object that is not there, and for a key that it does not have.
_NOT_THERE = re.compile(r"(secret|configmap)s? \S+ not found|non-existent (secret|config) key", re.IGNORECASE)
# Events of a pod that come after its volumes are there.
_MOUNTED = ("Pulling", "Pulled", "Created", "Started", "BackOff", "Failed")
# What the names in Pulumi begin with of what makes pods of a component.
_AWAITED = {**{tier.name: f"{tier.label}-" for tier in TIERS}, names.POOLER_COMPONENT: "pooler-"}

_Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The result of one look: lines to `tell`, and whether what is waited for cannot come (`hopeless`)."""

    tell: tuple[str, ...] = ()
    hopeless: bool = False


@dataclass(kw_only=True)
class Watch:
    """The pods of one update that `begun` at a moment, looked at again and again."""

    begun: dt.datetime
    _since: dict[_Key, float] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _seen: dict[str, float] = field(default_factory=dict)

    def look(
        self, pods: Sequence[Object], events: Sequence[Object], awaited: Collection[str], seconds: float
    ) -> Watched:
        """Judge the pods of what is awaited, by its names in Pulumi, at `seconds` of any steady clock."""
        own = self._awaited(pods, awaited)
        found = {key for pod in own for key in _hopeless(pod, events)}
        self._since = {key: self._since.get(key, seconds) for key in found}
        return Watched(
            tell=self._news(own, pods, events, seconds) if awaited else (),
            hopeless=any(seconds - since >= _LASTING_SECONDS for since in self._since.values()),
        )

    def _awaited(self, pods: Sequence[Object], awaited: Collection[str]) -> list[Object]:
        """Return the pods that an awaited resource makes; pods from before only where there are no others."""
        own = [
            pod for pod in pods if _is_awaited(pod, awaited) and "deletionTimestamp" not in pod["metadata"]
        ]
        renewed = {_component(pod) for pod in own if self._is_new(pod)}
        return [pod for pod in own if self._is_new(pod) or _component(pod) not in renewed]

    def _is_new(self, pod: Object) -> bool:
        created = pod["metadata"].get("creationTimestamp")
        return not created or dt.datetime.fromisoformat(created) >= self.begun

    def _news(
        self, own: Sequence[Object], pods: Sequence[Object], events: Sequence[Object], seconds: float
    ) -> tuple[str, ...]:
        """Return each trouble once, as soon as it has lasted."""
        # What others wait for may have failed to make any pod.
        others = [pod for pod in pods if reasons.fine(pod)]
        now = [reasons.told([each], {}) for each in reasons.troubles([*own, *others], events, self.begun)]
        general = {reasons.general(text): text for text in reversed(now)}
        self._seen = {text: self._seen.get(text, seconds) for text in general}
        told = tuple(
            general[text]
            for text, since in self._seen.items()
            if seconds - since >= _TOLD_SECONDS and text not in self._told
        )
        self._told.update(reasons.general(text) for text in told)
        return told


def _hopeless(pod: Object, events: Sequence[Object]) -> Iterator[_Key]:
    """Yield the reasons why a container does not start, whichever of its workload's pods it is in."""
    status = pod.get("status") or {}
    maker = _maker(pod) or str(pod["metadata"]["name"])
    started = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    for container in started:
        name, waiting = str(container["name"]), (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _CANNOT_START:
            # It goes back and forth between an attempt that failed and the time until the next.
            yield maker, name, "cannot start"
        elif _crashes(container):
            yield maker, name, "crashes"
    if not reasons.fine(pod) and _cannot_mount(pod, events):
        yield maker, "", "cannot mount"


def _cannot_mount(pod: Object, events: Sequence[Object]) -> bool:
    """Return whether the last that is known of its volumes is that one is not there."""
    name = pod["metadata"]["name"]
    own = [each for each in events if (each.get("involvedObject") or {}).get("name") == name]
    failed = [each for each in own if each.get("reason") == "FailedMount"]
    if not failed:
        return False
    last = max(failed, key=reasons.seen)
    mounted = (each for each in own if each.get("reason") in _MOUNTED)
    return bool(_NOT_THERE.search(str(last.get("message")))) and not any(
        reasons.seen(each) >= reasons.seen(last) for each in mounted
    )


def _crashes(container: Object) -> bool:
    before = (container.get("lastState") or {}).get("terminated") or {}
    if container.get("ready") or not before.get("exitCode") or container.get("restartCount", 0) < _RESTARTS:
        return False
    try:
        first, last = (dt.datetime.fromisoformat(before[key]) for key in ("startedAt", "finishedAt"))
    except (KeyError, TypeError, ValueError):
        return True
    return (last - first).total_seconds() < _LONG_RUN_SECONDS


def _is_awaited(pod: Object, awaited: Collection[str]) -> bool:
    begin = _AWAITED.get(_component(pod))
    # A Job's name is its name in Pulumi too, or the beginning of it.
    begins = [text for text in (begin, _maker(pod) if _is_of_job(pod) else None) if text]
    return any(name.startswith(text) for name in awaited for text in begins)


def _is_of_job(pod: Object) -> bool:
    return any(owner.get("kind") == "Job" for owner in _owners(pod))


def _component(pod: Object) -> str:
    labels: Mapping[str, str] = pod["metadata"].get("labels") or {}
    return str(labels.get("component"))


def _maker(pod: Object) -> str | None:
    owners = _owners(pod)
    return str(owners[0].get("name")) if owners else None


def _owners(pod: Object) -> Sequence[Object]:
    return pod["metadata"].get("ownerReferences") or []
