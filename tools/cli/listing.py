"""Objects as kubectl reads them from its standard input: `--filename -`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def text(objects: Iterable[Mapping[str, Any]]) -> str:
    """Return a List of the objects."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def reference(thing: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names an object, without anything of what is in it."""
    metadata = thing["metadata"]
    return {
        "apiVersion": thing["apiVersion"],
        "kind": thing["kind"],
        "metadata": {name: metadata[name] for name in ("name", "namespace") if name in metadata},
    }
