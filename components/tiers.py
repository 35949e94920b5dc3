"""The one list of tiers, as components and tools see it.

A further tier is one line in `settings.values.tiers`, a section of the settings of the same name, and a
component. Quota, priorities, outputs, checks, renderings and local images follow from these
(docs/decisions/0070).
"""

from .settings.derived.tiers import Tier, tiers
from .settings.values.tiers import OF_APPLICATION, TIERS, TierFacts

__all__ = ["OF_APPLICATION", "TIERS", "Tier", "TierFacts", "tiers"]
