"""What the edge leads to, handed from the tiers to the edge."""

from dataclasses import dataclass

import pulumi

from .names import Identity


@dataclass(frozen=True, kw_only=True)
class Share:
    """A second Service of a tier, and its part of the requests in percent."""

    service: pulumi.Output[str]
    weight: int


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A tier that serves HTTP: its Service, and whose pods are behind it.

    `service` is the created Service's name, so that a route to it waits for it.
    """

    service: pulumi.Output[str]
    port: int
    server: Identity
    canary: Share | None = None


@dataclass(frozen=True, kw_only=True)
class Route:
    """Requests whose path begins with `prefix` go to the upstream."""

    prefix: str
    upstream: Upstream
