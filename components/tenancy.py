"""The namespace and its guards: what nobody who deploys into it can forget or weaken."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core, meta

from . import names, network
from .context import Place
from .model.stack import Cluster
from .model.stack import Tenancy as TenancySettings

_LEVEL = "restricted"
_MODES = ("enforce", "audit", "warn")


@dataclass(frozen=True, kw_only=True)
class TenancyArgs:
    """What the namespace is called and how strict it is."""

    namespace: str
    environment: str
    settings: TenancySettings
    cluster: Cluster


class Tenancy(pulumi.ComponentResource):
    """The namespace, Pod Security `restricted`, and no traffic but DNS until a tier asks for it.

    Not a goal: a namespace that others also deploy to. The stack owns it, and destroying the stack deletes
    it.
    """

    place: Place
    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: TenancyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the namespace; `place` is what the tiers need of it."""
        super().__init__("feastflow:kubernetes:Tenancy", name, None, opts)
        labels = names.common_labels(args.namespace)
        namespace = core.v1.Namespace(
            "namespace",
            metadata=meta.v1.ObjectMetaArgs(
                name=args.namespace, labels={**labels, **pod_security(args.settings.pod_security_version)}
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=args.settings.protect),
        )
        self.namespace = namespace.metadata.apply(lambda metadata: str(metadata.name))
        self.place = Place(
            namespace=self.namespace,
            instance=args.namespace,
            environment=args.environment,
            cluster=args.cluster,
            protect=args.settings.protect,
        )
        network.default_deny("default-deny", self._metadata("default-deny", labels), self)
        network.allow_dns("allow-dns", self._metadata("allow-dns", labels), args.settings.dns_namespace, self)
        self.register_outputs({"namespace": self.namespace})

    def _metadata(self, name: str, labels: dict[str, str]) -> meta.v1.ObjectMetaArgs:
        return meta.v1.ObjectMetaArgs(name=name, namespace=self.namespace, labels=labels)


def pod_security(version: str) -> dict[str, str]:
    """Labels that make the API server refuse pods below `restricted` as Kubernetes `version` defines it."""
    levels = {f"pod-security.kubernetes.io/{mode}": _LEVEL for mode in _MODES}
    versions = {f"pod-security.kubernetes.io/{mode}-version": version for mode in _MODES}
    return {**levels, **versions}
