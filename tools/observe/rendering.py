"""Manifests of all that `make observe` applies, from the images, the nodes' addresses and the edge's port."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tools.observe import network, workloads
from tools.observe.certificate import Certificate
from tools.observe.network import Addresses
from tools.observe.part import NAMESPACE, NODES_NAMESPACE, Manifest, Part
from tools.observe.parts import PARTS

# What tells this command's objects from all others.
MARK = "app.kubernetes.io/managed-by"
MARKED = "make-observe"
SELECTOR = f"{MARK}={MARKED}"
_PART_OF = {"app.kubernetes.io/part-of": "observability"}
_RBAC = "rbac.authorization.k8s.io/v1"
_LEVEL = "pod-security.kubernetes.io"
# `restricted` for all but what looks at a node's log files, which only `privileged` allows.
_LEVELS = {NAMESPACE: "restricted", NODES_NAMESPACE: "privileged"}
_DOMAIN = "localhost"
# The objects of no namespace, in the order in which they are deleted; the rest ends with the namespaces.
# APIs first: while the server of one is away, no namespace of the cluster can end.
CLUSTER_WIDE = ("apiservices", "clusterrolebindings", "clusterroles", "namespaces")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The values that the manifests depend on.

    `images` are references by program, `certificates` those of parts that serve an API, by name; `port` is
    the edge's on loopback.
    """

    images: Mapping[str, str]
    addresses: Addresses
    certificates: Mapping[str, Certificate]
    port: int


def manifests(setting: Setting) -> list[Manifest]:
    """Return every object, namespaces first; each bears the mark of this command."""
    found = namespaces()
    for part in PARTS:
        found += _rights(part) if part.rights else []
        found += workloads.of(part, setting.images, _arguments(part, setting.port))
        found += _ingresses(part)
        found += _api(part, setting.certificates[part.name]) if part.serves else []
    found += network.of(_LEVELS, setting.addresses)
    return [_marked(each) for each in found]


def namespaces() -> list[Manifest]:
    """Return the namespaces, as they are before they bear the mark."""
    return [_namespace(name, level) for name, level in _LEVELS.items()]


def kinds(found: Iterable[Manifest]) -> list[str]:
    """Return every kind among the manifests as kubectl takes it, with its group, in the order of deletion."""
    named = {(each["kind"], each["apiVersion"].rpartition("/")[0]) for each in found}
    return [
        ".".join(filter(None, (kind.lower(), group))) for kind, group in sorted(named) if kind != "Namespace"
    ]


def stream(found: Iterable[Manifest]) -> str:
    """Return the manifests as kubectl reads them."""
    return "".join(f"---\n{json.dumps(each)}\n" for each in found)


def addresses(port: int) -> dict[str, str]:
    """Return the pages that a user opens, by what is seen there."""
    return {
        "metrics": f"http://metrics.{_DOMAIN}:{port}/vmui/",
        "dashboards": f"http://metrics.{_DOMAIN}:{port}/vmui/#/dashboards",
        "logs": f"http://logs.{_DOMAIN}:{port}/select/vmui/",
        "traces": f"http://traces.{_DOMAIN}:{port}/zipkin/",
        "alerts": f"http://alerts.{_DOMAIN}:{port}/",
        "rules": f"http://metrics.{_DOMAIN}:{port}/vmalert/groups",
    }


def intake(port: int) -> str:
    """Return where programs on this machine send spans by OTLP."""
    return f"http://traces.{_DOMAIN}:{port}/v1/traces"


def _arguments(part: Part, port: int) -> tuple[str, ...]:
    """Return what a part must be told of the address under which users see it."""
    seen = f"http://metrics.{_DOMAIN}:{port}"
    if part.name == "rules":
        source = "vmui/#/?g0.expr={{.Expr|queryEscape}}"
        return (f"-external.url={seen}", f"-external.alert.source={source}")
    if part.name == "alerts":
        return (f"--web.external-url=http://alerts.{_DOMAIN}:{port}",)
    return ()


def _namespace(name: str, level: str) -> Manifest:
    labels = {f"{_LEVEL}/{mode}": level for mode in ("enforce", "warn", "audit")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _rights(part: Part) -> list[Manifest]:
    name = f"observability-{part.name}"
    subject = {"kind": "ServiceAccount", "name": part.name, "namespace": part.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    metadata = {"metadata": {"name": name}}
    rules = [dict(rule) for rule in part.rights]
    return [
        {"apiVersion": _RBAC, "kind": "ClusterRole", **metadata, "rules": rules},
        {
            "apiVersion": _RBAC,
            "kind": "ClusterRoleBinding",
            **metadata,
            "roleRef": reference,
            "subjects": [subject],
        },
    ]


def apis() -> list[str]:
    """Return the names of the APIs that parts serve, as Kubernetes has them."""
    return [_api_name(part) for part in PARTS if part.serves]


def _api(part: Part, own: Certificate) -> list[Manifest]:
    """Return the API that a part serves, and the certificate by which the API server knows the part."""
    group, _, version = part.serves.partition("/")
    files = {"tls.crt": own.certificate, "tls.key": own.key}
    metadata = {"name": part.name, "namespace": part.namespace}
    spec = {
        "group": group,
        "version": version,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "caBundle": _encoded(own.certificate),
        "service": {**metadata, "port": part.port[1]},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": "kubernetes.io/tls",
            "data": {name: _encoded(text) for name, text in files.items()},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": _api_name(part)},
            "spec": spec,
        },
    ]


def _api_name(part: Part) -> str:
    group, _, version = part.serves.partition("/")
    return f"{version}.{group}"


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _ingresses(part: Part) -> list[Manifest]:
    if not part.hosts:
        return []
    rules = [
        {
            "host": f"{host}.{_DOMAIN}",
            "http": {
                "paths": [
                    {
                        "path": path,
                        "pathType": "Prefix",
                        "backend": {"service": {"name": part.name, "port": {"name": port}}},
                    }
                ]
            },
        }
        for host, path, port in part.hosts
    ]
    metadata = {"name": part.name, "namespace": part.namespace}
    spec = {"ingressClassName": "traefik", "rules": rules}
    return [{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}]


def _marked(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    labels = {**metadata.get("labels", {}), **_PART_OF, MARK: MARKED}
    return {**manifest, "metadata": {**metadata, "labels": labels}}
