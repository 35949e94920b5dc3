"""Kinds of objects that an account must be allowed to make for a stack, and the settings that need less."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...settings.derived import tiers
from ...settings.model.secrets import Reference
from ...settings.model.stack import Stack

_RBAC, _ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
_CORE = ("configmaps", "secrets", "serviceaccounts", "services")


MONITORS = "monitoring.coreos.com"


@dataclass(frozen=True, kw_only=True)
class Need:
    """A kind of object that the stack makes; `setting` is what leaves it out, where one does.

    `name` is that of one of them, where the account may be allowed some by name. `everywhere` says that it
    belongs to the cluster, and to no namespace. `exists` says that it is there, and is not created.
    """

    group: str
    resource: str
    setting: str = ""
    name: str = ""
    everywhere: bool = False
    exists: bool = False

    @property
    def verbs(self) -> tuple[str, ...]:
        """Return the verbs that server-side apply asks for: it creates what is not there."""
        return ("patch",) if self.exists else ("create", "patch")

    def __str__(self) -> str:
        """Return it as kubectl names it."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


def needed(stack: Stack, *, exists: bool = False) -> tuple[Need, ...]:
    """Return each kind that the stack makes; `exists` says whether the namespace is there already."""
    return (*_of_cluster(stack, exists=exists), *_of_namespace(stack))


def monitors() -> tuple[Need, ...]:
    """Return the kinds of Prometheus' operator that a stack makes where it may."""
    setting = "observability.monitors"
    return tuple(
        Need(group=MONITORS, resource=resource, setting=setting)
        for resource in ("podmonitors", "prometheusrules")
    )


def _of_cluster(stack: Stack, *, exists: bool) -> Iterator[Need]:
    tenancy, name = stack.tenancy, stack.namespace
    if tenancy.create_namespace:
        setting = "tenancy.createNamespace"
        yield Need(
            group="", resource="namespaces", name=name, setting=setting, everywhere=True, exists=exists
        )
    if tenancy.priority_classes:
        yield Need(
            group="scheduling.k8s.io",
            resource="priorityclasses",
            name=f"{name}-database",
            setting="tenancy.priorityClasses",
            everywhere=True,
        )
    if tenancy.admission_policies:
        for resource in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
            yield Need(
                group=_ADMISSION,
                resource=resource,
                name=f"{name}-mandatory",
                setting="tenancy.admissionPolicies",
                everywhere=True,
            )
    if tenancy.signatures:
        yield Need(
            group="policy.sigstore.dev",
            resource="clusterimagepolicies",
            name=f"{name}-signed",
            setting="tenancy.signatures",
            everywhere=True,
        )


def _of_namespace(stack: Stack) -> Iterator[Need]:
    for resource in _CORE:
        yield Need(group="", resource=resource)
    yield Need(group="apps", resource="deployments")
    yield Need(group="autoscaling", resource="horizontalpodautoscalers")
    yield Need(group="batch", resource="jobs")
    yield Need(group="networking.k8s.io", resource="networkpolicies")
    yield Need(group="policy", resource="poddisruptionbudgets")
    if stack.database.engine == "standalone":
        yield Need(group="", resource="persistentvolumeclaims")
        yield Need(group="apps", resource="statefulsets")
    elif stack.database.engine == "replicated":
        yield Need(group="postgresql.cnpg.io", resource="clusters", setting="database.engine")
        if stack.database.backup:
            yield Need(group="postgresql.cnpg.io", resource="scheduledbackups", setting="database.backup")
    applications = tiers.applications(stack)
    database = stack.database
    if database.copied_by_jobs or database.proved or any(tier.settings.scheduled for tier in applications):
        yield Need(group="batch", resource="cronjobs")
    if stack.tenancy.create_namespace:
        setting = "tenancy.createNamespace"
        yield Need(group="", resource="limitranges", setting=setting)
        yield Need(group="", resource="resourcequotas", setting=setting)
        yield Need(group=_RBAC, resource="roles", name="developer", setting=setting)
        yield Need(group=_RBAC, resource="rolebindings", name="developers", setting=setting)
    yield from _of_edge(stack)
    if stack.observability.monitors:
        yield from monitors()
    sources = [source for tier in applications for source in tier.settings.secrets.values()]
    sources += stack.database.external.sources if stack.database.external else ()
    if any(isinstance(source, Reference) and source.external_secret for source in sources):
        yield Need(group="external-secrets.io", resource="externalsecrets")


def _of_edge(stack: Stack) -> Iterator[Need]:
    edge = stack.edge
    if edge.mode == "gateway":
        yield Need(group="gateway.networking.k8s.io", resource="gateways", setting="edge.mode")
        yield Need(group="gateway.networking.k8s.io", resource="httproutes", setting="edge.mode")
    else:
        yield Need(group="networking.k8s.io", resource="ingresses")
    if edge.tls.issuer:
        yield Need(group="cert-manager.io", resource="certificates", setting="edge.tls.issuer")
    if edge.attempts > 1:
        yield Need(group="traefik.io", resource="middlewares", setting="edge.attempts")
    elif edge.rate_limit and edge.controller == "traefik":
        yield Need(group="traefik.io", resource="middlewares", setting="edge.rateLimit")
