"""AWS as an address reaches it: clients, answers that may be missing, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.state.address import Address
from tools.toolchain.errors import UserError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
NO_ACCESS = {"403", "AccessDenied", "AccessDeniedException", "Forbidden"}


@dataclass(frozen=True, kw_only=True)
class Clients:
    """AWS as the address says: region, endpoint; credentials as AWS's own tools find them."""

    s3: S3Client
    kms: KMSClient
    sts: Any
    region: str


@dataclass(frozen=True, kw_only=True)
class Objects:
    """Small objects of a bucket, by their paths below the address."""

    address: Address

    def put(self, path: str, content: str) -> None:
        """Write one."""
        self._ask(lambda s3, where: s3.put_object(**where, Body=content.encode()), path)

    def delete(self, path: str) -> None:
        """Delete one, if it is there."""
        self._ask(lambda s3, where: s3.delete_object(**where), path)

    def get(self, path: str) -> str | None:
        """Return the content of one, or None where it is not there."""

        def read(s3: S3Client, where: Any) -> str | None:  # noqa: ANN401 - Bucket and Key
            # Who may not list everything is told "access denied" about an object that does not exist.
            found = s3.list_objects_v2(Bucket=where["Bucket"], Prefix=where["Key"]).get("Contents", [])
            if not any(entry["Key"] == where["Key"] for entry in found):
                return None
            return s3.get_object(**where)["Body"].read().decode()

        return self._ask(read, path)

    def _ask(self, act: Callable[[S3Client, Any], _T], path: str) -> _T:
        try:
            where = {"Bucket": self.address.bucket, "Key": self.address.key(path)}
            return act(clients(self.address).s3, where)
        except (ClientError, BotoCoreError) as error:
            raise refused(self.address, error) from error


def clients(address: Address) -> Clients:
    """Return the clients for the address.

    Raises:
        UserError: when no region is known, or there is no profile of the name that AWS_PROFILE has.
    """
    try:
        session = boto3.Session(region_name=address.region)
    except BotoCoreError as error:
        raise refused(address, error) from error
    region = session.region_name
    if not region:
        raise UserError(
            f"no region is named for {address.bucket}",
            "bucket and key live in one region, and Pulumi must know which",
            f"name it: make backend BACKEND='{address.url}?region=eu-central-1', or set AWS_REGION",
        )
    style = "path" if address.option("s3ForcePathStyle") == "true" else "auto"
    retries = Config(retries={"mode": "standard"}, connect_timeout=5, s3={"addressing_style": style})  # type: ignore[arg-type]
    return Clients(
        s3=session.client("s3", endpoint_url=address.endpoint, config=retries),
        kms=session.client("kms", endpoint_url=address.endpoint, config=retries),
        sts=session.client("sts", endpoint_url=address.endpoint, config=retries),
        region=region,
    )


def optional(ask: Callable[[], _T]) -> _T | None:
    """Return what the bucket has of it, or None where it has nothing."""
    try:
        return ask()
    except ClientError as error:
        if code(error).startswith(("NoSuch", "OwnershipControlsNotFound", "ServerSideEncryption")):
            return None
        raise


def code(error: ClientError) -> str:
    """Return the code that AWS gives the error."""
    return error.response.get("Error", {}).get("Code", "")


def refused(address: Address, error: Exception) -> UserError:
    """Return what to tell the user whose call to AWS failed."""
    place = address.endpoint or "AWS"
    if isinstance(error, ClientError) and code(error) in NO_ACCESS:
        return UserError(
            f"{place} refuses: {error}",
            f"either {address.bucket} belongs to another account, or these credentials may not manage it",
            "see who you are (aws sts get-caller-identity), take a name of your own for the bucket, "
            "or have an administrator run this once",
        )
    if isinstance(error, ClientError):
        return UserError(
            f"{place} refuses: {error}", "the state needs its store", "fix what it names, run it again"
        )
    return UserError(
        f"{place} cannot be asked: {error}",
        "the state needs its store; nothing of the stack has been changed",
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and run it again",
    )
