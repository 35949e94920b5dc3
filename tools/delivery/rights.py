"""Rights at the API server: what deploying objects asks of it, as the rules of RBAC.

Only data, no calls. tests/apiserver keeps every request of a stack's life and compares it with these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]
Rule = dict[str, list[str]]

RBAC = "rbac.authorization.k8s.io"
# Server-side apply of an object that is not there needs `create`, too; `update` is the repair of drift, which
# puts an object without what others added in the place of the one there. See
# https://kubernetes.io/docs/reference/using-api/server-side-apply/#api-operations
_WRITE = ("create", "delete", "get", "patch", "update")
# The provider of Pulumi waits for an end with an informer of the whole kind: no name can be asked for there.
_SEE = ("list", "watch")
_APPS, _CORE, _NETWORKING = "apps", "", "networking.k8s.io"
# What the provider watches to say when an object works, by its kind, but for objects with this annotation.
_SKIP_AWAIT = "pulumi.com/skipAwait"
_WATCHED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Deployment": ((_APPS, "replicasets"), (_CORE, "pods"), (_CORE, "persistentvolumeclaims")),
    "Ingress": ((_CORE, "endpoints"), (_CORE, "services")),
    "Job": ((_CORE, "pods"),),
    "Service": ((_CORE, "endpoints"),),
    "StatefulSet": ((_CORE, "pods"),),
}
# What the program looks at before it changes anything (components/guards/cluster/live.py), and what it tells
# the user when an update waits in vain (tools/cli/diagnosis.py).
_LOOKED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (_APPS, "deployments", ("list",)),
    (_APPS, "statefulsets", ("list",)),
    (_CORE, "persistentvolumeclaims", ("list",)),
    (_NETWORKING, "networkpolicies", ("get", "list")),
    (RBAC, "roles", ("list",)),
    (RBAC, "rolebindings", ("list",)),
    (_CORE, "pods", ("list",)),
    (_CORE, "pods/log", ("get",)),
    (_CORE, "events", ("list", "watch")),
)
# The cluster's identity is the uid of this namespace.
_IDENTITY = "kube-system"


@dataclass(frozen=True, kw_only=True)
class Right:
    """One verb on one resource; `names` are those of the objects, empty for every one."""

    group: str
    resource: str
    verb: str
    names: tuple[str, ...] = ()


def of_namespace(objects: Sequence[Manifest]) -> set[Right]:
    """Return the rights that deploying takes in the namespace, from everything that a stack makes."""
    found = {
        Right(group=group, resource=resource, verb=verb)
        for group, resource, verbs in _LOOKED
        for verb in verbs
    }
    for each in objects:
        if not _is_namespaced(each):
            continue
        group, resource = _group(each), plural(each["kind"])
        # Others' roles and bindings in the namespace are not a deployer's; other names may follow content.
        names = (str(each["metadata"]["name"]),) if group == RBAC else ()
        found |= {Right(group=group, resource=resource, verb=verb, names=names) for verb in _WRITE}
        found |= {Right(group=group, resource=resource, verb=verb) for verb in _SEE}
        for watched_group, watched in _WATCHED.get(each["kind"], ()) if _is_awaited(each) else ():
            found |= {Right(group=watched_group, resource=watched, verb=verb) for verb in _SEE}
        found |= set(_given(each))
    return found


def of_cluster(objects: Sequence[Manifest], namespace: str) -> set[Right]:
    """Return the rights outside of the namespace: by name, but for what has to be watched."""
    made: dict[tuple[str, str], set[str]] = defaultdict(set)
    found: set[Right] = set()
    for each in objects:
        if _is_namespaced(each):
            continue
        made[_group(each), plural(each["kind"])].add(str(each["metadata"]["name"]))
        found |= set(_given(each))
    for (group, resource), names in made.items():
        ordered = tuple(sorted(names))
        # The namespace is there before the deployer's Role can be in it.
        verbs = set(_WRITE) - ({"create"} if (group, resource) == (_CORE, "namespaces") else set())
        found |= {Right(group=group, resource=resource, verb=verb, names=ordered) for verb in verbs}
        found |= {Right(group=group, resource=resource, verb=verb) for verb in _SEE}
    looked = (_IDENTITY,) if (_CORE, "namespaces") in made else (_IDENTITY, namespace)
    return found | {Right(group=_CORE, resource="namespaces", verb="get", names=looked)}


def rules(rights: Iterable[Right]) -> list[Rule]:
    """Return the rights as rules: those of one group with the same verbs and names together."""
    verbs: dict[tuple[str, str, tuple[str, ...]], set[str]] = defaultdict(set)
    for right in rights:
        verbs[right.group, right.resource, right.names].add(right.verb)
    # What may be done to every object of a kind need not be said of some.
    resources: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource, names), several in sorted(verbs.items()):
        left = several - (verbs.get((group, resource, ()), set()) if names else set())
        if left:
            resources[group, names, tuple(sorted(left))].append(resource)
    return [
        {
            "apiGroups": [group],
            "resources": several,
            **({"resourceNames": list(names)} if names else {}),
            "verbs": list(verbs),
        }
        for (group, names, verbs), several in sorted(resources.items())
    ]


def plural(kind: str) -> str:
    """Return the resource of a kind: `networkpolicies` of NetworkPolicy."""
    word = kind.lower()
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch")) else f"{word}s"


def _given(made: Manifest) -> Iterator[Right]:
    """Return the rights that a deployer must hold to grant them, and `bind` on the roles that it binds.

    A role that is not there yet, as in the preview of a first deployment, can only be bound with that verb.

    https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
    """
    if _group(made) != RBAC:
        return
    for rule in made.get("rules") or ():
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                names = tuple(sorted(rule.get("resourceNames") or ()))
                for verb in rule.get("verbs") or ():
                    yield Right(group=group, resource=resource, verb=verb, names=names)
    if reference := made.get("roleRef"):
        names = (str(reference["name"]),)
        yield Right(group=RBAC, resource=plural(reference["kind"]), verb="bind", names=names)


def _group(manifest: Manifest) -> str:
    return str(manifest["apiVersion"]).rpartition("/")[0]


def _is_awaited(manifest: Manifest) -> bool:
    return (manifest["metadata"].get("annotations") or {}).get(_SKIP_AWAIT) != "true"


def _is_namespaced(manifest: Manifest) -> bool:
    return bool(manifest["metadata"].get("namespace"))
