"""The backup from which a database begins."""

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from .backup import Destination
from .base import Model, refuse
from .scalars import Told

# As Barman names a copy: by the moment at which it began.
_ID = re.compile(r"[0-9]{8}T[0-9]{6}")
LATEST = "latest"
_LATER = "2026-11-28 20:15:00+00:00"


def _moment(text: str) -> str:
    if text == LATEST or _ID.fullmatch(text):
        return text
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        raise refuse(
            "it is no moment, no copy's id (as 20261128T030000) and not `latest`",
            f'in the stack\'s file, set it to "{_LATER}"',
        ) from None
    if when.tzinfo is None:
        raise refuse(
            "it has no time zone, so it stands for another moment on each machine",
            f'in the stack\'s file, set it to "{text}+00:00"',
        )
    return text


class Restore(Model):
    """The backup from which a database begins, where it has no data yet.

    The store is asked as `backup` says: a restored database has backups of its own.
    """

    source: Destination = Field(
        alias="from",
        description="Bucket and path: the `backup.destination` of the database that it was.",
        examples=["s3://my-backups/feastflow/prod"],
    )
    at: Annotated[Told, AfterValidator(_moment)] = Field(
        default=LATEST,
        description="`latest`, a moment with its time zone, or a copy's id: the state in which it ended.",
        examples=[_LATER],
    )

    @property
    def copy_id(self) -> str | None:
        """Return the copy that is named by its id, None where another thing is named."""
        return self.at if _ID.fullmatch(self.at) else None

    @property
    def moment(self) -> dt.datetime | None:
        """Return the moment in UTC; None where none is named."""
        if self.at == LATEST or self.copy_id:
            return None
        return dt.datetime.fromisoformat(self.at).astimezone(dt.UTC)
