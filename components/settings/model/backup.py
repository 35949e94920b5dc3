"""Backups of the database: where they are kept, how often, and how long.

The same tool writes and reads them for both engines: https://docs.pgbarman.org/release/3.19.1/user_guide/barman_cloud.html
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..values import stores
from ..values.stores import Endpoint, StoreError
from .base import Model, refuse
from .external import External
from .jobs import Schedule
from .proof import Proof
from .scalars import Key, LabelKey, Range, Sequence, Subdomain
from .workload import Egress

_ROLE = "eks.amazonaws.com/role-arn"
_ROLES_NAME = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}")


def _destination(text: str) -> str:
    try:
        return stores.destination(text)
    except StoreError as error:
        raise refuse(str(error), "s3://my-backups/feastflow/prod") from None


def _endpoint(text: str) -> str:
    try:
        stores.endpoint(text)
    except StoreError as error:
        raise refuse(str(error), "https://s3.example.com") from None
    return text


def _retention(text: str) -> str:
    try:
        stores.days_kept(text)
    except StoreError as error:
        raise refuse(str(error), "14d") from None
    return text


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise refuse("it is no region's name, and requests would be signed for another one", "eu-central-1")
    return text


Destination = Annotated[str, AfterValidator(_destination)]


class Credentials(Model):
    """The store's credentials: a Secret that exists, or what the cloud gives the database's pods.

    Values are never settings.
    """

    secret_name: Annotated[Subdomain, External("Secret")] | None = Field(
        default=None,
        description="Existing Secret of the namespace that holds an access key.",
        examples=["backup-store"],
    )
    id_key: Key = Field(
        default="ACCESS_KEY_ID", description="Key in that Secret of the access key's id.", examples=["id"]
    )
    secret_key: Key = Field(
        default="ACCESS_SECRET_KEY",
        description="Key in that Secret of the access key's secret.",
        examples=["key"],
    )
    workload_identity: dict[LabelKey, str] | None = Field(
        default=None,
        description="Annotations of the pods' service account by which a cloud gives them a role.",
        examples=[{_ROLE: "arn:aws:iam::123456789012:role/feastflow-backups"}],
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.secret_name is None) == (self.workload_identity is None):
            raise refuse(
                "a store is asked with one identity: a Secret's access key, or a role that the cloud gives",
                '{"secretName": "backup-store"}',
            )
        if self.workload_identity is None:
            return self
        if not self.workload_identity:
            raise refuse(
                "no annotation says which role the pods have",
                f'{{"{_ROLE}": "arn:aws:iam::123456789012:role/feastflow-backups"}}',
                at="workloadIdentity",
            )
        role = self.workload_identity.get(_ROLE)
        if role is not None and not _ROLES_NAME.fullmatch(role):
            raise refuse(
                "it is no name of a role in AWS, and the pods would be given no credentials",
                "write arn:aws:iam::ACCOUNT:role/NAME",
                at="workloadIdentity",
            )
        if self.id_key != "ACCESS_KEY_ID" or self.secret_key != "ACCESS_SECRET_KEY":  # noqa: S105 - a key's name
            raise refuse(
                "keys of a Secret are read where secretName names one, and none is named",
                "remove idKey and secretKey, or set secretName in place of workloadIdentity",
                at="secretKey" if self.id_key == "ACCESS_KEY_ID" else "idKey",
            )
        return self


class Backup(Model):
    """Backups of the database: its log as it is written, and copies of the whole by the clock."""

    destination: Destination = Field(
        description="Bucket and path; one path for each database, and a new one after a restore.",
        examples=["s3://my-backups/feastflow/prod"],
    )
    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = Field(
        default=None,
        description="Address of the store; none means AWS. A Service's port must be its pods' own.",
        examples=["https://s3.example.com"],
    )
    allow_http: bool = Field(
        default=False,
        description="Whether an endpoint without encryption is meant: everybody on the way reads all data.",
        examples=[False],
    )
    region: Annotated[str, AfterValidator(_region)] | None = Field(
        default=None,
        description="The store's region, where it has several; with AWS, the bucket's.",
        examples=["eu-central-1"],
    )
    cidrs: Annotated[tuple[Range, ...], Sequence] = Field(
        default=(),
        description=(
            "Addresses of the store (and, for a role, of AWS STS), where they are known; none opens every "
            "public address on the port."
        ),
        examples=[["192.0.2.0/24"]],
    )
    credentials: Credentials = Field(
        description="How the store is asked.", examples=[{"secretName": "backup-store"}]
    )
    schedule: Schedule = Field(
        default="30 2 * * *",
        description="When the whole is copied, in UTC: minute, hour, day, month, weekday; or as `@daily`.",
        examples=["30 2 * * *"],
    )
    retention: Annotated[str, AfterValidator(_retention)] = Field(
        default="14d",
        description="Days, weeks or months back to any moment of which a restore can go.",
        examples=["14d"],
    )
    encryption: Literal["AES256", "aws:kms", "bucket"] = Field(
        default="AES256",
        description="Encryption at rest that is asked of the store; `bucket` leaves it to the bucket's own.",
        examples=["aws:kms"],
    )
    compression: Literal["gzip", "bzip2", "none"] = Field(
        default="gzip", description="Compression before anything is sent.", examples=["gzip"]
    )

    proof: Proof = Field(
        default=Proof(),
        description="Restores by the clock of the newest backup, into a server of their own.",
        examples=[{"enabled": False}],
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.endpoint is None and self.allow_http:
            raise refuse(
                "AWS is spoken to by https, and no other store is named",
                "set endpoint, or remove allowHttp",
                at="allowHttp",
            )
        if not self.store.encrypted and not self.allow_http:
            raise refuse(
                "http has no encryption: everybody on the way reads the whole database, and which requests "
                "the credentials have signed",
                f"https://{self.store.host}, or, where the network is yours alone: "
                "pulumi config set --path feastflow:database.backup.allowHttp true",
                at="endpoint",
            )
        if self.endpoint is not None and self.credentials.workload_identity:
            raise refuse(
                "a cloud gives roles for its own store, and another endpoint would not know them",
                '{"secretName": "backup-store"}',
                at="credentials",
            )
        between = stores.days_between(self.schedule)
        if stores.days_kept(self.retention) < between:
            raise refuse(
                f"the schedule ({self.schedule}) leaves up to {between} days between two backups, so the one "
                "before would be deleted while nothing newer can stand for it",
                f"{between}d",
                at="retention",
            )
        return self

    @property
    def store(self) -> Endpoint:
        """Return where the store is."""
        if self.endpoint is None:
            region = f".{self.region}" if self.region else ""
            host = f"s3{region}.amazonaws.com{'.cn' if region.startswith('.cn-') else ''}"
            return Endpoint(host=host, port=443, encrypted=True)
        return stores.endpoint(self.endpoint)

    @property
    def way(self) -> Egress:
        """Return the host that the database's pods must reach."""
        return Egress(host=self.store.host, port=self.store.port, cidrs=self.cidrs)
