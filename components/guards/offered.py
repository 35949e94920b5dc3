"""Needs of a stack that a cluster may not offer, and the settings that do without or name what is there."""

from collections.abc import Iterator, Sequence

from ..settings.derived.tiers import applications
from ..settings.model.stack import Stack
from ..settings.problem import problem
from .cluster.offers import ZONE, Offers
from .cluster.rights import Need

_SET = "pulumi config set --path feastflow:"
_METRICS, _CUSTOM_METRICS = "metrics.k8s.io", "custom.metrics.k8s.io"
# What serves a group that is not Kubernetes' own, and the way without it.
_SERVED_BY = {
    "cert-manager.io": (
        "cert-manager",
        "name a TLS Secret in edge.tls.secretName, and remove edge.tls.issuer",
    ),
    "external-secrets.io": ("External Secrets", "give the secrets otherwise than by externalSecret"),
    "gateway.networking.k8s.io": ("the Gateway API and a controller for it", f"{_SET}edge.mode ingress"),
    "monitoring.coreos.com": (
        "Prometheus' operator, or its definitions",
        "pulumi config rm --path feastflow:observability.monitors",
    ),
    "policy.sigstore.dev": ("Sigstore's policy-controller", "remove tenancy.signatures"),
    "postgresql.cnpg.io": (
        "the operator of CloudNativePG (docs/clusters.md)",
        f"{_SET}database.engine standalone; {_SET}database.instances 1",
    ),
    "traefik.io": ("Traefik with its definitions", f"{_SET}edge.attempts 1, and remove edge.rateLimit"),
}


def problems(stack: Stack, name: str, offers: Offers, needs: Sequence[Need]) -> Iterator[str]:
    """Yield what the cluster of this name certainly lacks; `needs` are the kinds that the stack makes."""
    yield from _groups(name, offers, needs)
    if offers.policies is False:
        yield problem(
            "feastflow:tenancy.admissionPolicies",
            f"{name} serves no ValidatingAdmissionPolicies of admissionregistration.k8s.io/v1",
            "the rules would be held at previews alone, and the update would stop at the first policy",
            f"have the API server serve them (--runtime-config), or: {_SET}tenancy.admissionPolicies false",
        )
    yield from _storage(stack, name, offers)
    yield from _growth(stack, name, offers)
    yield from _classes(stack, name, offers)
    if stack.cluster.zones > 1 and offers.zones is not None and not offers.zones:
        yield problem(
            "feastflow:cluster.zones",
            f"{stack.cluster.zones}, and no node of {name} that takes pods has the label {ZONE}",
            "from two on, pods must spread over zones, and a node that is in none takes none of them: all "
            "would stay Pending",
            f"{_SET}cluster.zones 1; or label the nodes: kubectl label node NAME {ZONE}=ZONE",
        )


def doubts(stack: Stack, offers: Offers) -> Iterator[str]:
    """Yield what may keep the stack from working well, and may be meant."""
    if offers.classes is not None and not offers.classes:
        yield (
            "no class of an ingress controller was found, so nothing may route traffic to the site; "
            f"edge.className says {stack.edge.class_name}"
        )
    if offers.groups is not None and _METRICS not in offers.groups:
        yield f"{_METRICS} is not served (by metrics-server): the autoscalers see no load and add no pod"
    scaled = [tier.name for tier in applications(stack) if tier.settings.autoscaling.requests_per_second]
    if scaled and offers.groups is not None and _CUSTOM_METRICS not in offers.groups:
        yield (
            f"{_CUSTOM_METRICS} is not served (by an adapter of metrics), and requestsPerSecond of "
            f"{' and '.join(scaled)} is set: CPU and memory alone add pods, and none are deleted until it is "
            "served (docs/clusters.md#autoscaling-by-requests)"
        )
    said, found = stack.cluster.zones, len(offers.zones or ())
    if 0 < found < said:
        yield (
            f"cluster.zones is {said}, and nodes that take pods are in {found}: what must have a zone of its "
            f"own stays Pending until there are more; if that is all there are: {_SET}cluster.zones {found}"
        )
    if stack.production and said == 1 < found:
        yield (
            f"nodes are in {found} zones, and pods need not spread over them, so that one zone's outage may "
            f"take all of a tier: {_SET}cluster.zones {found}"
        )


def _groups(name: str, offers: Offers, needs: Sequence[Need]) -> Iterator[str]:
    if offers.groups is None:
        return
    missing = dict.fromkeys(need.group for need in needs if need.group not in {"", *offers.groups})
    for group in missing:
        kinds = [need.resource for need in needs if need.group == group]
        settings = [need.setting for need in needs if need.group == group and need.setting]
        program, way = _SERVED_BY.get(group, ("", ""))
        yield problem(
            f"feastflow:{settings[0]}" if settings else group,
            f"{name} serves no {group}",
            f"the stack makes {' and '.join(kinds)} of it, and the update would stop at the first",
            f"install {program}; or without it: {way}" if program else "have the cluster serve it",
        )


def _storage(stack: Stack, name: str, offers: Offers) -> Iterator[str]:
    storage, wanted = offers.storage, stack.database.storage_class
    if storage is None:
        return
    known = ", ".join(storage.classes) or "none"
    example = storage.classes[0] if storage.classes else "NAME"
    fix = f"{_SET}database.storageClass {example}"
    if not storage.classes:
        fix = f"install a provisioner of volumes, then: {fix}"
    if wanted is not None and wanted not in storage.classes:
        yield problem(
            "feastflow:database.storageClass",
            f"{wanted}, and {name} has {known}",
            "nothing would make the database's volume, and the update would wait for it in vain",
            fix,
        )
    if wanted is None and storage.default is None and not storage.needless:
        yield problem(
            "feastflow:database.storageClass",
            f"nothing, and none of the StorageClasses of {name} is the default (there: {known})",
            "nothing would make the database's volume, and the update would wait for it in vain",
            fix,
        )


def _growth(stack: Stack, name: str, offers: Offers) -> Iterator[str]:
    if not offers.fixed:
        return
    least = offers.fixed[0]
    there = ", ".join(f"{each.claim} has {each.size}" for each in offers.fixed)
    yield problem(
        "feastflow:database.storage",
        f"{stack.database.storage}, and on {name} {there}, of the class {least.storage_class}, which lets no "
        "volume grow",
        "the update would stop at the volume, with the rest half made",
        f"{_SET}database.storage {least.size}\nor, where the class's driver can resize: "
        f"kubectl patch storageclass {least.storage_class} --patch '{{\"allowVolumeExpansion\": true}}'\n"
        "or begin a second stack with a larger volume from a backup (docs/backups.md)",
    )


def _classes(stack: Stack, name: str, offers: Offers) -> Iterator[str]:
    edge = stack.edge
    if not offers.classes or edge.class_name in offers.classes:
        return
    yield problem(
        "feastflow:edge.className",
        f"{edge.class_name}, and {name} has {', '.join(offers.classes)}",
        "no controller would take the routes, and the site could not be reached",
        f"{_SET}edge.className {offers.classes[0]}\nand where its controller runs: "
        f"{_SET}edge.controllerNamespace NAMESPACE",
    )
