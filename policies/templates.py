"""Pod templates inside kinds that the rules do not know: found by their shape, at any depth.

The API server cannot search (CEL has no recursion): there the kinds of kinds.py are judged by their known
places, and what any other operator makes is judged when its pods are created.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .kinds import GROUPS

_LISTS = ("containers", "initContainers", "ephemeralContainers")
# Fields that, next to `image`, tell a container from a picture.
_OF_A_CONTAINER = (
    "args",
    "command",
    "env",
    "envFrom",
    "imagePullPolicy",
    "livenessProbe",
    # Of an ImageCatalog of CloudNativePG's.
    "major",
    "name",
    "ports",
    "readinessProbe",
    "resources",
    "script",
    "securityContext",
    "volumeMounts",
)
# Maps with keys of the user's own: there a null means an empty text, and the key stays.
_MAPS_OF_TEXTS = ("annotations", "data", "labels", "matchLabels", "nodeSelector", "selector", "stringData")
# Kubernetes' own objects that hold schemas and rules, and no pods.
_NO_PODS = ("CustomResourceDefinition", "ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A pod's spec in another object; `whole` where nothing else fills in what it leaves out."""

    pod: Mapping[str, Any]
    annotations: Mapping[str, Any]
    whole: bool


def foreign(kind: str) -> bool:
    """Return True if a kind must be searched, since no path of a pod template is known in it."""
    return kind not in GROUPS and not kind.startswith("serving.knative.dev/") and _bare(kind) not in _NO_PODS


def found(manifest: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every pod template in an object, and every container that stands alone."""
    for key, value in manifest.items():
        if key != "metadata":
            yield from _within(value, key, {})


def without_nulls(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object as the API server reads it: null fields are absent, null texts in a map are empty."""
    # Hardly any object has one, and every rule asks.
    return _read(manifest, "") if _has_null(manifest) else manifest


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(entry is None or _has_null(entry) for entry in value.values())
    return isinstance(value, list) and any(_has_null(entry) for entry in value)


def _read(value: Any, above: str) -> Any:
    if isinstance(value, Mapping):
        empty = "" if above in _MAPS_OF_TEXTS else None
        read = {key: empty if entry is None else entry for key, entry in value.items()}
        return {key: _read(entry, str(key)) for key, entry in read.items() if entry is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_read(entry, "") for entry in value]
    return value


def _within(value: Any, key: str, above: Mapping[str, Any]) -> Iterator[Found]:
    if isinstance(value, Mapping):
        if any(_containers(value.get(name)) for name in _LISTS):
            yield Found(pod=value, annotations=_annotations(above), whole=_whole(value, key, above))
            return
        if _is_container(value):
            yield Found(pod={"containers": [value]}, annotations={}, whole=False)
        for name, entry in value.items():
            yield from _within(entry, str(name), value)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for entry in value:
            yield from _within(entry, key, {})


def _whole(pod: Mapping[str, Any], key: str, above: Mapping[str, Any]) -> bool:
    """Return True for a `spec` next to nothing but metadata whose containers all name their image."""
    listed = pod.get("containers")
    return (
        key == "spec"
        and set(above) <= {"apiVersion", "kind", "metadata", "spec"}
        and _containers(listed)
        and all(isinstance(entry, Mapping) and "image" in entry for entry in listed or ())
    )


def _containers(value: Any) -> bool:
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return listed and any(isinstance(entry, Mapping) for entry in value)


def _is_container(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("image"), str) and any(name in value for name in _OF_A_CONTAINER)


def _annotations(above: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = above.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return annotations if isinstance(annotations, Mapping) else {}


def _bare(kind: str) -> str:
    return kind.rpartition("/")[2]
