"""The filters of an edge: what it does to a request before a tier gets it, as routes refer to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions

from ..workloads.context import SKIP_AWAIT, Place

_GROUP = "traefik.io"
_KIND = "Middleware"
_MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"


@dataclass(frozen=True, kw_only=True)
class Filters:
    """The filters that routes refer to and wait for: Traefik serves no route whose middleware is missing.

    `middlewares` are names of Traefik's objects, in the order in which a request meets them.
    """

    middlewares: Sequence[str] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    resources: Sequence[pulumi.Resource] = ()

    def annotations(self, place: Place) -> dict[str, str]:
        """Return what an Ingress refers to them by."""
        named = ",".join(f"{place.instance}-{name}@kubernetescrd" for name in self.middlewares)
        return {**self.others, **({_MIDDLEWARES: named} if named else {})}

    @property
    def extensions(self) -> list[dict[str, Any]]:
        """Return the references of a Gateway's route to them."""
        return [
            {"type": "ExtensionRef", "extensionRef": {"group": _GROUP, "kind": _KIND, "name": name}}
            for name in self.middlewares
        ]


def joined(*filters: Filters) -> Filters:
    """Return all of them, in this order."""
    return Filters(
        middlewares=[name for each in filters for name in each.middlewares],
        others={key: value for each in filters for key, value in each.others.items()},
        resources=[resource for each in filters for resource in each.resources],
    )


def middleware(
    label: str, name: str, place: Place, spec: Mapping[str, Any], parent: pulumi.Resource
) -> Filters:
    """Create an object of Traefik's; `label` is its name in Pulumi."""
    created = apiextensions.CustomResource(
        label,
        api_version=f"{_GROUP}/v1alpha1",
        kind=_KIND,
        metadata=place.shared_metadata(name, SKIP_AWAIT),
        spec=dict(spec),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return Filters(middlewares=[name], resources=[created])
