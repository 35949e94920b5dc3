"""Where the site meets the world: one host, `/api` to the backend, everything else to the frontend."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import meta, networking

from . import names, network
from .context import SKIP_AWAIT, Place
from .model.stack import Edge as EdgeSettings
from .routes import Route, Upstream


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """The host, and the tiers behind it."""

    place: Place
    settings: EdgeSettings
    backend: Upstream
    frontend: Upstream


class Edge(pulumi.ComponentResource):
    """Portable routes, no annotation that behaviour depends on, and the paths from the controller's pods.

    Not a goal: the controller itself, which belongs to the cluster.
    """

    url: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the routes and open both tiers to the controller."""
        super().__init__("feastflow:kubernetes:Edge", name, None, opts)
        settings, place = args.settings, args.place
        routes = [Route(prefix="/api", upstream=args.backend), Route(prefix="/", upstream=args.frontend)]
        for route in routes:
            network.allow_from_namespace(
                f"edge-to-{route.upstream.server.name}",
                place,
                namespace=settings.controller_namespace,
                server=route.upstream.server,
                port=route.upstream.port,
                parent=self,
            )
        networking.v1.Ingress(
            "ingress",
            metadata=meta.v1.ObjectMetaArgs(
                name=names.EDGE,
                namespace=place.namespace,
                labels=names.common_labels(place.instance),
                annotations=None if settings.await_address else dict(SKIP_AWAIT),
            ),
            spec=networking.v1.IngressSpecArgs(
                ingress_class_name=settings.class_name,
                rules=[_rule(settings.host, routes)],
                tls=_tls(settings),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.url = pulumi.Output.from_input(settings.url)
        self.register_outputs({"url": self.url})


def _rule(host: str, routes: Sequence[Route]) -> networking.v1.IngressRuleArgs:
    return networking.v1.IngressRuleArgs(
        host=host,
        http=networking.v1.HTTPIngressRuleValueArgs(
            paths=[
                networking.v1.HTTPIngressPathArgs(
                    path=route.prefix,
                    path_type="Prefix",
                    backend=networking.v1.IngressBackendArgs(
                        service=networking.v1.IngressServiceBackendArgs(
                            name=route.upstream.service,
                            port=networking.v1.ServiceBackendPortArgs(number=route.upstream.port),
                        )
                    ),
                )
                for route in routes
            ]
        ),
    )


def _tls(settings: EdgeSettings) -> list[networking.v1.IngressTLSArgs] | None:
    if not settings.tls.enabled:
        return None
    return [networking.v1.IngressTLSArgs(hosts=[settings.host], secret_name=settings.tls.secret_name)]
