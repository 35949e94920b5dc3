"""The bucket and the key: made, or completed with what is missing. Run again, it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from state import policy
from state.address import Address
from toolchain.refusal import Refusal

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
# The one region whose name a bucket's location must not say.
_NAMELESS = "us-east-1"
_TAG = "feastflow"
_NOT_THERE = {"404", "NoSuchBucket", "NotFound"}
_NO_ACCESS = {"403", "AccessDenied", "AccessDeniedException", "Forbidden"}
_PUBLIC_ACCESS = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


@dataclass(frozen=True, kw_only=True)
class Store:
    """A bucket that keeps states, with its key's ARN; `changed` says what had to be done to it."""

    address: Address
    key: str
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Clients:
    """AWS as the address says: region, endpoint; credentials as AWS's own tools find them."""

    s3: S3Client
    kms: KMSClient
    region: str


def clients(address: Address) -> Clients:
    """Clients for the address.

    Raises:
        Refusal: when no region is known, or there is no profile of the name that AWS_PROFILE has.
    """
    try:
        session = boto3.Session(region_name=address.region)
    except BotoCoreError as error:
        raise _refused(address, error) from error
    region = session.region_name
    if not region:
        raise Refusal(
            f"no region is named for {address.bucket}",
            "bucket and key live in one region, and Pulumi must know which",
            f"name it: make backend BACKEND='{address.url}?region=eu-central-1', or set AWS_REGION",
        )
    style = "path" if address.option("s3ForcePathStyle") == "true" else "auto"
    retries = Config(retries={"mode": "standard"}, connect_timeout=5, s3={"addressing_style": style})  # type: ignore[arg-type]
    return Clients(
        s3=session.client("s3", endpoint_url=address.endpoint, config=retries),
        kms=session.client("kms", endpoint_url=address.endpoint, config=retries),
        region=region,
    )


def ensure(address: Address, reached: Clients, note: Callable[[str], None] = lambda _: None) -> Store:
    """The bucket with everything that a state needs, and its key.

    What else the bucket has (rules, statements, a KMS key of its own) stays as it is.

    Raises:
        Refusal: when AWS refuses, cannot be reached, or the bucket is somebody else's.
    """
    try:
        note("the bucket")
        changed = _bucket(address, reached)
        note("the key")
        key, added = _key(address, reached.kms)
        changed += added
        for complete in (_ownership, _public_access, _versioning, _lifecycle):
            note(f"the bucket's {complete.__name__.strip('_').replace('_', ' ')}")
            changed += complete(address, reached.s3)
        changed += _encryption(address, reached.s3, key)
        changed += _transport(address, reached.s3, key)
    except (ClientError, BotoCoreError) as error:
        denied = isinstance(error, ClientError) and _code(error) in _NO_ACCESS
        usable = _usable(address, reached) if denied else None
        if usable is None:
            raise _refused(address, error) from error
        return Store(address=address, key=usable, changed=("yours to use, and others' to look after",))
    return Store(address=address, key=key, changed=tuple(changed))


def key_arn(address: Address, reached: Clients) -> str | None:
    """The ARN of the bucket's key, or None when there is none."""
    try:
        return reached.kms.describe_key(KeyId=address.alias)["KeyMetadata"]["Arn"]
    except reached.kms.exceptions.NotFoundException:
        return None
    except (ClientError, BotoCoreError) as error:
        raise _refused(address, error) from error


def locks(address: Address, reached: Clients, project: str, stack: str) -> list[str]:
    """The locks that Pulumi has on the stack: one for each run that goes on or was killed."""
    prefix = address.key(f".pulumi/locks/organization/{project}/{stack}/")
    try:
        found = reached.s3.list_objects_v2(Bucket=address.bucket, Prefix=prefix).get("Contents", [])
    except (ClientError, BotoCoreError) as error:
        raise _refused(address, error) from error
    return [entry["Key"] for entry in found]


def unlock(address: Address, reached: Clients, paths: Sequence[str]) -> None:
    """Remove locks, named by their paths below the place, that killed runs left."""
    try:
        for path in paths:
            reached.s3.delete_object(Bucket=address.bucket, Key=address.key(path))
    except (ClientError, BotoCoreError) as error:
        raise _refused(address, error) from error


def _usable(address: Address, reached: Clients) -> str | None:
    """The key's ARN, where these credentials may use key and bucket and look after neither."""
    try:
        reached.s3.list_objects_v2(Bucket=address.bucket, Prefix=address.key(".pulumi/"), MaxKeys=1)
        return key_arn(address, reached)
    except (ClientError, BotoCoreError, Refusal):
        return None


