"""The site's certificate as cert-manager's `Certificate`, and the path to the pods that answer for it.

cert-manager writes the Secret, and renews the certificate in it before it expires; the edge's controller
follows the Secret. Not a goal: issuers, which hold an account with an authority and belong to the cluster.
"""

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes import apiextensions, meta, networking

from ..settings.model.edge import Edge
from ..settings.values import names
from ..workloads import network
from ..workloads.context import SKIP_AWAIT, Place

# https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.Certificate
_VERSION = "cert-manager.io/v1"
# An ACME authority asks for a file over http, and pods that live for this question alone serve it:
# https://cert-manager.io/docs/configuration/acme/http01/
_SOLVER = {"acme.cert-manager.io/http01-solver": "true"}
_SOLVER_PORT = 8089


def create(
    place: Place, settings: Edge, controllers: Sequence[network.Peer], parent: pulumi.Resource
) -> pulumi.Resource | None:
    """Create the Certificate of the edge's host; nothing where the settings name no issuer.

    It is not awaited: an authority may take minutes, and may ask for a route that is not there yet.
    """
    issuer = settings.tls.issuer
    if issuer is None:
        return None
    _allow_questions(place, controllers, parent)
    return apiextensions.CustomResource(
        "certificate",
        api_version=_VERSION,
        kind="Certificate",
        metadata=place.shared_metadata(names.EDGE, SKIP_AWAIT),
        spec={
            "secretName": settings.tls.certificate,
            "dnsNames": [settings.host],
            "issuerRef": {"name": issuer.name, "kind": issuer.kind, "group": issuer.group},
            # A key that was stolen is of no use after the next renewal.
            "privateKey": {"rotationPolicy": "Always"},
        },
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _allow_questions(place: Place, controllers: Sequence[network.Peer], parent: pulumi.Resource) -> None:
    networking.v1.NetworkPolicy(
        names.from_edge(names.SOLVER),
        metadata=place.shared_metadata(names.from_edge(names.SOLVER)),
        spec=networking.v1.NetworkPolicySpecArgs(
            pod_selector=meta.v1.LabelSelectorArgs(match_labels=_SOLVER),
            policy_types=["Ingress"],
            ingress=[
                networking.v1.NetworkPolicyIngressRuleArgs(
                    from_=list(controllers),
                    ports=[networking.v1.NetworkPolicyPortArgs(port=_SOLVER_PORT, protocol="TCP")],
                )
            ],
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
