"""The offers of a cluster to stacks: API groups, admission policies, storage, classes of the edge, zones.

None is unknown: the account may not read it, and nothing is concluded from that.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...settings.model.stack import Stack
from ...settings.values import names, quantities

Object = Mapping[str, Any]
Ask = Callable[..., dict[str, Any] | None]

# https://kubernetes.io/docs/reference/labels-annotations-taints/
ZONE = "topology.kubernetes.io/zone"
_DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
_CONTROL_PLANE = "node-role.kubernetes.io/"
# Enough to find zones by; a node's object has some ten kilobytes.
_NODES = 200
# More than a database has; another application's, in a namespace that was there, may be among them.
_CLAIMS = 100
# CloudNativePG's, on what it makes for a Cluster.
_OF_CLUSTER = "cnpg.io/cluster"


@dataclass(frozen=True, kw_only=True)
class Storage:
    """The StorageClasses by name, the default one, and whether a volume is there that needs none."""

    classes: tuple[str, ...] = ()
    default: str | None = None
    needless: bool = False


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """A volume of the database that is smaller than its setting, and whose class lets none grow."""

    claim: str
    size: str
    storage_class: str


@dataclass(frozen=True, kw_only=True)
class Offers:
    """The cluster's offers; None is unknown.

    `groups` are the API groups that are served, `policies` says whether ValidatingAdmissionPolicies are.
    `storage` is asked for where the stack has no volume yet, and where it has, `fixed` are those that the
    settings would have grow in vain. `lost` says that no volume of the database is there for certain.
    `classes` are those that `edge.className` may name. `zones` are those of the nodes that take pods; nodes
    without a zone's label are in none.
    """

    groups: frozenset[str] | None = None
    policies: bool | None = None
    storage: Storage | None = None
    fixed: tuple[Fixed, ...] = ()
    lost: bool = False
    classes: tuple[str, ...] | None = None
    zones: frozenset[str] | None = None


def look(ask: Ask, stack: Stack, *, exists: bool) -> Offers:
    """Ask; `exists` says whether the stack's namespace is there."""
    groups = ask("apis")
    served = ask("apis/admissionregistration.k8s.io/v1") if stack.tenancy.admission_policies else None
    kind = "ingressclasses" if stack.edge.mode == "ingress" else "gatewayclasses"
    group = "networking.k8s.io" if stack.edge.mode == "ingress" else "gateway.networking.k8s.io"
    claims = _claims(ask, stack, exists=exists)
    storage, fixed = _storage(ask, stack, claims)
    return Offers(
        groups=frozenset(str(each["name"]) for each in groups.get("groups") or ()) if groups else None,
        policies=_serves_policies(served),
        storage=storage,
        fixed=fixed,
        lost=claims is not None and not any(map(_of_database, claims)),
        classes=_names(ask(f"apis/{group}/v1/{kind}")),
        zones=_zones(ask(f"api/v1/nodes?limit={_NODES}")),
    )


def _serves_policies(served: Object | None) -> bool | None:
    resources = {each.get("name") for each in (served or {}).get("resources") or ()}
    return "validatingadmissionpolicies" in resources if resources else None


def _claims(ask: Ask, stack: Stack, *, exists: bool) -> tuple[Object, ...] | None:
    """Return the claims of the namespace; None where not all are known, or the database is outside."""
    if stack.database.external is not None:
        return None
    if not exists:
        return ()
    listed = ask(f"api/v1/namespaces/{stack.namespace}/persistentvolumeclaims?limit={_CLAIMS}")
    if listed is None or (listed.get("metadata") or {}).get("continue"):
        return None
    return tuple(listed.get("items") or ())


def _of_database(claim: Object) -> bool:
    labels = claim["metadata"].get("labels") or {}
    return claim["metadata"]["name"] == names.DATABASE_CLAIM or labels.get(_OF_CLUSTER) == names.DATABASE


def _storage(
    ask: Ask, stack: Stack, claims: tuple[Object, ...] | None
) -> tuple[Storage | None, tuple[Fixed, ...]]:
    if claims is None:
        return None, ()
    listed = ask("apis/storage.k8s.io/v1/storageclasses")
    if listed is None:
        return None, ()
    items = listed.get("items") or ()
    if claims:
        # A volume that is bound needs its class no more, but to grow.
        unable = {each["metadata"]["name"] for each in items if not each.get("allowVolumeExpansion")}
        return None, tuple(_fixed(stack, filter(_of_database, claims), unable))
    default = next((each["metadata"]["name"] for each in items if _is_default(each)), None)
    volumes = ask("api/v1/persistentvolumes?limit=200") if default is None else None
    return Storage(
        classes=_names(listed) or (),
        default=default,
        needless=any(
            not (each.get("spec") or {}).get("storageClassName")
            and (each.get("status") or {}).get("phase") == "Available"
            for each in (volumes or {}).get("items") or ()
        ),
    ), ()


def _fixed(stack: Stack, claims: Iterable[Object], unable: Collection[str]) -> Iterator[Fixed]:
    wanted = stack.database.storage
    for claim in claims:
        spec = claim.get("spec") or {}
        size = str(((spec.get("resources") or {}).get("requests") or {}).get("storage") or wanted)
        of_class = str(spec.get("storageClassName") or "")
        if of_class in unable and quantities.parse(size) < quantities.parse(wanted):
            yield Fixed(claim=str(claim["metadata"]["name"]), size=size, storage_class=of_class)


def _is_default(storage_class: Object) -> bool:
    annotations = storage_class["metadata"].get("annotations") or {}
    return any(annotations.get(key) == "true" for key in _DEFAULT_CLASS)


def _names(listed: Object | None) -> tuple[str, ...] | None:
    if listed is None:
        return None
    return tuple(sorted(str(each["metadata"]["name"]) for each in listed.get("items") or ()))


def _zones(listed: Object | None) -> frozenset[str] | None:
    nodes = [each for each in (listed or {}).get("items") or () if _takes_pods(each)]
    labels: Iterable[Object] = ((each.get("metadata") or {}).get("labels") or {} for each in nodes)
    zones = frozenset(str(each[ZONE]) for each in labels if each.get(ZONE))
    is_part = bool(((listed or {}).get("metadata") or {}).get("continue"))
    return None if not nodes or (is_part and not zones) else zones


def _takes_pods(node: Object) -> bool:
    taints = (node.get("spec") or {}).get("taints") or ()
    return not any(
        str(each.get("key")).startswith(_CONTROL_PLANE) and each.get("effect") == "NoSchedule"
        for each in taints
    )
