"""What every component is given: where its objects live and what all of them share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import meta

from .model.tenancy import Cluster
from .names import Identity

_ENVIRONMENT = "feastflow.dev/environment"
SKIP_AWAIT: Mapping[str, str] = {"pulumi.com/skipAwait": "true"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """The namespace, as its objects see it.

    `namespace` is the created namespace's name, so that whatever is put there waits for it; `instance` is
    the same name as it is known before anything exists, for labels and selectors. `priorities` are the
    names of the stack's PriorityClasses by component, where it has any.
    """

    namespace: pulumi.Input[str]
    instance: str
    environment: str
    cluster: Cluster
    protect: bool
    priorities: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)

    def identity(self, name: str, component: str, version: str | None = None) -> Identity:
        """Who a workload in this namespace is."""
        return Identity(name=name, component=component, instance=self.instance, version=version)

    def pod_labels(self, identity: Identity) -> dict[str, str]:
        """Labels of the workload's pods."""
        return {**identity.pod_labels, _ENVIRONMENT: self.environment}

    def metadata(
        self, name: pulumi.Input[str], identity: Identity, annotations: Mapping[str, str] | None = None
    ) -> meta.v1.ObjectMetaArgs:
        """Metadata of an object that belongs to the workload."""
        return meta.v1.ObjectMetaArgs(
            name=name,
            namespace=self.namespace,
            labels={**identity.labels, _ENVIRONMENT: self.environment},
            annotations=dict(annotations) if annotations else None,
        )

    def pod_maker(self, name: pulumi.Input[str], identity: Identity) -> meta.v1.ObjectMetaArgs:
        """Metadata of the Deployment, StatefulSet or Job that makes the workload's pods."""
        return meta.v1.ObjectMetaArgs(name=name, namespace=self.namespace, labels=self.pod_labels(identity))
