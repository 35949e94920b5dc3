"""The public edge of the site: one host, `/api` to the backend, everything else to the frontend."""

from dataclasses import dataclass

import pulumi

from .http import certificate, filters, gateway, ingress, ratelimit, retry
from .http.traffic import Route, Upstream
from .settings.model.edge import Edge as EdgeSettings
from .settings.values import names
from .workloads import network
from .workloads.context import Place


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """The host, and the tiers behind it."""

    place: Place
    settings: EdgeSettings
    backend: Upstream
    frontend: Upstream


class Edge(pulumi.ComponentResource):
    """Portable routes, the paths from the controller's pods, and the certificate where an issuer is named.

    No annotation that behaviour depends on, unless `attempts` asks for it. Not a goal: the controller itself,
    which belongs to the cluster.
    """

    url: pulumi.Output[str]
    route: pulumi.Resource

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the routes and open both tiers to the controller."""
        super().__init__("feastflow:kubernetes:Edge", name, None, opts)
        settings, place = args.settings, args.place
        routes = [Route(prefix="/api", upstream=args.backend), Route(prefix="/", upstream=args.frontend)]
        controllers = network.controllers(settings)
        for route in routes:
            upstream = route.upstream
            controller = network.Rule(peers=controllers, ports=[upstream.port])
            tier = upstream.server
            network.allow_ingress(names.from_edge(tier.name), place, tier.all_variants, [controller], self)
        certificate.create(place, settings, controllers, self)
        write = gateway.create if settings.mode == "gateway" else ingress.create
        # What is too much is not offered again.
        before = filters.joined(ratelimit.create(place, settings, self), retry.create(place, settings, self))
        self.route = write(place, settings, routes, before, self)
        self.url = pulumi.Output.from_input(settings.url)
        self.register_outputs({"url": self.url})
