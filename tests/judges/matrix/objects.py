"""The objects that every version judges: of both stacks, as files for kubectl too, and of each example."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any

from tools.render import program
from tools.render.manifests import render
from tools.render.secrets import Store

from ...unit import composed
from ...unit.recorder import stack_file
from .. import manifests
from ..manifests import STACKS, Manifest

_STORE = Store(kind="ClusterSecretStore", name="vault", path="teams/feastflow")
# What the stacks' own files leave at its default and changes kinds or many fields.
_VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "gateway": {
        "edge": {
            "mode": "gateway",
            "className": "traefik",
            "listenerPort": 8000,
            "attempts": 3,
            "tls": {"enabled": True, "secretName": "feastflow-tls"},
        }
    },
    "blue-green": {tier: {"release": {"strategy": "blue-green"}} for tier in ("backend", "frontend")},
    "canary": {tier: {"release": {"strategy": "canary"}} for tier in ("backend", "frontend")},
}


@cache
def by_stack() -> Mapping[str, list[Manifest]]:
    """Return the objects by the name of what they are of."""
    found = {name: manifests.rendered(config) for name, config in _configurations()}
    for stack in STACKS:
        rendered = render(program.objects(stack, stack_file(stack)), _STORE)
        found[f"{stack}, rendered"] = [each.manifest for each in rendered]
    return found


@cache
def every() -> list[Manifest]:
    """Return all objects, equal ones once."""
    distinct = {json.dumps(each, sort_keys=True): each for each in chain.from_iterable(by_stack().values())}
    return list(distinct.values())


def _configurations() -> Iterator[tuple[str, Mapping[str, object]]]:
    for stack in STACKS:
        own: dict[str, Any] = stack_file(stack)
        yield stack, own
        for name, sections in _VARIANTS.items():
            prefixed = {f"feastflow:{key}": value for key, value in sections.items()}
            changed = {key: {**own.get(key, {}), **value} for key, value in prefixed.items()}
            yield f"{stack}, {name}", {**own, **changed}
    for number, config in enumerate(composed.stacks()):
        yield f"examples {number}", config
