"""The table of rules about single objects; those about a whole stack are in policies/across.py."""

from ..rule import Rule
from . import access, availability, database, images, network, pods, probes, resources, secrets

RULES: tuple[Rule, ...] = (
    *probes.RULES,
    *resources.RULES,
    *pods.RULES,
    *images.RULES,
    *secrets.RULES,
    *availability.RULES,
    *network.RULES,
    *access.RULES,
    *database.RULES,
)
