"""JSON schemas, as strict as the API server with `fieldValidation: Strict`, from its own OpenAPI document.

Not here: what the document does not say, which is most of the server's validation and the rules in CEL.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

_REFERENCE = "#/definitions/"
_FREE = ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource")
# Types that the server reads as text or number, and the document calls string.
_TEXT_OR_NUMBER = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ["string", "number"],
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ["string", "integer"],
}


def served(openapi: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Return each served kind by its apiVersion and name, with the name of its definition."""
    kinds = {}
    for name, definition in openapi["definitions"].items():
        for kind in definition.get("x-kubernetes-group-version-kind", ()):
            api_version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
            kinds[api_version, kind["kind"]] = name
    return kinds


def standalone(openapi: Mapping[str, Any], name: str) -> Schema:
    """Return the schema of a definition, with all that it refers to."""
    definitions: dict[str, Schema] = {}
    missing = [name]
    while missing:
        current = missing.pop()
        if current not in definitions:
            definitions[current] = _definition(current, openapi["definitions"][current])
            missing.extend(_references(definitions[current]))
    return {"$ref": _REFERENCE + name, "definitions": definitions}


def _definition(name: str, node: Mapping[str, Any]) -> Schema:
    return {"type": _TEXT_OR_NUMBER[name]} if name in _TEXT_OR_NUMBER else _strict(node)


def _strict(node: Mapping[str, Any]) -> Schema:
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    schema = {key: value for key, value in node.items() if key != "description" and not key.startswith("x-")}
    if node.get("x-kubernetes-int-or-string"):
        schema["type"] = ["string", "integer"]
    if "properties" in node:
        schema["properties"] = {name: _strict(value) for name, value in node["properties"].items()}
        if not any(node.get(mark) for mark in _FREE):
            schema.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            schema[key] = _strict(node[key])
    return schema


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(_REFERENCE)
        for value in node.values():
            yield from _references(value)
