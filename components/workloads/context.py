"""The context of every component: where its objects live and what all of them share."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import meta

from ..settings.model.observability import Observability
from ..settings.model.tenancy import Cluster
from ..settings.values.names import Identity, common_labels

_ENVIRONMENT = "feastflow.dev/environment"
SKIP_AWAIT: Mapping[str, str] = {"pulumi.com/skipAwait": "true"}
# A Job that has failed is made anew by the next update; without it that update ends at the same failure.
REPLACE_UNREADY: Mapping[str, str] = {"pulumi.com/replaceUnready": "true"}
_WAIT_FOR = "pulumi.com/waitFor"
# https://www.pulumi.com/registry/packages/kubernetes/api-docs/apps/v1/deployment/
_PULUMIS_SECONDS = 600
_WAIT_SECONDS = "pulumi.com/timeoutSeconds"


def await_condition(kind: str) -> Mapping[str, str]:
    """Return an annotation that makes Pulumi wait until the object has this condition."""
    return {_WAIT_FOR: f"condition={kind}"}


def await_paths(*paths: str) -> Mapping[str, str]:
    """Return an annotation that makes Pulumi wait until all hold: `{path}` is there, or `{path}=value`."""
    return {_WAIT_FOR: json.dumps([f"jsonpath={path}" for path in paths])}


def await_seconds(seconds: int) -> Mapping[str, str]:
    """Return an annotation that makes Pulumi wait for the object as long as that, instead of ten minutes."""
    return {_WAIT_SECONDS: str(seconds)}


def timeouts(seconds: int) -> pulumi.CustomTimeouts | None:
    """Return how long Pulumi waits for what may take so many seconds; None where its own ten minutes do."""
    if seconds <= _PULUMIS_SECONDS:
        return None
    text = f"{seconds}s"
    return pulumi.CustomTimeouts(create=text, update=text)


@dataclass(frozen=True, kw_only=True)
class Place:
    """The namespace, as its objects see it.

    `namespace` is the created namespace's name, so that whatever is put there waits for it; `instance` is
    the same name as it is known before anything exists, for labels and selectors. `priorities` are the
    names of the stack's PriorityClasses by tier, where it has any. `sizes` are what bounds the namespace: a
    volume that grows has to wait for them, since nothing tries again what they refuse.
    """

    namespace: pulumi.Input[str]
    instance: str
    environment: str
    cluster: Cluster
    protect: bool
    observability: Observability = field(default_factory=Observability)
    priorities: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    sizes: tuple[pulumi.Resource, ...] = ()

    def priority(self, tier: str | None) -> pulumi.Input[str] | None:
        """Return the name of the tier's PriorityClass; None without a tier, and where the stack has none.

        Raises:
            KeyError: for a tier that has none while others have; a defect of this program.
        """
        return self.priorities[tier] if self.priorities and tier is not None else None

    def identity(self, name: str, component: str, version: str | None = None) -> Identity:
        """Return the identity of a workload in this namespace."""
        return Identity(name=name, component=component, instance=self.instance, version=version)

    def pod_labels(self, identity: Identity) -> dict[str, str]:
        """Return labels of the workload's pods."""
        return {**identity.pod_labels, _ENVIRONMENT: self.environment}

    def metadata(
        self, name: pulumi.Input[str], identity: Identity, annotations: Mapping[str, str] | None = None
    ) -> meta.v1.ObjectMetaArgs:
        """Return metadata of an object that belongs to the workload."""
        return self._metadata(name, {**identity.labels, _ENVIRONMENT: self.environment}, annotations)

    def workload_metadata(
        self, name: pulumi.Input[str], identity: Identity, annotations: Mapping[str, str] | None = None
    ) -> meta.v1.ObjectMetaArgs:
        """Return metadata of the Deployment, StatefulSet or Job that makes the workload's pods."""
        return self._metadata(name, self.pod_labels(identity), annotations)

    def shared_metadata(
        self, name: str, annotations: Mapping[str, str] | None = None
    ) -> meta.v1.ObjectMetaArgs:
        """Return metadata of an object that belongs to no workload."""
        return self._metadata(name, common_labels(self.instance), annotations)

    def _metadata(
        self, name: pulumi.Input[str], labels: Mapping[str, str], annotations: Mapping[str, str] | None
    ) -> meta.v1.ObjectMetaArgs:
        return meta.v1.ObjectMetaArgs(
            name=name,
            namespace=self.namespace,
            labels=dict(labels),
            annotations=dict(annotations) if annotations else None,
        )
