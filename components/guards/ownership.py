"""Ownership: a stack belongs to one cluster, and a namespace to one stack.

A stack's identity is a UUID that its state keeps, so that it moves with the state, survives a rename, and is
never that of a copied stack file. It is written on the namespace; an update that finds another one there, or
none where the stack has never been deployed, is refused before anything is changed.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_random as random

from ..settings.file import stackfile
from ..settings.model.stack import Kubeconfig, Stack
from ..settings.problem import problem
from .cluster.live import OWNER, Namespace, Seen

CLUSTER = "cluster"
CLUSTER_NAME = "clusterName"
CREATED = "tenancy.createNamespace"
# Names the namespace that this update may take over; `make adopt` sets it after it has looked inside.
ADOPT = "FEASTFLOW_ADOPT"

_NAMESPACE = "feastflow:namespace"
_ANOTHER = "The stack is deployed to another cluster; nothing was changed."
_FOREIGN = "The namespace is not this stack's; nothing was changed."
_TWO_STACKS = "Two stacks would own one namespace; nothing was changed."


def identity() -> pulumi.Output[str]:
    """Return the stack's UUID, made by its first update."""
    return random.RandomUuid("owner").result


def mark(uuid: str) -> str:
    """Return what is written on a namespace: `project/stack/uuid`. Only the UUID is compared."""
    return f"{pulumi.get_project()}/{pulumi.get_stack()}/{uuid}"


