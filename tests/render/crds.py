"""Schemas of other projects' kinds, for the fields used here, checked as strictly as by an API server.

crds.json is an excerpt: the schemas' parts for fields that the examples or the renderings use, without
descriptions. Its keys name the kind, its version, and the release that the excerpt is from.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by `apiVersion/kind`."""
    text = Path(__file__).with_name("crds.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return {name.partition(" ")[0]: schema for name, schema in found.items()}


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """Return the reasons for which the API server would refuse an object, or drop a part of it."""
    name = f"{manifest['apiVersion']}/{manifest['kind']}"
    rest = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata")}
    return list(_problems(rest, schemas()[name], manifest["kind"]))


def _problems(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind and not isinstance(value, _TYPES[kind]):
        yield f"{path} is {value!r} and no {kind}"
    elif isinstance(value, dict):
        yield from (f"{path}.{key} is missing" for key in schema.get("required", ()) if key not in value)
        more = schema.get("additionalProperties")
        for key, inner in value.items():
            below = schema.get("properties", {}).get(key, more)
            if below is None:
                yield f"{path}.{key} does not exist"
            else:
                yield from _problems(inner, below, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _problems(inner, schema["items"], f"{path}[{index}]")
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {value!r}, none of {schema['enum']}"
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path} is {value!r}, which {schema['pattern']} does not match"
