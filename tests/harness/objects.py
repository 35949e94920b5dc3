"""Live objects of one stack's namespace, as they can be compared with those of another.

Left out is what the cluster or a tool adds to what it was given: status, addresses, uids, times, the marks of
kubectl, Pulumi, Argo CD and Flux. Names that follow content lose it, the namespace's name becomes a sign.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tools.bench.place import CLUSTER_SCOPED, INSTANCE

from .kube import Kube, Object

# What controllers create for the objects, or write into them.
_MADE = {
    "controllerrevisions.apps",
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "events",
    "events.events.k8s.io",
    "leases.coordination.k8s.io",
    "pods",
    "pods.metrics.k8s.io",
    "replicasets.apps",
}
_TOOLS = re.compile(
    r"(pulumi\.com|kubectl\.kubernetes\.io|argocd\.argoproj\.io|kustomize\.toolkit\.fluxcd\.io"
    r"|deployment\.kubernetes\.io|pv\.kubernetes\.io|volume\.(beta\.)?kubernetes\.io"
    r"|batch\.kubernetes\.io)/"
)
_OF_THE_JOB = {"controller-uid", "job-name"}
_MANAGED_BY = "app.kubernetes.io/managed-by"
_CONTENT = re.compile(r"(feastflow-(?:config|secret|roles|migrations)[a-z-]*?)-(?:[0-9a-f]{10}|[0-9]{1,3})\b")


def comparable(kube: Kube) -> dict[str, Any]:
    """Return the comparable fields of each of the stack's objects, by kind and name."""
    kinds = [kind for kind in kube.kinds(namespaced=True) if kind not in _MADE]
    selector = ("--selector", f"{INSTANCE}={kube.namespace}")
    found = kube.all(",".join([*kinds, "namespaces", *CLUSTER_SCOPED]), *selector)
    plain = [_plain(thing, kube.namespace) for thing in found]
    # Several groups may serve the same object.
    return {f"{each['kind']} {each['metadata']['name']}": each for each in plain}


def without_content(text: str) -> str:
    """Return the text with names that follow content reduced to what does not."""
    return _CONTENT.sub(r"\1", text)


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Return the differences of two things, each with its path."""
    return list(_differences(one, other, path))


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(*pair, f"{path}[{index}]")
    elif one != other:
        yield f"{path}: {one!r} and {other!r}"


def _plain(thing: Object, namespace: str) -> Object:
    # Only as a whole word: a group is called feastflow-developers.
    text = re.sub(rf"{namespace}(?![a-z0-9])", "NAMESPACE", json.dumps(thing))
    given: Object = _without_marks(json.loads(without_content(text)))
    metadata = given.pop("metadata")
    given.pop("status", None)
    kept = {key: metadata[key] for key in ("name", "labels", "annotations") if metadata.get(key)}
    spec = given.get("spec", {})
    match given["kind"]:
        case "Deployment":
            # The autoscaler sets it.
            spec.pop("replicas")
        case "Job":
            spec.pop("selector")
        case "PersistentVolumeClaim":
            spec.pop("volumeName")
        case "Secret":
            given["data"] = sorted(given["data"])
        case "Service" if spec["clusterIP"] != "None":
            for key in ("clusterIP", "clusterIPs"):
                spec.pop(key)
    return {**given, "metadata": kept}


def _without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: inner
            for key, inner in ((key, _without_marks(inner)) for key, inner in value.items())
            if not (_TOOLS.match(key) or key == _MANAGED_BY or key in _OF_THE_JOB)
            and not (key == "annotations" and not inner)
        }
    return [_without_marks(inner) for inner in value] if isinstance(value, list) else value
