"""The namespace's guards, and what the program has to know of the cluster."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Model, refuse
from .scalars import (
    Account,
    DnsServer,
    Group,
    LabelKey,
    LabelValue,
    Name,
    NarrowCidr,
    Port,
    Sequence,
    Subdomain,
    matching,
)

ImageGlob = Annotated[
    str,
    matching(
        re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?/[a-z0-9][A-Za-z0-9_:/*.@-]*"),
        "policy-controller compares it with whole names of images, registry included, in every namespace "
        "that it guards",
        "ghcr.io/my-team/feastflow/**",
    ),
]
ImageGlobs = Annotated[tuple[ImageGlob, ...], Sequence]


_POD_SECURITY = "v1.34"


class Signatures(Model):
    """Signatures of images that are let into the namespace: a workflow's, and few exceptions by name.

    Sigstore's policy-controller has to be installed on the cluster.
    """

    images: Annotated[ImageGlobs, Field(min_length=1)] = Field(
        description="Images that must be signed; `*` stands for anything but `/`, `**` for anything.",
        examples=[["ghcr.io/my-team/feastflow/**"]],
    )
    subject: Annotated[str, Field(pattern=r"^https://\S+$")] = Field(
        description="Who must have signed: the workflow, as its certificate names it.",
        examples=[
            "https://github.com/my-team/feastflow/.github/workflows/images.yml@refs/heads/main",
        ],
    )
    issuer: Annotated[str, Field(pattern=r"^https://\S+$")] = Field(
        default="https://token.actions.githubusercontent.com",
        description="Who vouched for the signer.",
        examples=["https://token.actions.githubusercontent.com"],
    )
    unsigned: ImageGlobs = Field(
        default=(),
        description="Images that are let in without a signature, such as the database's.",
        examples=[["index.docker.io/library/postgres:**"]],
    )


# Of kube-dns and of CoreDNS where it takes kube-dns' place.
DNS_LABELS = {"k8s-app": "kube-dns"}
API_SERVER_PORTS = (443, 6443)


class Tenancy(Model):
    """The namespace's own guards."""

    pod_security_version: Annotated[str, Field(pattern=r"^v1\.\d{1,3}$")] = Field(
        default=_POD_SECURITY,
        description="Kubernetes version whose definition of `restricted` is enforced.",
        examples=["v1.34"],
    )
    dns_namespace: Name = Field(
        default="kube-system", description="Namespace of the cluster's DNS pods.", examples=["kube-system"]
    )
    dns_labels: dict[LabelKey, LabelValue] = Field(
        default={},
        description="Labels of the cluster's DNS pods; none means `k8s-app: kube-dns`.",
        examples=[{"dns.operator.openshift.io/daemonset-dns": "default"}],
    )
    dns_ports: Annotated[tuple[Port, ...], Sequence, Field(min_length=1)] = Field(
        default=(53,), description="Ports that the DNS pods themselves listen on.", examples=[[5353]]
    )
    dns_addresses: Annotated[tuple[DnsServer, ...], Sequence] = Field(
        default=(),
        description=(
            "DNS servers that are no pods with addresses of their own, on port 53: NodeLocal DNSCache's, and "
            "the DNS Service's where the cache answers for that too."
        ),
        examples=[["169.254.20.10", "10.96.0.10"]],
    )
    developers: Group = Field(
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
    trusted_accounts: Annotated[tuple[Account, ...], Sequence] = Field(
        default=(),
        description=(
            "Service accounts (`namespace/name`) of controllers whose requests the admission policies pass, "
            "since they make what a judged object asks for. The database's operator is one by itself."
        ),
        examples=[["cert-manager/cert-manager"]],
    )
    signatures: Signatures | None = Field(
        default=None,
        description="Signatures that images must have, where Sigstore's policy-controller runs.",
        examples=[{"images": ["ghcr.io/shop/**"], "subject": "https://github.com/shop/site/build.yml"}],
    )
    protect: bool = Field(
        default=False,
        description="Whether Pulumi refuses to delete the namespace and the database's data.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _takes_effect(self) -> Self:
        if self.trusted_accounts and not self.admission_policies:
            raise refuse(
                "without admission policies no request is judged, so there is nothing to pass",
                "remove trustedAccounts, or set admissionPolicies to true",
                at="trustedAccounts",
            )
        if self.pod_security_version != _POD_SECURITY and not self.create_namespace:
            raise refuse(
                "the version is a label of the namespace, and a given one is its giver's to label",
                "remove it, and have the giver set pod-security.kubernetes.io/enforce-version",
                at="podSecurityVersion",
            )
        return self

    @model_validator(mode="after")
    def _signatures_in_a_namespace_of_its_own(self) -> Self:
        if self.signatures and not self.create_namespace:
            raise refuse(
                "policy-controller looks at namespaces that have its label, and a given one is its giver's "
                "to label",
                'leave signatures out and have the giver set policy.sigstore.dev/include: "true" with a '
                "ClusterImagePolicy",
                at="signatures",
            )
        return self

    @property
    def dns_selector(self) -> dict[str, str]:
        """Return the labels by which the cluster's DNS pods are known."""
        return dict(self.dns_labels) or DNS_LABELS


class Cluster(Model):
    """Facts of the cluster that the program has to know."""

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
    ip_families: Annotated[
        tuple[Literal["IPv4", "IPv6"], ...], Sequence, Field(min_length=1, max_length=2)
    ] = Field(
        default=("IPv4",),
        description="Families of the pods' addresses; with IPv6 the site listens on those too.",
        examples=[["IPv4", "IPv6"]],
    )
    domain: Subdomain = Field(
        default="cluster.local",
        description="Domain of the cluster's DNS, by which the whole names of Services end.",
        examples=["k8s.example.com"],
    )
    api_server: Annotated[tuple[NarrowCidr, ...], Sequence] = Field(
        default=(),
        description=(
            "Addresses of the API server, for the instances of a replicated database; "
            "none means those that the cluster names."
        ),
        examples=[["10.0.0.1/32"]],
    )
    api_server_ports: Annotated[tuple[Port, ...], Sequence] = Field(
        default=(),
        description="Ports of the API server at the addresses in `apiServer`; none means 443 and 6443.",
        examples=[[16443]],
    )

    @model_validator(mode="after")
    def _ports_of_addresses(self) -> Self:
        if self.api_server_ports and not self.api_server:
            raise refuse(
                "an address that the cluster names has its port with it, so these would not be used",
                "name the addresses in apiServer too, or remove apiServerPorts",
                at="apiServerPorts",
            )
        return self

    @property
    def server_ports(self) -> tuple[int, ...]:
        """Return ports of the API server at the addresses that are named."""
        return self.api_server_ports or API_SERVER_PORTS

    @property
    def family_policy(self) -> str | None:
        """Return the `ipFamilyPolicy` of Services: both families if pods have both, else the cluster's."""
        return "PreferDualStack" if len(set(self.ip_families)) > 1 else None
