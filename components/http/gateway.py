"""The same routes as a Gateway and an HTTPRoute: `gateway.networking.k8s.io/v1`.

The cluster must have the Gateway API's definitions and a controller of the named class. Nothing is awaited
unless the settings ask for it: not every controller publishes an address.
"""

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes import apiextensions

from ..settings.model.edge import Edge
from ..settings.values import names
from ..workloads.context import SKIP_AWAIT, Place, await_condition
from .filters import Filters
from .traffic import Route, Upstream

_VERSION = "gateway.networking.k8s.io/v1"


def create(
    place: Place, settings: Edge, routes: Sequence[Route], filters: Filters, parent: pulumi.Resource
) -> pulumi.Resource:
    """Create the Gateway and its one route object; return the route."""
    gateway = apiextensions.CustomResource(
        "gateway",
        api_version=_VERSION,
        kind="Gateway",
        metadata=place.shared_metadata(
            names.EDGE, await_condition("Programmed") if settings.await_address else SKIP_AWAIT
        ),
        spec={"gatewayClassName": settings.class_name, "listeners": [_listener(settings)]},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return apiextensions.CustomResource(
        "route",
        api_version=_VERSION,
        kind="HTTPRoute",
        metadata=place.shared_metadata(names.EDGE, SKIP_AWAIT),
        spec={
            "parentRefs": [{"name": names.EDGE}],
            "hostnames": [settings.host],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": route.prefix}}],
                    "backendRefs": _backends(route.upstream),
                    **({"filters": filters.extensions} if filters.extensions else {}),
                }
                for route in routes
            ],
        },
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[gateway, *filters.resources]),
    )


def _backends(upstream: Upstream) -> list[dict[str, object]]:
    own: dict[str, object] = {"name": upstream.service, "port": upstream.port}
    canary = upstream.canary
    if canary is None:
        return [own]
    second = {"name": canary.service, "port": upstream.port, "weight": canary.weight}
    return [{**own, "weight": 100 - canary.weight}, second]


def _listener(settings: Edge) -> dict[str, object]:
    protocol, port = ("HTTPS", 443) if settings.tls.enabled else ("HTTP", 80)
    secure = {
        "tls": {
            "mode": "Terminate",
            "certificateRefs": [{"kind": "Secret", "name": settings.tls.certificate}],
        }
    }
    return {
        "name": protocol.lower(),
        "protocol": protocol,
        "port": settings.listener_port or port,
        "hostname": settings.host,
        "allowedRoutes": {"namespaces": {"from": "Same"}},
        **(secure if settings.tls.enabled else {}),
    }
