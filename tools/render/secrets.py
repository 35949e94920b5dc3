"""A Secret without its values: a reference that External Secrets turns into one.

A program's Secret is named after its content, which is not known here. Its name in a rendering is its
workload's and the rotation it belongs to: other values come with another rotation, hence under another name,
and pods roll to them as they do under Pulumi. Of the application's own secrets the ciphertext is known, and
the name follows that.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.settings.values import names
from tools.render.recording import GENERATED, Registered

KIND = "ExternalSecret"
_HASH = re.compile(r"-[0-9a-f]{10}$")
_ROTATION = re.compile(r"-([1-9][0-9]*)$")
_BASIC = "kubernetes.io/basic-auth"

Manifest = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Store:
    """The store of the values: the SecretStore, and the path below which each Secret has its entry."""

    kind: str
    name: str
    path: str


def stable_name(secret: Registered) -> str:
    """Return the Secret's name in a rendering: equal for equal rotations, and for equal settings."""
    if is_own(secret):
        return secret.object_name
    found = _ROTATION.search(secret.name)
    if found is None or not _HASH.search(secret.object_name):
        raise ValueError(f"Secret {secret.name} ({secret.object_name}) is named after no rotation or content")
    return f"{_HASH.sub('', secret.object_name)}-{found[1]}"


def is_own(secret: Registered) -> bool:
    """Return whether it holds the application's own secrets, which are given in the settings."""
    return secret.name.endswith(names.OF_APPLICATION)


def reference(secret: Registered, store: Store) -> Manifest:
    """Return the ExternalSecret that stands for the Secret; only the user's name is in it.

    What is derived from another value of it, such as a URL, is made by the operator too, from the same value.

    Raises:
        ValueError: when it is derived from a value that is in another Secret.
    """
    name, inputs = stable_name(secret), secret.inputs
    kind = str(inputs["type"])
    texts = {key: base64.b64decode(value).decode() for key, value in inputs["data"].items()}
    known, hidden = _derived(secret, texts), []
    for key in sorted(texts):
        if key == "username" and kind == _BASIC:
            known[key] = texts[key]
        elif key not in known:
            hidden.append(key)
    metadata = inputs["metadata"]
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": KIND,
        "metadata": {**metadata, "name": name},
        "spec": {
            # A name stands for one content, for ever; a Secret that was deleted is made again.
            "refreshPolicy": "CreatedOnce",
            "secretStoreRef": {"kind": store.kind, "name": store.name},
            "target": {
                "name": name,
                "creationPolicy": "Owner",
                "immutable": True,
                "template": {
                    "engineVersion": "v2",
                    "type": kind,
                    "metadata": {"labels": dict(metadata["labels"])},
                    "data": {**known, **{key: value_of(key) for key in hidden}},
                },
            },
            "data": [
                {"secretKey": key, "remoteRef": {"key": f"{store.path}/{name}", "property": key}}
                for key in hidden
            ],
        },
    }


def _derived(secret: Registered, texts: Mapping[str, str]) -> dict[str, str]:
    """Return the templates of the values that are made of others of the Secret."""
    if is_own(secret):
        return {}
    # The longest first: one may be the beginning of another.
    generated = sorted(
        (key for key, text in texts.items() if text.startswith(GENERATED)), key=lambda key: -len(texts[key])
    )
    found = {}
    for key, text in texts.items():
        if GENERATED not in text or key in generated:
            continue
        template = text
        for other in generated:
            template = template.replace(texts[other], value_of(other))
        if GENERATED in template:
            raise ValueError(
                f"{key} of Secret {secret.name} is derived from a value of another Secret, and a store could "
                "hold two that do not agree: put both into one (components.workloads.environment.Derived)"
            )
        found[key] = template
    return found


def value_of(key: str) -> str:
    """Return the template of an entry's value; a name with a dot in it would be a path for the template."""
    return f"{{{{ .{key} }}}}" if key.isidentifier() else f'{{{{ index . "{key}" }}}}'


def hidden_values(secret: Registered) -> set[str]:
    """Return what must stand nowhere in a rendering, as text and as base64."""
    encoded = {
        value
        for key, value in secret.inputs["data"].items()
        if not (key == "username" and secret.inputs["type"] == _BASIC)
    }
    return encoded | {base64.b64decode(value).decode() for value in encoded}


def entries(manifests: list[Manifest]) -> Mapping[str, tuple[str, ...]]:
    """Return what the store must hold for these manifests: properties by the path of the entry."""
    found: dict[str, tuple[str, ...]] = {}
    for manifest in manifests:
        if manifest["kind"] == KIND:
            references = [each["remoteRef"] for each in manifest["spec"]["data"]]
            for each in references:
                found[each["key"]] = (*found.get(each["key"], ()), each["property"])
    return found
