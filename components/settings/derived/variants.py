"""The Deployments that a tier's strategy takes: what each runs, how many pods, and which get requests.

The first one is there under every strategy, under the same names: a strategy adds a second one to it, so
that a change of strategy never deletes the pods that serve. Pure: from the settings alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..model.release import Canary, Version
from ..model.workload import Autoscaling, Workload

# A budget lets one pod go at a time, so there is one more than must stay.
_FEWEST = 2
_SURGE = 1
_BLUE, _GREEN, _CANARY = "blue", "green", "canary"

Settings = TypeVar("Settings", bound=Workload)


@dataclass(frozen=True, kw_only=True)
class Variant(Generic[Settings]):
    """One Deployment of a tier.

    `suffix` ends its names and is empty for the first. With `replicas` there are so many pods, else an
    autoscaler decides. `service` is the suffix of a Service that routes to these pods alone. With
    `wait_until_ready` all its pods must be ready before anything that routes to them changes.
    `least_available` pods are left by any drain, instead of all but one.
    """

    suffix: str
    settings: Settings
    serves: bool
    replicas: int | None = None
    service: str | None = None
    wait_until_ready: bool = False
    least_available: int | None = None

    @property
    def most(self) -> int:
        """Return the number of pods under the highest load."""
        return self.replicas or self.settings.autoscaling.max_replicas


@dataclass(frozen=True, kw_only=True)
class Plan(Generic[Settings]):
    """A tier's Deployments. With a `weight` the edge gives the second one that percentage of the requests."""

    variants: Sequence[Variant[Settings]]
    weight: int | None = None

    @property
    def serving(self) -> Variant[Settings]:
        """Return the variant that gets all requests, or most of them."""
        return next(variant for variant in self.variants if variant.serves)


def most_at_once(pods: int) -> int:
    """Return the most pods of a Deployment: the new ones, one more, and the old ones that still drain."""
    return 2 * pods + _SURGE


def peak_pods(plan: Plan[Settings]) -> int:
    """Return the most pods of a tier at once, in all its Deployments."""
    return sum(most_at_once(variant.most) for variant in plan.variants)


def plan(settings: Settings, *, weights: bool) -> Plan[Settings]:
    """Return the tier's Deployments; `weights`: the edge divides requests by weight, not only by pods."""
    release = settings.release
    if release.strategy == "blue-green":
        return _colours(settings)
    if release.canary is not None:
        # Without requests there is nothing for pods to divide.
        by_weight = weights or release.canary.weight == 0
        return _weighed(settings, release.canary) if by_weight else _counted(settings, release.canary)
    return Plan(variants=[Variant(suffix="", settings=settings, serves=True)])


def _colours(settings: Settings) -> Plan[Settings]:
    release = settings.release
    blue = release.active == _BLUE
    green = _second(settings, release.green or Version(), settings.autoscaling)
    return Plan(
        variants=[
            Variant(suffix="", settings=settings, serves=blue, service=_BLUE, wait_until_ready=blue),
            Variant(
                suffix=_GREEN, settings=green, serves=not blue, service=_GREEN, wait_until_ready=not blue
            ),
        ]
    )


def _weighed(settings: Settings, canary: Canary) -> Plan[Settings]:
    usual = settings.autoscaling
    least, most = by_requests(canary.weight, usual.min_replicas, usual.max_replicas)
    second = _second(settings, canary, _between(usual, least, most))
    return Plan(
        variants=[
            Variant(suffix="", settings=settings, serves=True),
            Variant(suffix=_CANARY, settings=second, serves=False, service=_CANARY, wait_until_ready=True),
        ],
        weight=canary.weight,
    )


def _counted(settings: Settings, canary: Canary) -> Plan[Settings]:
    usual = settings.autoscaling
    stable, pods = by_pods(canary.weight, usual.min_replicas)
    first = settings.model_copy(update={"autoscaling": _between(usual, stable, usual.max_replicas)})
    second = _second(settings, canary, usual)
    return Plan(
        variants=[
            # Fewer of these would be a larger part for the canary.
            Variant(
                suffix="", settings=first, serves=True, wait_until_ready=True, least_available=stable - 1
            ),
            Variant(suffix=_CANARY, settings=second, serves=True, replicas=pods, service=_CANARY),
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


def by_pods(weight: int, least: int) -> tuple[int, int]:
    """Return the pods of the present version and of the canary, where every pod gets as many requests.

    The canary's part is as near to the weight as whole pods allow, and never above it; the version that is
    there has at least `least` pods, and two. 10 % is 9 to 1.
    """
    fewest, canary = max(least, _FEWEST), 1
    while (stable := _above(canary * (100 - weight), weight)) < fewest:
        canary += 1
    return stable, canary


def by_requests(weight: int, least: int, most: int) -> tuple[int, int]:
    """Return the fewest and most pods of a canary with `weight` percent of what `least` to `most` pods get.

    At least two, so that one pod's end is not a failed canary, and with room to grow.
    """
    fewest = max(_FEWEST, _above(least * weight, 100))
    return fewest, max(fewest + 1, _above(most * weight, 100))


def _above(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
