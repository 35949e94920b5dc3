"""The routes as an Ingress: `networking.k8s.io/v1`, which every controller reads the same."""

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes import networking

from ..settings.model.edge import Edge
from ..settings.values import names
from ..workloads.context import SKIP_AWAIT, Place
from .filters import Filters
from .traffic import Route


def create(
    place: Place, settings: Edge, routes: Sequence[Route], filters: Filters, parent: pulumi.Resource
) -> pulumi.Resource:
    """Create the Ingress; it is awaited only where the settings ask for it."""
    annotations = {**({} if settings.await_address else SKIP_AWAIT), **filters.annotations(place)}
    return networking.v1.Ingress(
        "ingress",
        metadata=place.shared_metadata(names.EDGE, annotations),
        spec=networking.v1.IngressSpecArgs(
            ingress_class_name=settings.class_name,
            rules=[
                networking.v1.IngressRuleArgs(
                    host=settings.host,
                    http=networking.v1.HTTPIngressRuleValueArgs(paths=[_path(route) for route in routes]),
                )
            ],
            tls=_tls(settings),
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(filters.resources)),
    )


def _path(route: Route) -> networking.v1.HTTPIngressPathArgs:
    return networking.v1.HTTPIngressPathArgs(
        path=route.prefix,
        path_type="Prefix",
        backend=networking.v1.IngressBackendArgs(
            service=networking.v1.IngressServiceBackendArgs(
                name=route.upstream.service,
                port=networking.v1.ServiceBackendPortArgs(number=route.upstream.port),
            )
        ),
    )


def _tls(settings: Edge) -> list[networking.v1.IngressTLSArgs] | None:
    if not settings.tls.enabled:
        return None
    return [networking.v1.IngressTLSArgs(hosts=[settings.host], secret_name=settings.tls.certificate)]
