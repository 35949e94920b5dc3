"""The table of rules about single objects; those about a whole stack are in policies/across.py."""

from ..rule import Rule
from . import (
    access,
    availability,
    confinement,
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
    tokens,
)

RULES: tuple[Rule, ...] = (
    *probes.RULES,
    *resources.RULES,
    *pods.RULES,
    *confinement.RULES,
    *images.RULES,
    *secrets.RULES,
    *exposed.RULES,
    *availability.RULES,
    *network.RULES,
    *openings.RULES,
    *routes.RULES,
    *scheduling.RULES,
    *access.RULES,
    *tokens.RULES,
    *privileges.RULES,
    *database.RULES,
    *superusers.RULES,
)
