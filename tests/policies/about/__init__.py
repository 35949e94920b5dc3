"""The cases of every rule about one object, a module a category."""

from . import (
    access,
    availability,
    database,
    exposed,
    images,
    network,
    openings,
    pods,
    privileges,
    probes,
    resources,
    routes,
    scheduling,
    secrets,
    superusers,
)
from .shape import About

ABOUT: dict[str, About] = {
    **access.ABOUT,
    **availability.ABOUT,
    **database.ABOUT,
    **exposed.ABOUT,
    **images.ABOUT,
    **network.ABOUT,
    **openings.ABOUT,
    **pods.ABOUT,
    **privileges.ABOUT,
    **probes.ABOUT,
    **resources.ABOUT,
    **routes.ABOUT,
    **scheduling.ABOUT,
    **secrets.ABOUT,
    **superusers.ABOUT,
}