def check(
    stack: Stack,
    seen: Seen | None,
    before: Mapping[str, Any],
    uuid: str | None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Refuse another cluster than that of the last update, and a namespace of another owner.

    `before` are the facts that the last update recorded, empty at the first. `uuid` is the stack's identity,
    None in the preview of a first update.

    Raises:
        pulumi.RunError: with what was found, why it matters, and what to do.
    """
    if seen is None:
        return
    if seen.unseen:
        pulumi.log.warn(
            f"{seen.name}: {seen.unseen}. So it was not compared whether this is the cluster of the last "
            f"update, and whether the namespace {stack.namespace} is another stack's."
        )
        return
    if seen.cluster and before.get(CLUSTER, seen.cluster) != seen.cluster:
        raise pulumi.RunError(f"{_ANOTHER}\n\n{_another_cluster(seen, before)}")
    namespace = seen.namespace
    if namespace is None:
        if not stack.tenancy.create_namespace:
            raise pulumi.RunError(f"{_FOREIGN}\n\n{_missing(stack)}")
        return
    if namespace.deleting:
        raise pulumi.RunError(f"{_FOREIGN}\n\n{_deleting(stack)}")
    if namespace.owner and uuid and namespace.owner.endswith(f"/{uuid}"):
        if namespace.touched:
            pulumi.log.warn(
                f"{seen.name}: {'; '.join(namespace.touched)}. An update does not see that: `make drift` "
                "reports all of it, and `make up` repairs it."
            )
        return
    is_ours = before.get("namespace") == stack.namespace and before.get(CREATED, True)
    if namespace.owner or not (is_ours or _may_be_used(stack, namespace, before, environ)):
        raise pulumi.RunError(f"{_FOREIGN}\n\n{_foreign(stack, namespace)}")


def siblings(folder: Path, stack: Stack, kubeconfig: Kubeconfig) -> None:
    """Refuse a namespace that another stack's file in the folder names too, for the same cluster.

    Files with different `kubernetes:context` are for different clusters. Only what can be read is compared,
    and nothing where the stack's own file is elsewhere (`--config-file`).

    Raises:
        pulumi.RunError: with the names of both stacks.
    """
    own = pulumi.get_stack().rpartition("/")[2]
    if not (folder / f"Pulumi.{own}.yaml").exists():
        return
    for path in sorted(folder.glob("Pulumi.*.yaml")):
        name = stackfile.stack(path)
        config = _config(path)
        namespace = config.get(f"{pulumi.get_project()}:namespace")
        if name == own or namespace != stack.namespace:
            continue
        context = config.get("kubernetes:context")
        if context and kubeconfig.context and context != kubeconfig.context:
            continue
        raise pulumi.RunError(f"{_TWO_STACKS}\n\n{_shared(own, name, stack)}")


def _may_be_used(
    stack: Stack, namespace: Namespace, before: Mapping[str, Any], environ: Mapping[str, str]
) -> bool:
    """Return whether a namespace without an owner may become the stack's, or be used by it."""
    if environ.get(ADOPT) == stack.namespace:
        return True
    if namespace.reserved == f"{pulumi.get_project()}/{pulumi.get_stack().rpartition('/')[2]}":
        return not namespace.contents
    return not stack.tenancy.create_namespace and (bool(before) or not namespace.contents)


def _config(path: Path) -> Mapping[str, Any]:
    try:
        return stackfile.load(path).config
    except stackfile.StackFileError:
        return {}


def _another_cluster(seen: Seen, before: Mapping[str, Any]) -> str:
    name = pulumi.get_stack()
    return problem(
        "kubernetes:context",
        found=f"{seen.name}, cluster {seen.cluster}\n"
        f"(was {before.get(CLUSTER_NAME) or 'another'}, cluster {before[CLUSTER]})",
        why="the state describes the other cluster: what it records as deployed is not here, and what "
        "is here may be another stack's",
        fix="name the stack's own cluster: pulumi config set kubernetes:context NAME\n"
        "or deploy to this one with a stack of its own: pulumi stack init NAME\n"
        f"or, if the other cluster is gone with its data: pulumi stack rm --force --preserve-config {name}",
    )


def _missing(stack: Stack) -> str:
    return problem(
        _NAMESPACE,
        found=f"{stack.namespace}, which does not exist or cannot be read",
        why="tenancy.createNamespace is false, so the namespace must be given to the stack",
        fix=f"kubectl create namespace {stack.namespace}, or have it created by the stack: "
        "pulumi config set --path feastflow:tenancy.createNamespace true",
    )


def _deleting(stack: Stack) -> str:
    return problem(
        _NAMESPACE,
        found=f"{stack.namespace}, which is being deleted",
        why="whatever is created in it would be deleted with it",
        fix=f"kubectl wait --for=delete namespace/{stack.namespace} --timeout=5m, and run it again",
    )


def _foreign(stack: Stack, namespace: Namespace) -> str:
    if namespace.owner:
        owner, _, state = namespace.owner.rpartition("/")
        found = f"it belongs to the stack {owner} (state {state})"
    elif namespace.contents:
        found = f"it exists and holds {', '.join(namespace.contents)}"
    elif namespace.reserved:
        found = f"it is reserved for the stack {namespace.reserved}"
    else:
        found = "it exists, and this stack has not created it"
    own = f"{stack.namespace}-{pulumi.get_stack().rpartition('/')[2]}"
    return problem(
        _NAMESPACE,
        found=f"{stack.namespace}: {found}",
        why="this stack would overwrite the other's objects, and destroying it would delete them with their "
        "data",
        fix=f"give the stack a namespace of its own: pulumi config set {_NAMESPACE} {own[:63]}\n"
        f"{_otherwise(stack, namespace)}",
    )


def _otherwise(stack: Stack, namespace: Namespace) -> str:
    if namespace.owner:
        return (
            "or, if that state is lost and cannot be restored: "
            f"kubectl annotate namespace {stack.namespace} {OWNER}-, and make adopt"
        )
    return (
        "or take over a FeastFlow that kubectl or a GitOps tool applied: make adopt\n"
        "or use an empty namespace that was given to you: "
        "pulumi config set --path feastflow:tenancy.createNamespace false"
    )


def _shared(own: str, other: str, stack: Stack) -> str:
    return problem(
        _NAMESPACE,
        found=f"{stack.namespace}, in Pulumi.{own}.yaml and in Pulumi.{other}.yaml",
        why=f"{own} would overwrite the objects of {other}, and destroying one would delete the other's data",
        fix=f"pulumi config set --stack {own} {_NAMESPACE} {f'{stack.namespace}-{own}'[:63]}\n"
        "or, where they are on different clusters, name each one's: "
        "pulumi config set --stack NAME kubernetes:context CONTEXT",
    )
