"""The Deployments that a tier's strategy takes: what each runs, how many pods, and which get requests.

The first one is there under every strategy, under the same names: a strategy adds a second one beside it, so
that a change of strategy never takes the pods away that serve. Pure: from the settings alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from . import shares
from .model.release import Canary, Version
from .model.workload import Autoscaling, Workload

_SURGE = 1
_BLUE, _GREEN, _CANARY = "blue", "green", "canary"

Settings = TypeVar("Settings", bound=Workload)


@dataclass(frozen=True, kw_only=True)
class Track(Generic[Settings]):
    """One Deployment of a tier.

    `suffix` ends its names and is empty for the first. With `replicas` there are so many pods, else an
    autoscaler decides. `service` is the suffix of a Service that leads to these pods alone. What is `proven`
    must have all its pods ready before anything that leads to them changes. `least_available` pods are left
    by any drain, instead of all but one.
    """

    suffix: str
    settings: Settings
    serves: bool
    replicas: int | None = None
    service: str | None = None
    proven: bool = False
    least_available: int | None = None

    @property
    def most(self) -> int:
        """Pods under the highest load."""
        return self.replicas or self.settings.autoscaling.max_replicas


@dataclass(frozen=True, kw_only=True)
class Plan(Generic[Settings]):
    """A tier's Deployments. With a `weight` the edge gives the second one that percentage of the requests."""

    tracks: Sequence[Track[Settings]]
    weight: int | None = None

    @property
    def serving(self) -> Track[Settings]:
        """The one that gets all requests, or most of them."""
        return next(track for track in self.tracks if track.serves)


def most_at_once(pods: int) -> int:
    """The most pods that a Deployment has: the new ones, one more, and the old ones that still drain."""
    return 2 * pods + _SURGE


def peak_pods(plan: Plan[Settings]) -> int:
    """The most pods of a tier at once, in all its Deployments."""
    return sum(most_at_once(track.most) for track in plan.tracks)


def plan(settings: Settings, *, weights: bool) -> Plan[Settings]:
    """The tier's Deployments; `weights` says whether the edge divides requests by weight, or only by pods."""
    release = settings.release
    if release.strategy == "blue-green":
        return _colours(settings)
    if release.canary is not None:
        return _weighed(settings, release.canary) if weights else _counted(settings, release.canary)
    return Plan(tracks=[Track(suffix="", settings=settings, serves=True)])


def _colours(settings: Settings) -> Plan[Settings]:
    release = settings.release
    blue = release.active == _BLUE
    green = _second(settings, release.green or Version(), settings.autoscaling)
    return Plan(
        tracks=[
            Track(suffix="", settings=settings, serves=blue, service=_BLUE, proven=blue),
            Track(suffix=_GREEN, settings=green, serves=not blue, service=_GREEN, proven=not blue),
        ]
    )


def _weighed(settings: Settings, canary: Canary) -> Plan[Settings]:
    usual = settings.autoscaling
    least, most = shares.by_requests(canary.weight, usual.min_replicas, usual.max_replicas)
    second = _second(settings, canary, _between(usual, least, most))
    return Plan(
        tracks=[
            Track(suffix="", settings=settings, serves=True),
            Track(suffix=_CANARY, settings=second, serves=False, service=_CANARY, proven=True),
        ],
        weight=canary.weight,
    )


def _counted(settings: Settings, canary: Canary) -> Plan[Settings]:
    usual = settings.autoscaling
    stable, pods = shares.by_pods(canary.weight, usual.min_replicas)
    first = settings.model_copy(update={"autoscaling": _between(usual, stable, usual.max_replicas)})
    second = _second(settings, canary, usual)
    return Plan(
        tracks=[
            # Fewer of these would be a larger part for the canary.
            Track(suffix="", settings=first, serves=True, proven=True, least_available=stable - 1),
            Track(suffix=_CANARY, settings=second, serves=True, replicas=pods, service=_CANARY),
        ]
    )


def _second(settings: Settings, version: Version, autoscaling: Autoscaling) -> Settings:
    own = {"image": version.image, "command": version.command, "args": version.args}
    return settings.model_copy(
        update={
            **{key: value for key, value in own.items() if value is not None},
            "env": {**settings.env, **version.env},
            "autoscaling": autoscaling,
        }
    )


def _between(usual: Autoscaling, least: int, most: int) -> Autoscaling:
    return usual.model_copy(update={"min_replicas": least, "max_replicas": most})
