"""kubeconform with schemas from an OpenAPI document, here one of a very small cluster."""

from pathlib import Path
from typing import Any

import pytest

from . import kubeconform
from .manifests import Manifest

_GROUP = "x-kubernetes-group-version-kind"
_OPENAPI: dict[str, Any] = {
    "definitions": {
        "example.Door": {
            _GROUP: [{"group": "", "version": "v1", "kind": "Door"}],
            "type": "object",
            "required": ["spec"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"$ref": "#/definitions/example.Metadata", "description": "its name"},
                "spec": {
                    "type": "object",
                    "properties": {
                        "width": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"},
                        "port": {"x-kubernetes-int-or-string": True},
                        "rooms": {"type": "array", "items": {"$ref": "#/definitions/example.Room"}},
                        "extra": {
                            "type": "object",
                            "properties": {"known": {"type": "string"}},
                            "x-kubernetes-preserve-unknown-fields": True,
                        },
                    },
                },
            },
        },
        "example.Metadata": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "example.Room": {
            "type": "object",
            "properties": {"seats": {"type": "integer"}, "behind": {"$ref": "#/definitions/example.Room"}},
        },
        "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"},
    }
}


def _door(spec: dict[str, Any], **change: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "Door", "metadata": {"name": "front"}, "spec": spec} | change


@pytest.mark.parametrize(
    "spec",
    [
        {"rooms": [{"seats": 1, "behind": {"seats": 2}}]},
        {"width": "80Mi"},
        {"width": 80},
        {"port": "http"},
        {"port": 80},
        {"extra": {"unheard": "of"}},
    ],
)
def test_an_object_that_the_cluster_would_take_is_no_finding(tmp_path: Path, spec: dict[str, Any]) -> None:
    assert kubeconform.findings([_door(spec)], _OPENAPI, tmp_path) == []


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (_door({"colour": "red"}), "at '/spec': additional properties 'colour' not allowed"),
        (_door({"rooms": [{"behind": {"chairs": 1}}]}), "at '/spec/rooms/0/behind': additional properties"),
        (_door({"rooms": [{"seats": "two"}]}), "at '/spec/rooms/0/seats': got string, want integer"),
        (_door({"width": True}), "at '/spec/width': got boolean"),
        (_door({"port": 1.5}), "at '/spec/port': got number"),
        (_door({}, metadata={"name": "front", "labels": {"a": 1}}), "at '/metadata/labels/a': got number"),
        ({"apiVersion": "v1", "kind": "Door", "metadata": {"name": "front"}}, "missing property 'spec'"),
        (_door({}, apiVersion="v2"), "could not find schema for Door"),
    ],
)
def test_what_the_cluster_would_refuse_or_drop_is_a_finding(
    tmp_path: Path, manifest: Manifest, message: str
) -> None:
    (found,) = kubeconform.findings([manifest], _OPENAPI, tmp_path)

    assert found.resource == "Door/front"
    assert message in found.message
