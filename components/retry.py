"""A request that no pod has received is offered to another one: Traefik's `Retry`, an object of its own.

Traefik offers it again as long as it has not begun to send it: a connection was refused or not made in time.
What a pod may have read is never sent twice by it, whatever the method; that is for the client, which knows
what may be repeated. Not a goal: other controllers, each of which has words of its own for this.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions, meta

from . import names
from .context import SKIP_AWAIT, Place
from .model.edge import Edge

_GROUP = "traefik.io"
_KIND = "Middleware"
# Traefik takes from half of it to three times as much, by chance. Without chance, requests that come at a
# steady rate can have all of their turns at the same pod, and spend all attempts on one that is gone.
_PAUSE = "20ms"


@dataclass(frozen=True, kw_only=True)
class Retry:
    """What routes refer to, and wait for: Traefik serves no route whose middleware is missing."""

    annotations: Mapping[str, str]
    filters: list[dict[str, Any]]
    resources: list[pulumi.Resource]


def create(place: Place, settings: Edge, parent: pulumi.Resource) -> Retry:
    """Create the object, and nothing where a request is offered once."""
    if settings.attempts == 1:
        return Retry(annotations={}, filters=[], resources=[])
    middleware = apiextensions.CustomResource(
        "retry",
        api_version=f"{_GROUP}/v1alpha1",
        kind=_KIND,
        metadata=meta.v1.ObjectMetaArgs(
            name=names.RETRY,
            namespace=place.namespace,
            labels=names.common_labels(place.instance),
            annotations=dict(SKIP_AWAIT),
        ),
        spec={"retry": {"attempts": settings.attempts, "initialInterval": _PAUSE}},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    reference = f"{place.instance}-{names.RETRY}@kubernetescrd"
    return Retry(
        annotations={"traefik.ingress.kubernetes.io/router.middlewares": reference},
        filters=[
            {
                "type": "ExtensionRef",
                "extensionRef": {"group": _GROUP, "kind": _KIND, "name": names.RETRY},
            }
        ],
        resources=[middleware],
    )
