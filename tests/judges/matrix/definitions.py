"""OpenAPI documents of the supported versions, with the kinds of the pinned custom resources among them."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tools.cluster import addons
from tools.toolchain import openapi

Document = Mapping[str, Any]

_METADATA = {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
# add-on → where its definitions are: the file or folder that its kustomization names.
_FILES = {
    "cloudnative-pg": "",
    "traefik": "kubernetes-crd-definition-v1.yml",
    "gateway-api": "standard",
}
_KIND = "x-kubernetes-group-version-kind"


@cache
def document(minor: str) -> Document:
    """Return a version's document, as a cluster of it with the add-ons would give it."""
    return {"definitions": {**openapi.document(minor)["definitions"], **_custom()}}


@cache
def _custom() -> dict[str, Any]:
    """Return the definitions of the kinds of CloudNativePG, Traefik and the Gateway API, at their pins."""
    return {
        f"{kind['group']}.{kind['version']}.{kind['kind']}": definition
        for addon, file in _FILES.items()
        for definition in _definitions(addons.upstream(addon) / file)
        for kind in definition[_KIND]
    }


def _definitions(place: Path) -> Iterator[dict[str, Any]]:
    for manifest in sorted(place.glob("*.yaml")) if place.is_dir() else [place]:
        # libyaml's parser: the pure one takes many seconds for these.
        for thing in yaml.load_all(manifest.read_text(encoding="utf-8"), yaml.CSafeLoader):
            if thing and thing["kind"] == "CustomResourceDefinition":
                spec = thing["spec"]
                for version in spec["versions"]:
                    schema = version["schema"]["openAPIV3Schema"]
                    kind = {
                        "group": spec["group"],
                        "version": version["name"],
                        "kind": spec["names"]["kind"],
                    }
                    yield {
                        **schema,
                        "properties": {**schema["properties"], "metadata": _METADATA},
                        _KIND: [kind],
                    }
