"""Rights in a namespace, by subject: bindings, roles and aggregated roles, as RBAC itself reads them.

See https://kubernetes.io/docs/reference/access-authn-authz/rbac/. Pure: from the objects to rights. Not here:
what other authorizers allow, and the group system:masters, which may do everything without a binding.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]

_ANY = "*"
# Each is a way to a secret, to a pod's inside, or to more rights than these.
_READING = {"get", "list", "watch", _ANY}
_WRITING = {"create", "update", "patch", _ANY}
_PODS = {
    *("pods", "deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers"),
    *("jobs", "cronjobs", "pods/ephemeralcontainers"),
}
_INSIDE = {"pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy"}


@dataclass(frozen=True, kw_only=True, order=True)
class Right:
    """A right of a subject, by which binding and role; `leads` is where that leads beyond itself."""

    subject: str
    verbs: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...]
    by: str
    leads: tuple[str, ...]


def rights(objects: Sequence[Manifest], namespace: str, namespaced: frozenset[str]) -> list[Right]:
    """Return every right in the namespace, in order.

    `objects` are Roles, ClusterRoles and their bindings; `namespaced` the resources that namespaces hold, as
    `plural` or `plural.group`.
    """
    roles = {
        (each["kind"], _space(each), _name(each)): each
        for each in objects
        if each["kind"] in ("Role", "ClusterRole")
    }
    found = set()
    for binding in objects:
        if binding["kind"] == "ClusterRoleBinding" or (
            binding["kind"] == "RoleBinding" and _space(binding) == namespace
        ):
            found |= set(_of_binding(binding, roles, namespace, namespaced))
    return sorted(found)


def _of_binding(
    binding: Manifest,
    roles: Mapping[tuple[str, str, str], Manifest],
    namespace: str,
    namespaced: frozenset[str],
) -> Iterator[Right]:
    reference = binding["roleRef"]
    kind, name = reference["kind"], reference["name"]
    role = roles.get((kind, namespace if kind == "Role" else "", name))
    by = f"{binding['kind']} {_name(binding)} ({kind} {name})"
    for subject in binding.get("subjects") or ():
        who = _subject(subject, _space(binding))
        if role is None:
            yield Right(subject=who, verbs=(), resources=(), names=(), by=f"{by}, which is missing", leads=())
            continue
        for rule in rules(role, list(roles.values())):
            yield from _of_rule(rule, who, by, namespaced)


def rules(role: Manifest, roles: Sequence[Manifest]) -> list[Manifest]:
    """Return a role's rules; of an aggregated one, those of all that its selectors name.

    The controller writes these into the role, and they are what counts once it has.
    """
    own = list(role.get("rules") or ())
    selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
    if own or not selectors:
        return own
    return [
        rule
        for other in roles
        if other["kind"] == "ClusterRole" and other is not role
        if any(_selects(selector, other["metadata"].get("labels") or {}) for selector in selectors)
        for rule in other.get("rules") or ()
    ]


def _of_rule(rule: Manifest, who: str, by: str, namespaced: frozenset[str]) -> Iterator[Right]:
    verbs = tuple(sorted(rule.get("verbs") or ()))
    resources = tuple(
        sorted(
            _qualified(resource, group)
            for group in rule.get("apiGroups") or ()
            for resource in rule.get("resources") or ()
            if _is_held(resource, group, namespaced)
        )
    )
    # Paths of the API server itself (nonResourceURLs) are in no namespace.
    if resources:
        names = tuple(sorted(rule.get("resourceNames") or ()))
        yield Right(
            subject=who,
            verbs=verbs,
            resources=resources,
            names=names,
            by=by,
            leads=tuple(leads(verbs, rule.get("apiGroups") or (), rule.get("resources") or ())),
        )


def leads(verbs: Sequence[str], groups: Sequence[str], resources: Sequence[str]) -> Iterator[str]:
    """Say where a right leads: to secrets, into pods, to tokens, to other accounts, to more rights."""
    may, on = set(verbs), set(resources)

    def reaches(group: str, *wanted: str) -> bool:
        if not {group, _ANY} & set(groups):
            return False
        # `*/exec` is a subresource of every resource.
        return any(_ANY in on or each in on or f"*/{each.partition('/')[2]}" in on for each in wanted)

    if may & _READING and reaches("", "secrets"):
        yield "secrets"
    if may & {"get", "create", _ANY} and reaches("", *_INSIDE):
        yield "inside pods"
    workloads = any(reaches(group, *_PODS) for group in ("", "apps", "batch"))
    if may & _WRITING and workloads:
        yield "any pod"
    if may & {"create", _ANY} and reaches("", "serviceaccounts/token"):
        yield "tokens"
    if may & {"impersonate", _ANY} and reaches("", "serviceaccounts", "users", "groups"):
        yield "other accounts"
    rbac = "rbac.authorization.k8s.io"
    if (may & {"escalate", "bind", _ANY} and reaches(rbac, "roles", "clusterroles")) or (
        may & _WRITING and reaches(rbac, "rolebindings", "clusterrolebindings")
    ):
        yield "more rights"


def _is_held(resource: str, group: str, namespaced: frozenset[str]) -> bool:
    base = resource.partition("/")[0]
    if _ANY in (base, group):
        return base == _ANY or any(known.partition(".")[0] == base for known in namespaced)
    return _qualified(base, group) in namespaced


def _qualified(resource: str, group: str) -> str:
    base, slash, sub = resource.partition("/")
    return f"{base}{f'.{group}' if group else ''}{slash}{sub}"


def _subject(subject: Manifest, space: str) -> str:
    kind, name = subject["kind"], subject["name"]
    if kind == "ServiceAccount":
        return f"account {subject.get('namespace') or space}/{name}"
    return f"{kind.lower()} {name}"


def _selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expressed(each, labels) for each in selector.get("matchExpressions") or ())


def _expressed(expression: Manifest, labels: Mapping[str, str]) -> bool:
    value = labels.get(expression.get("key", ""))
    listed = expression.get("values") or ()
    return {
        "In": value in listed,
        "NotIn": value not in listed,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }.get(expression.get("operator", ""), False)


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def _space(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("namespace") or "")
