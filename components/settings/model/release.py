"""Rollout of a tier from one version to the next, and the second version while there are two."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Model, refuse
from .scalars import Command, Image, Scalar, Sequence, Told, Variable


class Version(Model):
    """A second version of a tier: what it has of its own. The rest is as the tier's settings say."""

    image: Image | None = Field(
        default=None,
        description="Image of the second version; none means the tier's own.",
        examples=["registry.example.com/shop/api:1.5.0"],
    )
    command: Command | None = Field(
        default=None,
        description="Its command; none means the tier's own.",
        examples=[["node", "server.js"]],
    )
    args: Annotated[tuple[Scalar, ...], Sequence] | None = Field(
        default=None,
        description="Its arguments; none means the tier's own.",
        examples=[["--port", "5000"]],
    )
    env: dict[Variable, Told] = Field(
        default={}, description="Its environment over the tier's own.", examples=[{"LOG_LEVEL": "info"}]
    )


class Judge(Model):
    """The figures at the edge by which `make up` judges a canary."""

    max_error_percent: Annotated[float, Field(ge=0, le=50)] = Field(
        default=1.0, description="Share of its requests, in percent, that may end with 5xx.", examples=[0.5]
    )
    max_latency_ms: Annotated[int, Field(ge=1, le=60_000)] = Field(
        default=500,
        description="Milliseconds within which 95 % of its requests must be answered.",
        examples=[300],
    )
    seconds: Annotated[int, Field(ge=30, le=1800)] = Field(
        default=120, description="Seconds for which it is watched.", examples=[300]
    )


class Canary(Version):
    """A second version that gets a small part of the requests."""

    weight: Annotated[int, Field(ge=0, le=50)] = Field(
        default=10,
        description=(
            "Its part of the requests in percent: exact by a Gateway; by an Ingress never more. "
            "With 0 its pods run and get none."
        ),
        examples=[10],
    )
    judge: Judge | None = Field(
        default=None,
        description=(
            "Figures that `make up` watches once it gets requests: where they are worse its weight is set to "
            "0, and `up` fails. None: it is not judged. Needs a Gateway."
        ),
        examples=[{"maxErrorPercent": 1, "maxLatencyMs": 500, "seconds": 120}],
    )


class Release(Model):
    """The rollout of a tier from one version to the next."""

    strategy: Literal["rolling", "recreate", "blue-green", "canary"] = Field(
        default="rolling",
        description=(
            "`rolling`: pod by pod. `recreate`: all stop, then all start. `blue-green`: two colours are up, "
            "and one gets all requests. `canary`: a second version gets some."
        ),
        examples=["blue-green"],
    )
    active: Literal["blue", "green"] = Field(
        default="blue",
        description="Colour that gets the requests: `blue` is the tier's own settings, `green` those below.",
        examples=["green"],
    )
    green: Version | None = Field(
        default=None,
        description="The second colour; none means that it runs what blue does.",
        examples=[{"image": "registry.example.com/shop/api:1.5.0"}],
    )
    canary: Canary | None = Field(
        default=None,
        description="The version that is tried; none means that none is.",
        examples=[{"image": "registry.example.com/shop/api:1.5.0", "weight": 10}],
    )
    timeout_seconds: Annotated[int, Field(ge=10, le=3600)] | None = Field(
        default=None,
        description="Seconds after which `up` gives a version up that is not ready; none means 600.",
        examples=[120],
    )

    @model_validator(mode="after")
    def _one_strategy(self) -> Self:
        for key, strategy in (("green", "blue-green"), ("canary", "canary")):
            if getattr(self, key) is not None and self.strategy != strategy:
                raise refuse(
                    f"the strategy is {self.strategy}, so what {key} names would not run",
                    f"set strategy to {strategy}, or name the version in the tier's own settings "
                    f"and remove {key}",
                    at=key,
                )
        if self.active == "green" and self.strategy != "blue-green":
            raise refuse(
                f"the strategy is {self.strategy}: there is no green, and nothing would get the requests",
                "blue",
                at="active",
            )
        return self

    @property
    def stops_first(self) -> bool:
        """Return whether all pods stop before one of the next version starts; none serves meanwhile."""
        return self.strategy == "recreate"

    @property
    def second(self) -> Version | None:
        """Return the second version as the settings have it, whichever strategy it belongs to."""
        return self.green or self.canary
