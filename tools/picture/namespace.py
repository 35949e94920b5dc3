"""A namespace as a picture shows it: groups of pods, what is outside, and the paths that policies open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]

_WORKLOADS = ("Deployment", "StatefulSet", "Cluster", "CronJob", "Job")
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_COMPONENT = "component"
_DNS = 53


@dataclass(frozen=True, kw_only=True, order=True)
class Path:
    """A path that is open: from one group to another, to these ports.

    Between two groups of the namespace both directions have to be open; from or to the outside one is enough.
    """

    source: str
    target: str
    ports: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Pods of one component. `facts` are lines about them: their number, their ports, what protects them."""

    name: str
    facts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """The content of the picture. `guards` hold for the whole namespace."""

    name: str
    groups: tuple[Group, ...]
    outside: tuple[str, ...]
    paths: tuple[Path, ...]
    guards: tuple[str, ...]


def read(manifests: Sequence[Manifest]) -> Namespace:
    """Return the picture's content from all manifests of one stack, in whatever order they come."""
    manifests = sorted(manifests, key=lambda each: (each["kind"], each["metadata"]["name"]))
    components = _components(manifests)
    opened = _paths(_of_kind(manifests, "NetworkPolicy"), components)
    groups = tuple(
        Group(name=name, facts=(*_facts(name, manifests), *_among(name, opened))) for name in components
    )
    paths = tuple(path for path in opened if path.source != path.target)
    inside = set(components)
    return Namespace(
        name=next(each["metadata"]["name"] for each in _of_kind(manifests, "Namespace")),
        groups=groups,
        outside=tuple(
            dict.fromkeys(end for path in paths for end in (path.source, path.target) if end not in inside)
        ),
        paths=paths,
        guards=tuple(_guards(manifests)),
    )


def _components(manifests: Sequence[Manifest]) -> list[str]:
    found = [_component(each) for each in manifests if each["kind"] in _WORKLOADS]
    return list(dict.fromkeys(name for name in found if name))


def _component(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("labels", {}).get(_COMPONENT, ""))


def _of_kind(manifests: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] in kinds]


def _facts(component: str, manifests: Sequence[Manifest]) -> Iterable[str]:
    own = [each for each in manifests if _component(each) == component]
    scales = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]
        for each in _of_kind(own, "HorizontalPodAutoscaler")
    }
    for each in _of_kind(own, *_WORKLOADS):
        yield _workload(each, scales)
    for each in _of_kind(own, "Service"):
        ports = ", ".join(str(port["port"]) for port in each["spec"]["ports"])
        if each["spec"].get("clusterIP") != "None":
            yield f"Service {each['metadata']['name']}:{ports}"
    for each in _of_kind(own, "PersistentVolumeClaim"):
        yield f"volume of {each['spec']['resources']['requests']['storage']}"
    for each in _of_kind(own, "PodDisruptionBudget"):
        yield f"a drain takes {each['spec'].get('maxUnavailable', 'some')} at a time"
    for each in _of_kind(manifests, "PriorityClass"):
        if each["metadata"]["name"].endswith(f"-{component}"):
            yield f"priority {each['value']:,}".replace(",", " ")


def _among(component: str, paths: Sequence[Path]) -> Iterable[str]:
    for path in paths:
        if path.source == path.target == component:
            yield f"among themselves: {', '.join(map(str, path.ports))}"


def _workload(manifest: Manifest, scales: Mapping[str, Manifest]) -> str:
    kind, spec = manifest["kind"], manifest["spec"]
    if kind == "Cluster":
        return f"Cluster: {spec['instances']} instances of {spec['storage']['size']}"
    if kind == "CronJob":
        return f"CronJob at {spec['schedule']}"
    if kind == "Job":
        return "Job"
    scale = scales.get(manifest["metadata"]["name"])
    pods = f"{scale['minReplicas']} to {scale['maxReplicas']}" if scale else str(spec.get("replicas", 1))
    return f"{kind}: {pods} pod{'' if pods == '1' else 's'}"


def _guards(manifests: Sequence[Manifest]) -> Iterable[str]:
    (namespace,) = _of_kind(manifests, "Namespace")
    level = namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
    if level:
        yield f"Pod Security: {level}"
    for each in _of_kind(manifests, "NetworkPolicy"):
        if not each["spec"]["podSelector"] and not (
            each["spec"].get("ingress") or each["spec"].get("egress")
        ):
            yield "all traffic denied but the paths shown, and DNS"
    for each in _of_kind(manifests, "ResourceQuota"):
        hard = each["spec"]["hard"]
        yield f"quota: {hard['pods']} pods, {hard['limits.cpu']} CPU, {hard['limits.memory']}"
    for each in _of_kind(manifests, "ValidatingAdmissionPolicy"):
        yield f"{sum('messageExpression' in rule for rule in each['spec']['validations'])} rules at admission"


def _paths(policies: Sequence[Manifest], components: Sequence[str]) -> list[Path]:
    """Return what is open: between two groups where the one may send it and the other may receive it."""
    sent = set(_opened(policies, components, "egress", "to"))
    received = set(_opened(policies, components, "ingress", "from"))
    into = {(source, target, port) for target, source, port in received}
    inside = set(components)
    both = {
        each
        for each in sent | into
        if (each[0] not in inside or each in sent) and (each[1] not in inside or each in into)
    }
    ports: dict[tuple[str, str], set[int]] = {}
    for source, target, port in both:
        ports.setdefault((source, target), set()).add(port)
    return sorted(Path(source=a, target=b, ports=tuple(sorted(each))) for (a, b), each in ports.items())


def _opened(
    policies: Sequence[Manifest], components: Sequence[str], direction: str, peers: str
) -> Iterable[tuple[str, str, int]]:
    """Yield `own end, other end, port` of each rule of one direction."""
    for policy in policies:
        for rule in policy["spec"].get(direction) or []:
            numbers = [int(port["port"]) for port in rule.get("ports") or [] if str(port["port"]).isdigit()]
            ranges = [str(peer["ipBlock"]["cidr"]) for peer in rule.get(peers) or [] if "ipBlock" in peer]
            others = [end for peer in rule.get(peers) or [] for end in _ends(peer, components)]
            for own in _selected(policy["spec"]["podSelector"], components):
                for other in (*others, *([_several(ranges)] if ranges else ())):
                    yield from ((own, other, port) for port in numbers if port != _DNS)


def _several(ranges: Sequence[str]) -> str:
    return ranges[0] if len(ranges) == 1 else f"{ranges[0]} and {len(ranges) - 1} more"


def _selected(selector: Manifest, components: Sequence[str]) -> list[str]:
    wanted = selector.get("matchLabels", {})
    if "cnpg.io/cluster" in wanted:
        return [name for name in components if name == "database"]
    return [name for name in components if wanted.get(_COMPONENT, name) == name]


def _ends(peer: Manifest, components: Sequence[str]) -> list[str]:
    if "ipBlock" in peer:
        return []
    if "namespaceSelector" in peer:
        return [str(peer["namespaceSelector"].get("matchLabels", {}).get(_NAMESPACE_NAME, "every namespace"))]
    return _selected(peer.get("podSelector", {}), components)
