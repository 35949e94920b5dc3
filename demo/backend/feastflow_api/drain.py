"""The draining flag: the server sets it, the routes report it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Drain:
    """Once draining, readiness says no and every answer asks its client to connect elsewhere."""

    draining: bool = False
