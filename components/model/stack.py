"""The database, the edge, the namespace, and the stack that holds all of it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Model, refuse
from .scalars import Bytes, Host, Image, Name, Namespace, Port, SqlName, UserId
from .tiers import Backend, Frontend
from .workload import Resources, resources


class Database(Model):
    """PostgreSQL."""

    engine: Literal["standalone", "replicated"] = Field(
        default="standalone",
        description="`standalone`: one instance. `replicated`: CloudNativePG, a primary and standbys.",
        examples=["standalone"],
    )
    image: Image = Field(
        default="ghcr.io/cloudnative-pg/postgresql:15.14-bookworm",
        description="PostgreSQL 15 with its programs on PATH, or below /usr/lib/postgresql/15/bin.",
        examples=["ghcr.io/cloudnative-pg/postgresql:15.14-bookworm"],
    )
    name: SqlName = Field(default="feastflow", description="Name of the database.", examples=["feastflow"])
    user: SqlName = Field(default="feastflow", description="Role that owns it.", examples=["feastflow"])
    storage: Bytes = Field(
        default="2Gi",
        description="Size of each instance's volume; it can grow, never shrink.",
        examples=["2Gi"],
    )
    storage_class: Name | None = Field(
        default=None,
        description="Class of the volume; none means the cluster's default.",
        examples=["standard"],
    )
    uid: UserId = Field(default=26, description="Numeric user of the server process.", examples=[26])
    gid: UserId = Field(
        default=26, description="Numeric group of the server process and its files.", examples=[26]
    )
    # 256Mi is what 64 connections and 128Mi of shared buffers use at rest; request and limit of memory are
    # equal, since a database that is killed for memory takes every tier with it.
    resources: Resources = Field(
        default=resources(cpu=("250m", "1"), memory=("512Mi", "512Mi")),
        description="Requests and limits of each instance.",
    )
    max_connections: Annotated[int, Field(ge=10, le=1000)] = Field(
        default=120,
        description="Connections that the server accepts; above what all pods' pools open together.",
        examples=[120],
    )
    crash_recovery_seconds: Annotated[int, Field(ge=30, le=86400)] = Field(
        default=600, description="Seconds that a start may take while the log is replayed.", examples=[600]
    )

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        if self.user == "postgres":
            raise refuse(
                "postgres is the superuser's name, and the application must not be the superuser",
                "feastflow",
                at="user",
            )
        if self.name in ("postgres", "template0", "template1"):
            raise refuse("the database belongs to PostgreSQL itself", "feastflow", at="name")
        return self


class Tls(Model):
    """Encryption between browsers and the edge."""

    enabled: bool = Field(default=False, description="Whether the site is served by https.", examples=[True])
    secret_name: Name | None = Field(
        default=None,
        description="TLS Secret in the namespace; none means the controller's own certificate.",
        examples=["feastflow-tls"],
    )


class Edge(Model):
    """Where the site is reached."""

    mode: Literal["ingress", "gateway"] = Field(
        default="ingress", description="Kind of object that describes the routes.", examples=["ingress"]
    )
    class_name: Name = Field(
        default="traefik",
        description="Ingress class (or Gateway class) of the controller.",
        examples=["traefik"],
    )
    host: Host = Field(description="DNS name of the site.", examples=["feastflow.example.com"])
    port: Port | None = Field(
        default=None,
        description="Port in the site's address, where it is not the scheme's own.",
        examples=[8080],
    )
    tls: Tls = Field(default=Tls(), description="Encryption between browsers and the edge.")
    controller_namespace: Name = Field(
        default="traefik",
        description="Namespace of the controller's pods; only from there the tiers can be reached.",
        examples=["ingress-nginx"],
    )
    await_address: bool = Field(
        default=False,
        description="Wait until the controller has published an address; not every controller does.",
        examples=[True],
    )

    @property
    def url(self) -> str:
        """The site's address, as a browser writes it."""
        scheme, own = ("https", 443) if self.tls.enabled else ("http", 80)
        suffix = "" if self.port in (None, own) else f":{self.port}"
        return f"{scheme}://{self.host}{suffix}"


class Tenancy(Model):
    """The namespace's own guards."""

    pod_security_version: Annotated[str, Field(pattern=r"^v1\.\d{1,3}$")] = Field(
        default="v1.34",
        description="Kubernetes version whose definition of `restricted` is enforced.",
        examples=["v1.34"],
    )
    dns_namespace: Name = Field(
        default="kube-system", description="Namespace of the cluster's DNS pods.", examples=["kube-system"]
    )
    protect: bool = Field(
        default=False,
        description="Whether Pulumi refuses to delete the namespace and the database's data.",
        examples=[True],
    )


class Cluster(Model):
    """What the program has to know of the cluster."""

    zones: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1,
        description="Zones with nodes that take pods; from two on, pods must spread over them.",
        examples=[3],
    )
    dead_node_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=30,
        description="Seconds after which pods leave a node that does not answer.",
        examples=[30],
    )


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
    environment: Name = Field(
        description="Name of the environment, a label on every object.", examples=["dev"]
    )
    rotation: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Raise it to replace the database password and the JWT secret.", examples=[2]
    )
    cluster: Cluster = Field(default=Cluster(), description="What the program has to know of the cluster.")
    tenancy: Tenancy = Field(default=Tenancy(), description="The namespace's own guards.")
    database: Database = Field(default=Database(), description="PostgreSQL.")
    backend: Backend = Field(default=Backend(), description="The API.")
    frontend: Frontend = Field(default=Frontend(), description="The site.")
    edge: Edge = Field(description="Where the site is reached.", examples=[{"host": "feastflow.example.com"}])

    @model_validator(mode="after")
    def _what_exists(self) -> Self:
        if self.database.engine == "replicated":
            raise refuse("this version has no replicated engine yet", "standalone", at="database.engine")
        if self.edge.mode == "gateway":
            raise refuse("this version writes no Gateway yet", "ingress", at="edge.mode")
        if self.backend.migrations.mode == "initContainer":
            raise refuse("this version has no init container yet", "job", at="backend.migrations.mode")
        return self
