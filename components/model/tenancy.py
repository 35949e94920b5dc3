"""The namespace's guards, and what the program has to know of the cluster."""

from typing import Annotated

from pydantic import Field

from .base import Model
from .scalars import Name, NarrowCidr, Sequence


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
    developers: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        default="feastflow-developers",
        description="Group that may look at pods and their logs, and at nothing else.",
        examples=["feastflow-developers"],
    )
    create_namespace: bool = Field(
        default=True,
        description=(
            "Whether the stack creates its namespace, and deletes it when it is destroyed. "
            "With false it uses an empty one that exists, and leaves it with its quota, limits and readers."
        ),
        examples=[False],
    )
    priority_classes: bool = Field(
        default=True,
        description="Whether the stack makes PriorityClasses, which are objects of the whole cluster.",
        examples=[False],
    )
    admission_policies: bool = Field(
        default=True,
        description=(
            "Whether the stack makes ValidatingAdmissionPolicies, which are objects of the whole cluster."
        ),
        examples=[False],
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
        default=10,
        description="Seconds after which pods leave a node that is known not to answer.",
        examples=[30],
    )
    api_server: Annotated[tuple[NarrowCidr, ...], Sequence] = Field(
        default=(),
        description=(
            "Addresses of the API server, for the instances of a replicated database; "
            "none means those that the cluster names."
        ),
        examples=[["10.0.0.1/32"]],
    )
