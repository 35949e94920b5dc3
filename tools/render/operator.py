"""The part of External Secrets that renderings need: the Secret that it makes of an ExternalSecret."""

import re
from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]

_PLACEHOLDER = re.compile(r"\{\{ (?:\.(?P<name>\w+)|index \. \"(?P<dotted>[^\"]+)\") \}\}")


def made(manifest: Manifest, store: Mapping[str, Mapping[str, str]]) -> Manifest:
    """Return the Secret that the operator makes of it, with the values that the store has."""
    spec, target = manifest["spec"], manifest["spec"]["target"]
    known = {
        each["secretKey"]: store[each["remoteRef"]["key"]][each["remoteRef"]["property"]]
        for each in spec["data"]
    }
    template = target["template"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": target["name"],
            "namespace": manifest["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
        },
        "type": template["type"],
        "immutable": target["immutable"],
        "stringData": {
            key: _PLACEHOLDER.sub(lambda found: known[found["name"] or found["dotted"]], text)
            for key, text in template["data"].items()
        },
    }