def _key(address: Address, kms: KMSClient) -> tuple[str, list[str]]:
    changed = []
    try:
        found = kms.describe_key(KeyId=address.alias)["KeyMetadata"]
        key, arn = found["KeyId"], found["Arn"]
    except kms.exceptions.NotFoundException:
        made = kms.create_key(
            Description=f"Pulumi state and secrets in s3://{address.bucket}",
            Tags=[{"TagKey": "project", "TagValue": _TAG}],
        )["KeyMetadata"]
        key, arn = made["KeyId"], made["Arn"]
        kms.create_alias(AliasName=address.alias, TargetKeyId=key)
        changed.append("key")
    if not kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]:
        kms.enable_key_rotation(KeyId=key)
        changed.append("key rotation")
    return arn, changed


def _bucket(address: Address, reached: Clients) -> list[str]:
    try:
        reached.s3.head_bucket(Bucket=address.bucket)
    except ClientError as error:
        if _code(error) not in _NOT_THERE:
            raise
    else:
        return []
    wanted: dict[str, Any] = {"Bucket": address.bucket, "ObjectOwnership": "BucketOwnerEnforced"}
    if reached.region != _NAMELESS:
        wanted["CreateBucketConfiguration"] = {"LocationConstraint": reached.region}
    reached.s3.create_bucket(**wanted)
    return ["bucket"]


def _ownership(address: Address, s3: S3Client) -> list[str]:
    found = _optional(lambda: s3.get_bucket_ownership_controls(Bucket=address.bucket)["OwnershipControls"])
    if found and found["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced":
        return []
    s3.put_bucket_ownership_controls(
        Bucket=address.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    return ["ownership"]


def _public_access(address: Address, s3: S3Client) -> list[str]:
    found = _optional(
        lambda: s3.get_public_access_block(Bucket=address.bucket)["PublicAccessBlockConfiguration"]
    )
    if found == _PUBLIC_ACCESS:
        return []
    s3.put_public_access_block(
        Bucket=address.bucket,
        PublicAccessBlockConfiguration=_PUBLIC_ACCESS,  # type: ignore[arg-type]
    )
    return ["public access blocked"]


def _versioning(address: Address, s3: S3Client) -> list[str]:
    if s3.get_bucket_versioning(Bucket=address.bucket).get("Status") == "Enabled":
        return []
    s3.put_bucket_versioning(Bucket=address.bucket, VersioningConfiguration={"Status": "Enabled"})
    return ["versioning"]


def _encryption(address: Address, s3: S3Client, key: str) -> list[str]:
    found = _optional(
        lambda: s3.get_bucket_encryption(Bucket=address.bucket)["ServerSideEncryptionConfiguration"]
    )
    rules = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in found["Rules"]] if found else []
    if any("kms" in str(rule.get("SSEAlgorithm")) and rule.get("KMSMasterKeyID") for rule in rules):
        return []
    s3.put_bucket_encryption(
        Bucket=address.bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                    "BucketKeyEnabled": True,
                }
            ]
        },
    )
    return ["encryption"]


def _lifecycle(address: Address, s3: S3Client) -> list[str]:
    found: Any = _optional(lambda: s3.get_bucket_lifecycle_configuration(Bucket=address.bucket)["Rules"])
    theirs = list(found or [])
    names = {rule.get("ID") for rule in theirs}
    if names >= {policy.OLD_VERSIONS, policy.UPLOADS}:
        return []
    rules: Any = policy.merged(theirs, policy.lifecycle(), "ID")
    s3.put_bucket_lifecycle_configuration(Bucket=address.bucket, LifecycleConfiguration={"Rules": rules})
    return ["lifecycle"]


def _transport(address: Address, s3: S3Client, key: str) -> list[str]:
    if address.is_loopback:
        return []
    found = _optional(lambda: s3.get_bucket_policy(Bucket=address.bucket)["Policy"])
    document: dict[str, Any] = json.loads(found) if found else {"Version": policy.VERSION, "Statement": []}
    theirs: Any = document["Statement"]
    ours = policy.https_only(address.bucket, key)
    if ours in theirs:
        return []
    document["Statement"] = policy.merged(theirs, [ours], "Sid")
    s3.put_bucket_policy(Bucket=address.bucket, Policy=json.dumps(document))
    return ["https only"]


def _optional(ask: Callable[[], _T]) -> _T | None:
    """What the bucket has of it, or None where it has nothing."""
    try:
        return ask()
    except ClientError as error:
        if _code(error).startswith(("NoSuch", "OwnershipControlsNotFound", "ServerSideEncryption")):
            return None
        raise


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _refused(address: Address, error: Exception) -> Refusal:
    place = address.endpoint or "AWS"
    if isinstance(error, ClientError) and _code(error) in _NO_ACCESS:
        return Refusal(
            f"{place} refuses: {error}",
            f"either {address.bucket} belongs to another account, or these credentials may not manage it",
            "see who you are (aws sts get-caller-identity), take a name of your own for the bucket, "
            "or have somebody who may run this once",
        )
    if isinstance(error, ClientError):
        return Refusal(
            f"{place} refuses: {error}", "the state needs its store", "mend what it names, run it again"
        )
    return Refusal(
        f"{place} cannot be asked: {error}",
        "the state needs its store; nothing of the stack has been changed",
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and run it again",
    )
