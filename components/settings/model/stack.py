"""The stack: everything that a stack file says."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from ..derived import connections, tiers, variants
from . import contract, egress
from .base import Model, refuse
from .database import Database
from .edge import Edge
from .observability import Observability
from .scalars import EnvironmentName, Namespace
from .tenancy import Cluster, Tenancy
from .tiers import Backend, Frontend

_PRODUCTION = ("live", "prod", "production")


def is_production(environment: str) -> bool:
    """Return whether the name of an environment says that customers use it."""
    return environment.lower() in _PRODUCTION


class Kubeconfig(Model):
    """The cluster to deploy to, from Pulumi's own keys `kubernetes:context` and `kubernetes:kubeconfig`."""

    context: str | None = Field(
        default=None,
        description="Context of the kubeconfig; none means its current one.",
        examples=["kind-feastflow"],
    )
    kubeconfig: str | None = Field(
        default=None, description="Path of a kubeconfig file, or its content.", examples=["~/.kube/config"]
    )


class Stack(Model):
    """Everything that a stack file says."""

    namespace: Namespace = Field(description="Namespace that the stack owns.", examples=["feastflow-dev"])
    environment: EnvironmentName = Field(
        description="Name of the environment, a label on every object.", examples=["dev"]
    )
    rotation: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description="Raise it by one to replace the database's passwords and the JWT secret.",
        examples=[2],
    )
    cluster: Cluster = Field(default=Cluster(), description="What the program has to know of the cluster.")
    tenancy: Tenancy = Field(default=Tenancy(), description="The namespace's own guards.")
    database: Database = Field(default=Database(), description="PostgreSQL.")
    backend: Backend = Field(default=Backend(), description="The API.")
    frontend: Frontend = Field(default=Frontend(), description="The site.")
    edge: Edge = Field(description="Where the site is reached.", examples=[{"host": "feastflow.example.com"}])
    observability: Observability = Field(
        default=Observability(), description="Collectors, alerts and objectives."
    )

    @property
    def production(self) -> bool:
        """Return whether the environment's name says that customers use it."""
        return is_production(self.environment)

    @property
    def connections(self) -> int:
        """Return connections that the database server accepts."""
        return connections.accepted(self.backend, self.database, weights=self.edge.weights)

    @model_validator(mode="after")
    def _connections_fit(self) -> Self:
        connections.check(self.backend, self.database, weights=self.edge.weights)
        return self

    @property
    def pooled(self) -> int:
        """Return connections that each pod of the pooler accepts."""
        return connections.pooled(self.backend, weights=self.edge.weights)

    @model_validator(mode="after")
    def _migrations_have_sessions(self) -> Self:
        if self.database.pooler and self.backend.migrations.as_init_container:
            raise refuse(
                "the backend's pods reach the pooler alone, and by that a migration has neither locks nor "
                "settings of a session",
                "set it to job, which reaches the server itself; or remove database.pooler",
                at="backend.migrations.mode",
            )
        return self

    @model_validator(mode="after")
    def _hosts_are_known(self) -> Self:
        for tier in tiers.applications(self):
            egress.check(
                tier.name,
                tier.settings.egress,
                namespace=self.namespace,
                domain=self.cluster.domain,
                site=self.edge.host,
            )
        if self.database.backup:
            egress.check_store(
                self.database.backup.way,
                namespace=self.namespace,
                domain=self.cluster.domain,
                key="database.backup",
            )
        if self.database.external:
            egress.check_database(
                self.database.external.way, namespace=self.namespace, domain=self.cluster.domain
            )
        return self

    @model_validator(mode="after")
    def _telemetry_is_told_once(self) -> Self:
        endpoint = self.observability.otlp_endpoint
        if endpoint is None:
            return self
        egress.check_endpoint(
            endpoint, namespace=self.namespace, domain=self.cluster.domain, at="observability.otlpEndpoint"
        )
        for tier in tiers.applications(self):
            contract.check_telemetry(tier.name, tier.settings, tier.settings.scheduled)
        return self

    @model_validator(mode="after")
    def _namespace_of_its_own(self) -> Self:
        others = {
            "edge.controllerNamespace": self.edge.controller_namespace,
            "database.operatorNamespace": self.database.operator_namespace,
            "tenancy.dnsNamespace": self.tenancy.dns_namespace,
            "observability.namespace": self.observability.namespace,
            **{
                f"tenancy.trustedAccounts[{index}]": account.partition("/")[0]
                for index, account in enumerate(self.tenancy.trusted_accounts)
            },
        }
        for key, namespace in others.items():
            if namespace == self.namespace:
                raise refuse(
                    f"the stack owns its namespace and `pulumi destroy` deletes it with all it holds, and "
                    f"{key} says that another program runs there",
                    "feastflow-dev",
                    at="namespace",
                )
        return self

    @model_validator(mode="after")
    def _a_canary_has_figures(self) -> Self:
        for tier in tiers.applications(self):
            canary = tier.settings.release.canary
            if canary is not None and canary.judge is not None and not self.edge.weights:
                raise refuse(
                    "an Ingress routes to one Service for both versions, so the edge has no figures of the "
                    "canary alone",
                    "set edge.mode to gateway, or remove judge",
                    at=f"{tier.name}.release.canary.judge",
                )
        return self

    @model_validator(mode="after")
    def _room_beside_a_canary(self) -> Self:
        for tier in tiers.applications(self):
            canary, scale = tier.settings.release.canary, tier.settings.autoscaling
            if canary is None or canary.weight == 0 or self.edge.weights:
                continue
            stable, pods = variants.by_pods(canary.weight, scale.min_replicas)
            if stable >= scale.max_replicas and stable > scale.min_replicas:
                raise refuse(
                    f"an Ingress divides requests by pods, so {canary.weight} % take {stable} pods next to "
                    f"the canary's {pods}, and the autoscaler needs room above that; "
                    "a larger weight takes fewer, and a Gateway (edge.mode) none",
                    str(stable + 1),
                    at=f"{tier.name}.autoscaling.maxReplicas",
                )
        return self
