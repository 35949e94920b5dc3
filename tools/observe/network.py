"""NetworkPolicies of the parts: default deny, and a policy for each part that opens what it needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.observe.part import Manifest, Part
from tools.observe.parts import PARTS

_VERSION = "networking.k8s.io/v1"
_NAMESPACE_LABEL = "kubernetes.io/metadata.name"
_EDGE = {"namespace": "traefik", "labels": {"app.kubernetes.io/name": "traefik"}}
_KUBELET, _API_SERVER, _API_SERVICE = 10250, 6443, 443


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Addresses of the cluster that no selector names: its nodes', and that of the Service `kubernetes`."""

    nodes: tuple[str, ...]
    api: str


def of(namespaces: Iterable[str], addresses: Addresses) -> list[Manifest]:
    """Return the policies of these namespaces and of every part."""
    denied = [
        _policy(namespace, "default-deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
        for namespace in namespaces
    ]
    return [*denied, *(_of(part, addresses) for part in PARTS)]


def _of(part: Part, addresses: Addresses) -> Manifest:
    spec = {"podSelector": {"matchLabels": part.selector}, "policyTypes": ["Ingress", "Egress"]}
    opened = {"ingress": list(_ingress(part, addresses)), "egress": list(_egress(part, addresses))}
    # The API server keeps no empty list: each run would apply it again.
    return _policy(
        part.namespace, part.name, {**spec, **{side: rules for side, rules in opened.items() if rules}}
    )


def _ingress(part: Part, addresses: Addresses) -> Iterable[Manifest]:
    callers = [
        other for other in PARTS if part.name in other.reaches or (other.scrapes and part.metrics is not None)
    ]
    if callers:
        yield {"from": [_pods(caller) for caller in callers], "ports": _tcp(part.ports.values())}
    if part.hosts:
        edge = [{**_in(_EDGE["namespace"]), "podSelector": {"matchLabels": _EDGE["labels"]}}]
        yield {"from": edge, "ports": _tcp({part.ports[port] for _, _, port in part.hosts})}
    if part.serves:
        yield {"from": _blocks(addresses.nodes), "ports": _tcp([part.port[1]])}
    if part.every_namespace:
        ports = _tcp(part.ports[name] for name in part.every_namespace)
        yield {"from": [{"namespaceSelector": {}}], "ports": ports}


def _egress(part: Part, addresses: Addresses) -> Iterable[Manifest]:
    if part.reaches or part.scrapes:
        dns = [{**_in("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}]
        yield {"to": dns, "ports": [*_tcp([53]), {"protocol": "UDP", "port": 53}]}
    for other in PARTS:
        if other.name in part.reaches:
            yield {"to": [_pods(other)], "ports": _tcp(other.ports.values())}
    if part.scrapes:
        # The pod says which port has its metrics; its namespace's policies, whether that is reached.
        yield {"to": [{"namespaceSelector": {}}]}
        yield {"to": _blocks(addresses.nodes), "ports": _tcp([_KUBELET])}
    if part.rights:
        yield {"to": _blocks([addresses.api]), "ports": _tcp([_API_SERVICE])}
        yield {"to": _blocks(addresses.nodes), "ports": _tcp([_API_SERVER])}


def _policy(namespace: str, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": _VERSION, "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _in(namespace: object) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: namespace}}}


def _pods(part: Part) -> Manifest:
    return {**_in(part.namespace), "podSelector": {"matchLabels": part.selector}}


def _tcp(ports: Iterable[int]) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in sorted(ports)]


def _blocks(addresses: Sequence[str]) -> list[Manifest]:
    return [
        {"ipBlock": {"cidr": f"{address}/{128 if ':' in address else 32}"}} for address in sorted(addresses)
    ]
