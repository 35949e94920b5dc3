"""The objects that the program would create, as plain Kubernetes manifests.

Not there: what an operator makes of them, such as the pods of a CloudNativePG `Cluster`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ..unit.recorder import record_stack, stack_file

Manifest = dict[str, Any]

STACKS = ("dev", "prod")
# For what takes long with either, and says nearly the same of both.
PROD_SLOWLY = ("dev", pytest.param("prod", marks=pytest.mark.slow))
_PREFIX = "kubernetes:"
_PARTS = {"apiVersion", "kind", "metadata"}


def of_stack(stack: str) -> list[Manifest]:
    """Return the objects of a stack as its own file configures it."""
    return rendered(stack_file(stack))


def rendered(config: Mapping[str, object]) -> list[Manifest]:
    """Return the objects of a stack with this configuration, in an order that does not change."""
    recorded = record_stack(config).resources
    # A patch is a part of an object that another resource creates.
    resources = [each for each in recorded if each.type.startswith(_PREFIX) and not each.is_patch]
    incomplete = [entry.urn for entry in resources if not entry.inputs.keys() >= _PARTS]
    assert not incomplete, f"these are no whole objects, so no judge would see them: {incomplete}"
    return sorted((entry.inputs for entry in resources), key=named)


def named(manifest: Manifest) -> str:
    """Return the object as findings and waivers call it: `Kind/name`."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def stream(manifests: Iterable[Manifest]) -> str:
    """Return all objects as one stream of YAML documents, each of them on one line."""
    return "".join(f"---\n{json.dumps(manifest)}\n" for manifest in manifests)
