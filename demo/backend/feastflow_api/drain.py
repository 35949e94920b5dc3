"""Whether this process is on its way out: shared by the server that decides and the routes that tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Drain:
    """Once draining, readiness says no and every answer asks its client to connect elsewhere."""

    draining: bool = False
