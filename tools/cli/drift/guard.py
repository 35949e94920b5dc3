"""Guards before drift is looked for: the stack's own cluster, and objects that are still the stack's own."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tools.cli.drift.wanted import Key, Manifest, key
from tools.state import deployment
from tools.toolchain.errors import UserError

# What the program writes on its namespace; see components/guards/ownership.py.
OWNER = "feastflow.pulumi.com/owner"
_FACTS = "dataDependsOn"
_UNKNOWN = "context-"


def same_cluster(exported: deployment.Deployment, identity: str, context: str) -> None:
    """Compare the cluster of the last deployment with the one that is looked at, where both are known.

    Raises:
        UserError: with both.
    """
    for recorded in _facts(exported):
        before = str(recorded.get("cluster") or identity)
        if not identity.startswith(_UNKNOWN) and before != identity:
            raise UserError(
                f"the stack is deployed to {recorded.get('clusterName', 'another cluster')}, and "
                f"{context} is another cluster",
                "every object would be missing here, and would be created a second time",
                "name the context of the stack's own cluster: CONTEXT=...",
            )


def same_owner(wanted: Iterable[Manifest], live: Mapping[Key, Manifest]) -> None:
    """Compare who owns the objects that carry an owner.

    Raises:
        UserError: when another stack's name is on one of them.
    """
    for manifest in wanted:
        ours, theirs = _owner(manifest), _owner(live.get(key(manifest), {}))
        if ours and theirs and ours.rpartition("/")[2] != theirs.rpartition("/")[2]:
            name = f"{manifest['kind']} {manifest['metadata']['name']}"
            raise UserError(
                f"{name} belongs to the stack {theirs.rpartition('/')[0]} now",
                "what is repaired here would be taken from it",
                "find out who took it over; to delete this stack's record of it: make destroy",
            )


def _owner(thing: Mapping[str, Any]) -> str | None:
    annotations = (thing.get("metadata") or {}).get("annotations") or {}
    return annotations.get(OWNER)


def _facts(exported: deployment.Deployment) -> Iterator[Mapping[str, Any]]:
    for resource in deployment.resources(exported):
        found = (resource.get("outputs") or {}).get(_FACTS)
        if isinstance(found, Mapping):
            yield found
