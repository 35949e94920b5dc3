"""The proof of backups: whether, when and how old it may be."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from ..values import stores
from .base import Model, refuse
from .jobs import Schedule


class Proof(Model):
    """A restore of the newest backup by the clock, into a server that ends with its pod."""

    enabled: bool = Field(
        default=True,
        description="Whether it is proved by the clock that the newest backup can be restored.",
        examples=[False],
    )
    schedule: Schedule = Field(
        default="30 4 * * *",
        description="When, in UTC: minute, hour, day, month, weekday; or as `@weekly`.",
        examples=["30 4 * * 0"],
    )
    max_age_days: Annotated[int, Field(ge=1, le=366)] = Field(
        default=7,
        description="Days after which the last proof is too old: an alert, and a warning of `make up`.",
        examples=[7],
    )

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        between = stores.days_between(self.schedule)
        if self.enabled and self.max_age_days < between:
            raise refuse(
                f"the schedule ({self.schedule}) leaves up to {between} days between two proofs, so each one "
                "would be too old before the next",
                str(between),
                at="maxAgeDays",
            )
        return self
