"""The traffic of a tier: its Service, and one for each version where there are two.

The tier's Service keeps its name under every strategy; what it selects is the one switch. It changes only
after the pods that it routes to are ready, so a version that never gets ready gets no request.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from ..settings.values import names
from ..settings.values.names import Identity
from ..workloads.context import SKIP_AWAIT
from .http_tier import Pods

_HTTP = "http"


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


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The edge's upstream, and the resources after which no pod of another version gets requests."""

    upstream: Upstream
    ready: Sequence[pulumi.Resource]


def route(pods: Sequence[Pods], weight: int | None, parent: pulumi.Resource) -> Traffic:
    """Create the Services to these pods, the tier's first ones before those of its second variant.

    With a `weight` the edge gives the second ones that percentage of the requests.
    """
    first = pods[0]
    serving = [each for each in pods if each.args.variant.serves]
    tier = first.args.identity
    service = _service(tier.name, f"{tier.component}-service", first, serving, parent)
    own = [
        # To one version alone, to try it before it gets requests.
        _service(
            names.joined(tier.name, suffix),
            names.joined(tier.component, suffix, "service"),
            each,
            [each],
            parent,
        )
        for each in pods
        if (suffix := each.args.variant.service)
    ]
    canary = None if weight is None else Share(service=_name(own[-1]), weight=weight)
    return Traffic(
        upstream=Upstream(
            service=_name(service),
            port=first.args.settings.port,
            server=tier,
            canary=canary,
        ),
        ready=[*(each.deployment for each in pods), service],
    )


def alike(identities: Sequence[Identity]) -> dict[str, str]:
    """Return the selector of all of these pods: what their own selectors have in common."""
    first, *others = (identity.selector for identity in identities)
    return {key: value for key, value in first.items() if all(each[key] == value for each in others)}


def _service(
    name: str, label: str, owner: Pods, leads_to: Sequence[Pods], parent: pulumi.Resource
) -> core.v1.Service:
    """Create a Service; `label` is its name in Pulumi, `owner` says what it is labelled with."""
    args = owner.args
    return core.v1.Service(
        label,
        # The pods are awaited; waiting for endpoints too would cost ten seconds and tell nothing new.
        metadata=args.place.metadata(name, args.identity, SKIP_AWAIT),
        spec=core.v1.ServiceSpecArgs(
            type="ClusterIP",
            ip_family_policy=args.place.cluster.family_policy,
            selector=alike([each.args.identity for each in leads_to]),
            ports=[
                core.v1.ServicePortArgs(
                    name=_HTTP, port=args.settings.port, target_port=_HTTP, protocol="TCP"
                )
            ],
        ),
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=[resource for each in leads_to for resource in each.ready]
        ),
    )


def _name(service: core.v1.Service) -> pulumi.Output[str]:
    return service.metadata.apply(lambda metadata: str(metadata.name))
