"""A request that no pod has received is offered to another one: Traefik's `Retry`, an object of its own.

Traefik offers it again as long as it has not begun to send it: a connection was refused or not made in time.
What a pod may have read is never sent twice by it, whatever the method; that is for the client, which knows
what may be repeated. Not a goal: other controllers, each of which has words of its own for this.
"""

import pulumi

from ..settings.model.edge import Edge
from ..settings.values import names
from ..workloads.context import Place
from .filters import Filters, middleware

# Traefik takes from half of it to three times as much, by chance. Without chance, requests that come at a
# steady rate can have all of their turns at the same pod, and spend all attempts on one that is gone.
_PAUSE = "20ms"


def create(place: Place, settings: Edge, parent: pulumi.Resource) -> Filters:
    """Create the object, and nothing where a request is offered once."""
    if settings.attempts == 1:
        return Filters()
    spec = {"retry": {"attempts": settings.attempts, "initialInterval": _PAUSE}}
    return middleware("retry", names.RETRY, place, spec, parent)
