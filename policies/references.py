"""References between a stack's objects, by kind and name, and the objects that it says others create."""

from collections.abc import Iterator
from typing import Any

from .judgement import Manifest
from .stack import Reference, Stack, below, namespace, objects

# An annotation of any object of a stack: the objects of its namespace that others create, as `Kind/name` with
# spaces between.
MADE_ELSEWHERE = "kubernetes-namespace.policies/made-elsewhere"
# An annotation of a ConfigMap that no pod of the stack reads: the reader outside of it.
READ_ELSEWHERE = "kubernetes-namespace.policies/read-elsewhere"


def made_elsewhere(stack: Stack) -> set[tuple[Any, str, str]]:
    """Return the namespace, kind and name of each object that the stack says others make."""
    found = set()
    for manifest in stack.manifests:
        said = below(manifest, "metadata", "annotations").get(MADE_ELSEWHERE)
        for entry in said.split() if isinstance(said, str) else ():
            kind, _, name = entry.partition("/")
            found.add((namespace(manifest), kind, name))
    return found


def all_references(stack: Stack) -> Iterator[tuple[Manifest, Reference]]:
    """Yield every object that needs another one of its namespace, with what it needs."""
    for workload in stack.workloads:
        for reference in workload.references:
            yield workload.manifest, reference
    for kind, referring in _REFERRING.items():
        for manifest in stack.of(kind):
            for reference in referring(manifest):
                yield manifest, reference


def _of_ingress(manifest: Manifest) -> Iterator[Reference]:
    backends = [below(manifest, "spec", "defaultBackend")]
    for rule in objects(manifest, "spec", "rules"):
        backends += [below(path, "backend") for path in objects(rule, "http", "paths")]
    for backend in backends:
        if service := below(backend, "service").get("name"):
            yield Reference(kind="Service", name=service)
    for entry in objects(manifest, "spec", "tls"):
        if entry.get("secretName"):
            yield Reference(kind="Secret", name=entry["secretName"])


def _of_route(manifest: Manifest) -> Iterator[Reference]:
    for rule in objects(manifest, "spec", "rules"):
        for backend in objects(rule, "backendRefs"):
            yield Reference(kind="Service", name=backend.get("name") or "")


def _of_autoscaler(manifest: Manifest) -> Iterator[Reference]:
    target = below(manifest, "spec", "scaleTargetRef")
    yield Reference(kind=str(target.get("kind")), name=target.get("name") or "")


def _of_binding(manifest: Manifest) -> Iterator[Reference]:
    role = below(manifest, "roleRef")
    if role.get("kind") == "Role":
        yield Reference(kind="Role", name=role.get("name") or "")


def _of_account(manifest: Manifest) -> Iterator[Reference]:
    for secret in objects(manifest, "imagePullSecrets"):
        yield Reference(kind="Secret", name=secret.get("name") or "")


_REFERRING = {
    "Ingress": _of_ingress,
    "HTTPRoute": _of_route,
    "HorizontalPodAutoscaler": _of_autoscaler,
    "RoleBinding": _of_binding,
    "ServiceAccount": _of_account,
}
