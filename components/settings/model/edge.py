"""The edge: where the site is reached."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..values import names
from .base import Model, refuse
from .external import External
from .scalars import Host, Name, Port, Range, Sequence, Subdomain

_CONTROLLER_NAMESPACE = "traefik"


class Issuer(Model):
    """The signer of the certificate: an issuer of cert-manager's."""

    name: Subdomain = Field(description="Name of the issuer.", examples=["letsencrypt"])
    kind: Literal["Issuer", "ClusterIssuer"] = Field(
        default="ClusterIssuer",
        description="`Issuer`: of the stack's namespace. `ClusterIssuer`: of the cluster.",
        examples=["ClusterIssuer"],
    )
    group: Subdomain = Field(
        default="cert-manager.io",
        description="API group of the issuer, where it is not one of cert-manager's own.",
        examples=["cert-manager.io"],
    )


class Tls(Model):
    """Encryption between browsers and the edge."""

    enabled: bool = Field(default=False, description="Whether the site is served by https.", examples=[True])
    secret_name: Annotated[Subdomain, External("Secret")] | None = Field(
        default=None,
        description=(
            "TLS Secret in the namespace: with `issuer` cert-manager writes it (none means `feastflow-tls`), "
            "without one it must exist. Neither means the controller's own certificate."
        ),
        examples=["feastflow-tls"],
    )
    issuer: Issuer | None = Field(
        default=None,
        description="Has cert-manager write the certificate and renew it; none means that another does.",
        examples=[{"name": "letsencrypt"}],
    )

    @model_validator(mode="after")
    def _issued_for_use(self) -> Self:
        for key, value in (("issuer", self.issuer), ("secretName", self.secret_name)):
            if value is not None and not self.enabled:
                raise refuse(
                    "the site is served without encryption, so the certificate would not be used",
                    f"set enabled to true, or remove {key}",
                    at=key,
                )
        return self

    @property
    def certificate(self) -> str | None:
        """Return the Secret that holds the site's certificate; None is the controller's own certificate."""
        return self.secret_name or (names.CERTIFICATE if self.issuer else None)


class RateLimit(Model):
    """Requests that the edge takes from one client; what is more is answered 429, by ingress-nginx 503."""

    requests_per_second: Annotated[int, Field(ge=1, le=100_000)] = Field(
        description="Requests a second of one client, in the long run.", examples=[20]
    )
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=100, description="Requests of one client at once, on top of none before.", examples=[100]
    )
    proxies: Annotated[int, Field(ge=0, le=10)] = Field(
        default=0,
        description=(
            "Proxies of your own before the edge, each of which adds to X-Forwarded-For; without them a "
            "client is the address that connects. Traefik alone."
        ),
        examples=[1],
    )


class Edge(Model):
    """The site's address and TLS."""

    mode: Literal["ingress", "gateway"] = Field(
        default="ingress", description="Kind of object that describes the routes.", examples=["ingress"]
    )
    class_name: Annotated[Subdomain, External("IngressClass")] = Field(
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
        default=_CONTROLLER_NAMESPACE,
        description="Namespace of the controller's pods; only from there the tiers can be reached.",
        examples=["ingress-nginx"],
    )
    controller_cidrs: Annotated[tuple[Range, ...], Sequence] = Field(
        default=(),
        description=(
            "Addresses that the controller's requests come from, where they are no pods': the nodes' of one "
            "on the host network, the load balancer's of one outside. In place of `controllerNamespace`."
        ),
        examples=[["130.211.0.0/22", "35.191.0.0/16"]],
    )
    await_address: bool = Field(
        default=False,
        description="Wait until the controller has published an address; not every controller does.",
        examples=[True],
    )

    attempts: int = Field(
        default=1,
        ge=1,
        le=20,
        description="To how many pods a request is offered until one receives it. Above 1: Traefik alone.",
        examples=[3],
    )
    rate_limit: RateLimit | None = Field(
        default=None,
        description="Limit of requests per client; none means none. By Traefik, or by ingress-nginx.",
        examples=[{"requestsPerSecond": 20, "burst": 100}],
    )
    listener_port: Port | None = Field(
        default=None,
        description="Port of the Gateway's listener; none means the scheme's own. Not used by an Ingress.",
        examples=[8000],
    )

    @model_validator(mode="after")
    def _takes_effect(self) -> Self:
        if self.listener_port is not None and self.mode == "ingress":
            raise refuse(
                "an Ingress has no listener: its controller listens on the ports that it was installed with",
                "remove it, or set mode to gateway; what a browser must write is edge.port",
                at="listenerPort",
            )
        if self.attempts > 1 and self.controller != "traefik":
            raise refuse(
                f"Traefik alone offers a request again, and {self.class_name} is no class of Traefik's, "
                "which begin with traefik here",
                "1",
                at="attempts",
            )
        if self.controller_cidrs and self.controller_namespace != _CONTROLLER_NAMESPACE:
            raise refuse(
                "controllerCidrs stands in its place, so no pod of this namespace would be let in",
                "remove controllerNamespace, or controllerCidrs where the controller asks from its pods",
                at="controllerNamespace",
            )
        return self

    @model_validator(mode="after")
    def _certificate(self) -> Self:
        if self.mode == "gateway" and self.tls.enabled and self.tls.certificate is None:
            raise refuse(
                "a Gateway has no certificate of its own, and its listener would never be programmed",
                "feastflow-tls",
                at="tls.secretName",
            )
        return self

    @model_validator(mode="after")
    def _limits(self) -> Self:
        limit = self.rate_limit
        if limit is None or self.controller == "traefik":
            return self
        if self.controller is None:
            raise refuse(
                f"the controller counts requests, and that of class {self.class_name} is not known to do so; "
                "Traefik's classes begin with traefik here, ingress-nginx' with nginx",
                "remove rateLimit and set the limit in the controller's annotations, or name such a class",
                at="rateLimit",
            )
        if self.mode == "gateway":
            raise refuse(
                "for a Gateway only Traefik has such a limit, and the class is not one of Traefik's",
                "remove rateLimit, or set mode to ingress",
                at="rateLimit",
            )
        if limit.proxies:
            raise refuse(
                "ingress-nginx reads a client's address as its own ConfigMap says (use-forwarded-headers)",
                "0",
                at="rateLimit.proxies",
            )
        return self

    @property
    def controller(self) -> Literal["traefik", "ingress-nginx"] | None:
        """Return the program behind the class, where its name tells."""
        if self.class_name.startswith("traefik"):
            return "traefik"
        return "ingress-nginx" if self.class_name.startswith("nginx") else None

    @property
    def weights(self) -> bool:
        """Return whether the edge divides a path's requests by weight; an Ingress has only whole Services."""
        return self.mode == "gateway"

    @property
    def url(self) -> str:
        """Return the site's address, as a browser writes it."""
        scheme, own = ("https", 443) if self.tls.enabled else ("http", 80)
        suffix = "" if self.port in (None, own) else f":{self.port}"
        return f"{scheme}://{self.host}{suffix}"
