"""Scheduled jobs of the backend's image."""

import re
import zoneinfo
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from ..values import cron
from .base import Model, refuse
from .scalars import Command, Scalar, Sequence, Told, Variable
from .workload import Resources

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9+_-]*(/[A-Za-z0-9+_-]+){0,2}")


def _schedule(text: str) -> str:
    try:
        return cron.check(text)
    except cron.CronError as error:
        raise refuse(str(error), "in the stack's file, write a schedule such as 30 3 * * *") from None


def _time_zone(text: str) -> str:
    # Where this machine has no list of zones, the API server is asked.
    known = zoneinfo.available_timezones()
    if text == "Local" or not _ZONE.fullmatch(text) or (known and text not in known):
        raise refuse(
            "it is no time zone of IANA's database, and the API server would refuse the job", "Etc/UTC"
        )
    return text


Schedule = Annotated[str, AfterValidator(_schedule)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


class Job(Model):
    """A command of the backend's image that runs by the clock, with the backend's environment and rights.

    While one run lasts, no other begins.
    """

    schedule: Schedule = Field(
        description="When it runs: minute, hour, day, month, weekday; or a word such as `@daily`.",
        examples=["30 3 * * *"],
    )
    time_zone: TimeZone = Field(
        default="Etc/UTC", description="Time zone of the schedule.", examples=["Europe/Berlin"]
    )
    command: Command | None = Field(
        default=None,
        description="Its command; none means the image's own entry point, with `args`.",
        examples=[["npm", "run", "report"]],
    )
    args: Annotated[tuple[Scalar, ...], Sequence] = Field(
        default=(), description="Arguments of the command.", examples=[["--all"]]
    )
    env: dict[Variable, Told] = Field(
        default={}, description="Its environment over the backend's own.", examples=[{"DAYS": "90"}]
    )
    resources: Resources | None = Field(
        default=None,
        description="Requests and limits of its pod; none means the backend's.",
        examples=[
            {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}}
        ],
    )
    timeout_seconds: Annotated[int, Field(ge=10, le=86400)] = Field(
        default=600, description="Seconds after which a run that has not ended has failed.", examples=[600]
    )
    # Below ten, a run is missed whenever the controller looks too late: it looks every ten seconds.
    starting_seconds: Annotated[int, Field(ge=10, le=86400)] = Field(
        default=300,
        description="Seconds after its time in which a run may still begin; a later one is left out.",
        examples=[300],
    )
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=0, description="Further attempts of a run that failed.", examples=[2]
    )
    kept_successful: Annotated[int, Field(ge=0, le=20)] = Field(
        default=1, description="Ended runs that are kept with their logs: those that succeeded.", examples=[1]
    )
    kept_failed: Annotated[int, Field(ge=1, le=20)] = Field(
        default=3, description="Ended runs that are kept with their logs: those that failed.", examples=[3]
    )
    suspended: bool = Field(
        default=False, description="Whether no further run begins for now.", examples=[True]
    )

    @model_validator(mode="after")
    def _runs_something(self) -> Self:
        if self.command is None and not self.args:
            raise refuse(
                "without a command and arguments the job would be one more server, and run into its timeout",
                "npm run report",
                at="command",
            )
        return self
