"""A PostgreSQL that is there already, managed or not: its address, its authority, and the login."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from .base import Model, refuse
from .scalars import Certificates, Port, Range, Sequence, SqlName
from .secrets import Reference, Source
from .workload import PEM, Egress, OutsideHost

_PASSWORD = {"secret": "database", "key": "password"}


class Administrator(Model):
    """A role that may make roles (CREATEROLE): a cloud's own administrator, or one of one's own."""

    user: SqlName = Field(description="Name of the role.", examples=["dbadmin"])
    password: Source = Field(
        description="Its password: encrypted in the stack's file, or where it is kept.", examples=[_PASSWORD]
    )


class ExternalServer(Model):
    """A server that the stack connects to and does not run."""

    host: OutsideHost = Field(
        description="Name of the server, which its certificate has: of a Service, `name.namespace.svc`.",
        examples=["db.example.com"],
    )
    port: Port = Field(
        default=5432, description="Port there; of a Service, the port of its pods.", examples=[5432]
    )
    cidrs: Annotated[tuple[Range, ...], Sequence] = Field(
        default=(),
        description="Addresses of the server, where they are known; none opens every public one on the port.",
        examples=[["10.20.0.0/24"]],
    )
    ssl_mode: Literal["verify-full", "verify-ca", "require"] = Field(
        default="verify-full",
        description=(
            "`verify-full`: the certificate is the host's; `verify-ca`: one of the authority's; `require`: "
            "encrypted, and any server may answer."
        ),
        examples=["verify-full"],
    )
    ca: Certificates | None = Field(
        default=None,
        description="Certificates of the authority that signs for the server; a public one is named, too.",
        examples=[PEM],
    )
    password: Source | None = Field(
        default=None,
        description="Password of `database.user`: encrypted in the stack's file, or where it is kept.",
        examples=[_PASSWORD],
    )
    administrator: Administrator | None = Field(
        default=None,
        description="In place of `password`, who makes the logins; only then can `rotation` replace them.",
        examples=[{"user": "dbadmin", "password": _PASSWORD}],
    )

    @property
    def way(self) -> Egress:
        """Return the way to the server, as a policy opens it."""
        return Egress(host=self.host, port=self.port, cidrs=self.cidrs)

    @property
    def sources(self) -> tuple[SecretStr | Reference, ...]:
        """Return the password by which the server is asked: the administrator's, or the login's own."""
        given = self.administrator.password if self.administrator else self.password
        return () if given is None else (given,)

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if (self.password is None) == (self.administrator is None):
            raise refuse(
                "the application has a login that is there, or those that an administrator makes",
                "in the stack's file, set either password or administrator",
                at="password",
            )
        return self

    @model_validator(mode="after")
    def _authority_is_known(self) -> Self:
        if self.ssl_mode == "require" and self.ca is not None:
            raise refuse("with sslMode require no certificate is compared with it", "remove ca", at="ca")
        if self.ssl_mode != "require" and self.ca is None:
            raise refuse(
                "drivers differ in the authorities that they know, and with none of them the server is "
                "refused; a cloud has its own for download, and a public one is in /etc/ssl/certs",
                "in the stack's file, set ca to a block (`|`) that begins -----BEGIN CERTIFICATE-----",
                at="ca",
            )
        return self
