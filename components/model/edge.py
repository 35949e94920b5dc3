"""The edge: where the site is reached."""

from typing import Literal, Self

from pydantic import Field, model_validator

from .base import Model, refuse
from .scalars import Host, Name, Port


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

    attempts: int = Field(
        default=1,
        ge=1,
        le=20,
        description="To how many pods a request is offered until one receives it. Above 1: Traefik alone.",
        examples=[3],
    )
    listener_port: Port | None = Field(
        default=None,
        description="Port of the Gateway's listener; none means the scheme's own. Not used by an Ingress.",
        examples=[8000],
    )

    @model_validator(mode="after")
    def _certificate(self) -> Self:
        if self.mode == "gateway" and self.tls.enabled and self.tls.secret_name is None:
            raise refuse(
                "a Gateway has no certificate of its own, and its listener would never be programmed",
                "feastflow-tls",
                at="tls.secretName",
            )
        return self

    @property
    def weights(self) -> bool:
        """Whether the edge divides a path's requests by weight; an Ingress knows only whole Services."""
        return self.mode == "gateway"

    @property
    def url(self) -> str:
        """The site's address, as a browser writes it."""
        scheme, own = ("https", 443) if self.tls.enabled else ("http", 80)
        suffix = "" if self.port in (None, own) else f":{self.port}"
        return f"{scheme}://{self.host}{suffix}"
