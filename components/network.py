"""Who may talk to whom: the namespace denies everything, and each path below opens one direction of one path.

A connection inside the namespace needs two policies, one that lets the client out and one that lets it in;
`allow` makes both from the two identities, so neither can be forgotten.
"""

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes import meta, networking

from .context import Place
from .names import Identity

_DNS_PORT = 53


def default_deny(
    name: str, metadata: meta.v1.ObjectMetaArgs, parent: pulumi.Resource
) -> networking.v1.NetworkPolicy:
    """Nothing in, nothing out, for every pod of the namespace."""
    return networking.v1.NetworkPolicy(
        name,
        metadata=metadata,
        spec=networking.v1.NetworkPolicySpecArgs(
            pod_selector=meta.v1.LabelSelectorArgs(), policy_types=["Ingress", "Egress"]
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def allow_dns(
    name: str, metadata: meta.v1.ObjectMetaArgs, namespace: str, parent: pulumi.Resource
) -> networking.v1.NetworkPolicy:
    """Every pod may ask the cluster's DNS, whose pods live in `namespace`."""
    return networking.v1.NetworkPolicy(
        name,
        metadata=metadata,
        spec=networking.v1.NetworkPolicySpecArgs(
            pod_selector=meta.v1.LabelSelectorArgs(),
            policy_types=["Egress"],
            egress=[
                networking.v1.NetworkPolicyEgressRuleArgs(
                    to=[
                        networking.v1.NetworkPolicyPeerArgs(
                            namespace_selector=_namespace(namespace),
                            pod_selector=meta.v1.LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
                        )
                    ],
                    ports=[_port(_DNS_PORT, "UDP"), _port(_DNS_PORT, "TCP")],
                )
            ],
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def allow(
    name: str,
    place: Place,
    *,
    clients: Sequence[Identity],
    server: Identity,
    port: int,
    parent: pulumi.Resource,
) -> list[networking.v1.NetworkPolicy]:
    """Let each client reach the server's port; `name` is that of the policy on the server's side."""
    options = pulumi.ResourceOptions(parent=parent)
    inward = networking.v1.NetworkPolicy(
        name,
        metadata=place.metadata(name, server),
        spec=networking.v1.NetworkPolicySpecArgs(
            pod_selector=_pods(server),
            policy_types=["Ingress"],
            ingress=[
                networking.v1.NetworkPolicyIngressRuleArgs(
                    from_=[
                        networking.v1.NetworkPolicyPeerArgs(pod_selector=_pods(client)) for client in clients
                    ],
                    ports=[_port(port)],
                )
            ],
        ),
        opts=options,
    )
    outward = [
        networking.v1.NetworkPolicy(
            f"{client.name}-to-{server.name}",
            metadata=place.metadata(f"{client.name}-to-{server.name}", client),
            spec=networking.v1.NetworkPolicySpecArgs(
                pod_selector=_pods(client),
                policy_types=["Egress"],
                egress=[
                    networking.v1.NetworkPolicyEgressRuleArgs(
                        to=[networking.v1.NetworkPolicyPeerArgs(pod_selector=_pods(server))],
                        ports=[_port(port)],
                    )
                ],
            ),
            opts=options,
        )
        for client in clients
    ]
    return [inward, *outward]


def allow_from_namespace(
    name: str, place: Place, *, namespace: str, server: Identity, port: int, parent: pulumi.Resource
) -> networking.v1.NetworkPolicy:
    """Let the pods of another namespace reach the server's port."""
    return networking.v1.NetworkPolicy(
        name,
        metadata=place.metadata(name, server),
        spec=networking.v1.NetworkPolicySpecArgs(
            pod_selector=_pods(server),
            policy_types=["Ingress"],
            ingress=[
                networking.v1.NetworkPolicyIngressRuleArgs(
                    from_=[networking.v1.NetworkPolicyPeerArgs(namespace_selector=_namespace(namespace))],
                    ports=[_port(port)],
                )
            ],
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _pods(identity: Identity) -> meta.v1.LabelSelectorArgs:
    return meta.v1.LabelSelectorArgs(match_labels=identity.selector)


def _namespace(name: str) -> meta.v1.LabelSelectorArgs:
    return meta.v1.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name})


def _port(number: int, protocol: str = "TCP") -> networking.v1.NetworkPolicyPortArgs:
    return networking.v1.NetworkPolicyPortArgs(port=number, protocol=protocol)
