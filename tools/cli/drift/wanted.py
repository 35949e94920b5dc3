"""The objects that a stack's last deployment applied, with the field manager of each."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.state import deployment

Manifest = dict[str, Any]
Key = tuple[str, str, str, str]

_OBJECT = "kubernetes:"
# Where a secret's value is in an export that shows it.
_PLAIN = "plaintext"
_MANAGER = "__fieldManager"
_UNTYPED = {"", "v1"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One object as its resource applied it.

    `manager` is the resource's field manager. `is_patch` says that another resource makes the object.
    `secrets` are the values that no output may show.
    """

    urn: str
    manifest: Manifest = field(repr=False)
    manager: str
    is_patch: bool = False
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def resource(self) -> str:
        """Return the name of its resource."""
        return self.urn.rpartition("::")[2]

    @property
    def key(self) -> Key:
        """Return the object's group, kind, namespace and name."""
        return key(self.manifest)


def key(thing: Mapping[str, Any]) -> Key:
    """Return the group, kind, namespace and name of an object: equal in all of its versions."""
    group = str(thing.get("apiVersion", "")).rpartition("/")[0]
    metadata = thing.get("metadata") or {}
    return group, str(thing.get("kind")), str(metadata.get("namespace") or ""), str(metadata.get("name"))


def of(exported: deployment.Deployment) -> tuple[Wanted, ...]:
    """Return the objects of an export with its secrets shown.

    Resources whose last step has no known end are left out: the next update repeats it, and until then it is
    not known what they should be.
    """
    open_steps = deployment.open_steps(exported)
    return tuple(
        _wanted(resource)
        for resource in deployment.resources(exported)
        if resource.get("custom")
        and str(resource["type"]).startswith(_OBJECT)
        and not resource.get("delete")
        and not resource.get("external")
        and resource["urn"] not in open_steps
        and (resource.get("inputs") or {}).get("kind")
    )


def _wanted(resource: Mapping[str, Any]) -> Wanted:
    found: set[str] = set()
    inputs = _plain(resource["inputs"], found)
    outputs = resource.get("outputs") or {}
    manifest = {name: value for name, value in inputs.items() if not name.startswith("__")}
    if manifest["kind"] == "Secret":
        manifest = _encoded(manifest)
        # In clear too: an annotation that another tool adds may quote it.
        found |= set(_texts(manifest.get("data") or {}))
        found |= {base64.b64decode(text).decode("utf-8", "replace") for text in _texts(manifest.get("data"))}
    return Wanted(
        urn=str(resource["urn"]),
        manifest=manifest,
        manager=str(_plain(outputs.get(_MANAGER), set()) or "pulumi-kubernetes"),
        is_patch=str(resource["type"]).endswith("Patch"),
        secrets=frozenset(found - _UNTYPED),
    )


def _plain(value: Any, secrets: set[str]) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return the value with its secrets in clear; their texts are added to `secrets`."""
    if isinstance(value, list):
        return [_plain(part, secrets) for part in value]
    if not isinstance(value, dict):
        return value
    if deployment.is_secret(value):
        plain = json.loads(value[_PLAIN]) if _PLAIN in value else value.get("value")
        plain = _plain(plain, secrets)
        secrets.update(_texts(plain))
        return plain
    return {name: _plain(part, secrets) for name, part in value.items()}


def _encoded(secret: Manifest) -> Manifest:
    """Return the Secret as the provider applies it: `stringData` as `data`."""
    clear: Mapping[str, str] = secret.get("stringData") or {}
    data = {name: base64.b64encode(value.encode()).decode() for name, value in clear.items()}
    rest = {name: value for name, value in secret.items() if name != "stringData"}
    return {**rest, "data": {**(secret.get("data") or {}), **data}} if data else rest


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
