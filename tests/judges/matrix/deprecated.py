"""Kinds and fields that a version's document calls deprecated, and APIs that are not stable."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .. import schemas
from ..manifests import Manifest, named

# As Kubernetes' own types say it of a field or a kind; elsewhere the word is about something else.
_SAYS_SO = re.compile(r"\bDeprecated[.:]|This (?:field|API) is deprecated")
_STABLE = re.compile(r"v\d+")
_REFERENCE = "#/definitions/"


def findings(manifests: Iterable[Manifest], document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the deprecated kinds and fields of objects, and those whose API is no stable one.

    A kind of other projects is judged by its fields alone.
    """
    kinds = schemas.served(document)
    for manifest in manifests:
        api_version = manifest["apiVersion"]
        name = kinds.get((api_version, manifest["kind"]))
        if name is None:
            continue
        if name.startswith("io.k8s.") and not _STABLE.fullmatch(api_version.rpartition("/")[2]):
            yield f"{named(manifest)}: {api_version} is no stable version"
        yield from _of(manifest, {"$ref": _REFERENCE + name}, document["definitions"], named(manifest))


def _of(value: object, node: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> Iterator[str]:
    said = [node.get("description", "")]
    while "$ref" in node:
        node = definitions[node["$ref"].removeprefix(_REFERENCE)]
        said.append(node.get("description", ""))
    if any(map(_SAYS_SO.search, said)):
        yield f"{path} is deprecated"
    if isinstance(value, dict):
        known, other = node.get("properties", {}), node.get("additionalProperties")
        for key, inner in value.items():
            below = known.get(key, other)
            if isinstance(below, dict):
                yield from _of(inner, below, definitions, f"{path}.{key}")
    elif isinstance(value, list) and "items" in node:
        for index, inner in enumerate(value):
            yield from _of(inner, node["items"], definitions, f"{path}[{index}]")
