"""The tiers of a stack: the constants of each, and what follows from its own section of the settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..model.demand import Demand
from ..model.scraped import Scraped
from ..model.tiers import ApplicationSettings
from ..values.tiers import TIERS, TierFacts
from . import variants

if TYPE_CHECKING:
    from ..model.stack import Stack  # whose own checks loop over the tiers


class Section(Protocol):
    """The part of its settings that every tier has."""

    @property
    def image(self) -> str:
        """The image that its pods run."""

    @property
    def scraped(self) -> Scraped | None:
        """The metrics of its pods, where they have any."""

    def demands(self, *, weights: bool) -> tuple[Demand, ...]:
        """Return every pod that it may have at once, its Jobs' too; `weights` as in `variants.plan`."""


@dataclass(frozen=True, kw_only=True)
class Tier:
    """A tier of one stack. `weights` says whether the edge divides requests by weight."""

    facts: TierFacts
    settings: Section
    weights: bool

    @property
    def name(self) -> str:
        """Its section of the settings, and the component of its pods."""
        return self.facts.name

    @property
    def images(self) -> tuple[str, ...]:
        """Its images, the one that gets the requests, or most of them, first."""
        if not isinstance(self.settings, ApplicationSettings):
            return (self.settings.image,)
        plan = variants.plan(self.settings, weights=self.weights)
        every = (plan.serving, *plan.variants)
        return tuple(dict.fromkeys(variant.settings.image for variant in every))

    @property
    def scraped(self) -> Scraped | None:
        """The metrics of its pods, where they have any."""
        return self.settings.scraped

    @property
    def demands(self) -> tuple[Demand, ...]:
        """Every pod that it may have at once."""
        return self.settings.demands(weights=self.weights)


@dataclass(frozen=True, kw_only=True)
class ApplicationTier(Tier):
    """A tier that runs an image of the application over HTTP."""

    settings: ApplicationSettings


def tiers(stack: "Stack") -> tuple[Tier, ...]:
    """Return every tier of the stack."""
    return tuple(
        Tier(facts=facts, settings=getattr(stack, facts.name), weights=stack.edge.weights) for facts in TIERS
    )


def applications(stack: "Stack") -> tuple[ApplicationTier, ...]:
    """Return the tiers that run images of the application."""
    return tuple(
        ApplicationTier(facts=tier.facts, settings=tier.settings, weights=tier.weights)
        for tier in tiers(stack)
        if tier.facts.of_application and isinstance(tier.settings, ApplicationSettings)
    )
