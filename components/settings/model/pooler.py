"""The pooler: PgBouncer between the backend's pods and the database, where a stack has one."""

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from ..values import images
from .base import Model, refuse
from .scalars import Image
from .workload import Resources, resources

_OLDEST = (1, 21)
_TAGGED = re.compile(r"v?([0-9]+)\.([0-9]+)(?![0-9])")


class Pooler(Model):
    """PgBouncer, which gives a client a connection to the server for one transaction at a time."""

    image: Image = Field(
        default="ghcr.io/cloudnative-pg/pgbouncer:1.24.1",
        description="PgBouncer 1.21 or later, with `pgbouncer` and `sh` on PATH.",
        examples=["ghcr.io/cloudnative-pg/pgbouncer:1.24.1"],
    )
    replicas: Annotated[int, Field(ge=1, le=10)] = Field(
        default=2, description="Pods of the pooler.", examples=[2]
    )
    pool_size: Annotated[int, Field(ge=1, le=200)] = Field(
        default=10,
        description="Connections to the server that each pod opens at the most, whichever logins use them.",
        examples=[10],
    )
    drain_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=60,
        description="Seconds for which a pod that ends still serves the clients that it has.",
        examples=[60],
    )
    resources: Resources = Field(
        default=resources(cpu=("50m", "500m"), memory=("64Mi", "128Mi")),
        description="Requests and limits of each pod.",
    )

    @model_validator(mode="after")
    def _takes_prepared_statements(self) -> Self:
        found = _TAGGED.match(images.version(self.image))
        if found and (int(found[1]), int(found[2])) < _OLDEST:
            raise refuse(
                "PgBouncer before 1.21 loses a driver's prepared statements between two transactions, and "
                "requests fail",
                type(self).model_fields["image"].default,
                at="image",
            )
        return self
