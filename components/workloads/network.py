"""NetworkPolicies: default deny, and one opening for each direction of a path.

A connection inside the namespace needs two policies, one that lets the client out and one that lets it in;
`allow` makes both from the two identities, so neither can be forgotten.

The paths of a tier are those of all its versions: a path that went with one version would be closed while
that one still serves or drains.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import meta, networking

from ..settings.model.edge import Edge
from ..settings.model.tenancy import Tenancy
from ..settings.model.workload import Egress
from ..settings.values import hosts
from ..settings.values.addresses import PUBLIC
from ..settings.values.hosts import Kind
from ..settings.values.names import Identity
from .context import Place

Peer = networking.v1.NetworkPolicyPeerArgs

_DNS_PORT = 53


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Any of the peers, on any of the TCP ports."""

    peers: Sequence[Peer]
    ports: Sequence[int]


def pods(identity: Identity) -> Peer:
    """Return the workload's pods, in the same namespace."""
    return Peer(pod_selector=_selector(identity))


def namespace(name: str) -> Peer:
    """Return every pod of another namespace."""
    return Peer(namespace_selector=_named(name))


def addresses(ranges: Sequence[str]) -> list[Peer]:
    """Return hosts by their addresses."""
    return [Peer(ip_block=networking.v1.IPBlockArgs(cidr=cidr)) for cidr in ranges]


def controllers(edge: Edge) -> list[Peer]:
    """Return where the edge's requests come from: the controller's pods, or the addresses that it has."""
    if edge.controller_cidrs:
        return addresses(edge.controller_cidrs)
    return [namespace(edge.controller_namespace)]


def outside(host: Egress, domain: str) -> Rule:
    """Return the way to a host that the settings name: to its namespace, its addresses, or every public one.

    `domain` is the cluster's. What is not known to be one of these is refused before; see
    `components.settings.model.egress`.
    """
    if not host.cidrs and (found := hosts.read(host.host, domain)).kind is Kind.CLUSTER:
        return Rule(peers=[namespace(found.namespace)], ports=[host.port])
    if host.cidrs:
        return Rule(peers=addresses(host.cidrs), ports=[host.port])
    blocks = [networking.v1.IPBlockArgs(cidr=cidr, except_=list(other)) for cidr, other in PUBLIC.items()]
    return Rule(peers=[Peer(ip_block=block) for block in blocks], ports=[host.port])


def default_deny(metadata: meta.v1.ObjectMetaArgs, parent: pulumi.Resource) -> networking.v1.NetworkPolicy:
    """Create the policy that denies all ingress and egress for every pod of the namespace."""
    return networking.v1.NetworkPolicy(
        "default-deny",
        metadata=metadata,
        spec=networking.v1.NetworkPolicySpecArgs(
            pod_selector=meta.v1.LabelSelectorArgs(), policy_types=["Ingress", "Egress"]
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def allow_dns(metadata: meta.v1.ObjectMetaArgs, tenancy: Tenancy, parent: pulumi.Resource) -> None:
    """Let every pod ask the cluster's DNS.

    What is known by its address may be anything else on other ports, a cloud's metadata service too.
    """
    servers = Peer(
        namespace_selector=_named(tenancy.dns_namespace),
        pod_selector=meta.v1.LabelSelectorArgs(match_labels=tenancy.dns_selector),
    )
    others = addresses(tenancy.dns_addresses)
    networking.v1.NetworkPolicy(
        "allow-dns",
        metadata=metadata,
        spec=networking.v1.NetworkPolicySpecArgs(
            pod_selector=meta.v1.LabelSelectorArgs(),
            policy_types=["Egress"],
            egress=[
                networking.v1.NetworkPolicyEgressRuleArgs(
                    to=peers,
                    ports=[_port(port, protocol) for port in ports for protocol in ("UDP", "TCP")],
                )
                for peers, ports in (([servers], tenancy.dns_ports), (others, (_DNS_PORT,)))
                if peers
            ],
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def allow_ingress(
    name: str, place: Place, server: Identity, rules: Sequence[Rule], parent: pulumi.Resource
) -> networking.v1.NetworkPolicy:
    """Let the peers of each rule reach the server's pods on the rule's ports."""
    return networking.v1.NetworkPolicy(
        name,
        metadata=place.metadata(name, server),
        spec=networking.v1.NetworkPolicySpecArgs(
            pod_selector=_selector(server),
            policy_types=["Ingress"],
            ingress=[
                networking.v1.NetworkPolicyIngressRuleArgs(from_=list(rule.peers), ports=_ports(rule))
                for rule in rules
            ],
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def allow_egress(
    name: str,
    place: Place,
    client: Identity,
    rules: Sequence[Rule] | pulumi.Output[Sequence[Rule]],
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource] = (),
) -> networking.v1.NetworkPolicy:
    """Let the client's pods reach the peers of each rule on the rule's ports, once `after` is there."""
    return networking.v1.NetworkPolicy(
        name,
        metadata=place.metadata(name, client),
        spec=networking.v1.NetworkPolicySpecArgs(
            pod_selector=_selector(client),
            policy_types=["Egress"],
            egress=rules.apply(_egress) if isinstance(rules, pulumi.Output) else _egress(rules),
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )


def allow(
    name: str,
    place: Place,
    clients: Sequence[Identity],
    server: tuple[Identity, int],
    parent: pulumi.Resource,
) -> list[networking.v1.NetworkPolicy]:
    """Let each client reach the server's port; `name` is that of the policy on the server's side."""
    target, port = server
    inward = allow_ingress(
        name, place, target, [Rule(peers=[pods(client) for client in clients], ports=[port])], parent
    )
    outward = [
        allow_egress(
            f"{client.name}-to-{target.name}",
            place,
            client,
            [Rule(peers=[pods(target)], ports=[port])],
            parent,
        )
        for client in clients
    ]
    return [inward, *outward]


def _egress(rules: Sequence[Rule]) -> list[networking.v1.NetworkPolicyEgressRuleArgs]:
    return [
        networking.v1.NetworkPolicyEgressRuleArgs(to=list(rule.peers), ports=_ports(rule)) for rule in rules
    ]


def _selector(identity: Identity) -> meta.v1.LabelSelectorArgs:
    return meta.v1.LabelSelectorArgs(match_labels=identity.selector)


def _named(name: str) -> meta.v1.LabelSelectorArgs:
    return meta.v1.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name})


def _ports(rule: Rule) -> list[networking.v1.NetworkPolicyPortArgs]:
    return [_port(number) for number in rule.ports]


def _port(number: int, protocol: str = "TCP") -> networking.v1.NetworkPolicyPortArgs:
    return networking.v1.NetworkPolicyPortArgs(port=number, protocol=protocol)
