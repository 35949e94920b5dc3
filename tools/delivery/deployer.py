"""The Role and the ClusterRole of a deployer of one stack, with what an administrator applies around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from tools.delivery import rights
from tools.delivery.rights import Manifest

_VERSION = f"{rights.RBAC}/v1"
NAME = "feastflow-deployer"


def documents(
    objects: Sequence[Manifest], project: str, stack: str, namespace: str, subjects: Sequence[str]
) -> list[dict[str, Any]]:
    """Return what lets a user deploy the stack, in the order in which it is applied.

    `objects` are all that the stack makes. `subjects` are the users' names at the API server, or service
    accounts' (`system:serviceaccount:NAMESPACE:NAME`); without any nothing is bound.
    """
    # The SDK takes its time to load, and no other command of this room needs it.
    from components.guards.cluster import live  # noqa: PLC0415

    found: list[dict[str, Any]] = []
    if any(each["kind"] == "Namespace" for each in objects):
        # A Role can only be in a namespace that exists; the stack takes over the empty one that is reserved
        # for it. Its labels are the stack's alone: what another manager sets too, the stack could not change.
        metadata = {"name": namespace, "annotations": {live.RESERVED: f"{project}/{stack}"}}
        found.append({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    place = {"namespace": namespace}
    cluster = {"name": f"{namespace}-deployer"}
    within = rights.rules(rights.of_namespace(objects))
    found.append(_role("Role", {"name": NAME, **place}, within))
    found.append(_role("ClusterRole", cluster, rights.rules(rights.of_cluster(objects, namespace))))
    if subjects:
        found.append(_binding("RoleBinding", {"name": NAME, **place}, "Role", subjects))
        found.append(_binding("ClusterRoleBinding", cluster, "ClusterRole", subjects))
    return found


def text(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the objects as YAML, as `kubectl apply --filename -` reads them."""
    return yaml.safe_dump_all(found, sort_keys=False, explicit_start=True)


def _role(kind: str, metadata: Mapping[str, str], rules: Sequence[rights.Rule]) -> dict[str, Any]:
    return {"apiVersion": _VERSION, "kind": kind, "metadata": dict(metadata), "rules": list(rules)}


def _binding(kind: str, metadata: Mapping[str, str], role: str, subjects: Sequence[str]) -> dict[str, Any]:
    return {
        "apiVersion": _VERSION,
        "kind": kind,
        "metadata": dict(metadata),
        "roleRef": {"apiGroup": rights.RBAC, "kind": role, "name": metadata["name"]},
        "subjects": [{"apiGroup": rights.RBAC, "kind": "User", "name": name} for name in subjects],
    }
