"""The bucket and the key: made, or completed with what is missing. Run again, it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.state import bucketpolicy, inspection, lifecycle, policy, tombstone
from tools.state.address import Address
from tools.state.aws import NO_ACCESS, Clients, clients, code, optional, refused
from tools.toolchain.errors import UserError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

__all__ = ["Clients", "Store", "clients", "ensure", "key_arn", "locks", "unlock"]

# The one region whose name a bucket's location must not say.
_NAMELESS = "us-east-1"
_TAG = "feastflow"
_META = ".pulumi/meta.yaml"
_NOT_THERE = {"404", "NoSuchBucket", "NotFound"}
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


def ensure(address: Address, reached: Clients, note: Callable[[str], None] = lambda _: None) -> Store:
    """Return the bucket with everything that a state needs, and its key.

    What else the bucket has (rules, statements, a KMS key of its own) stays as it is.

    Raises:
        UserError: when AWS refuses, cannot be reached, the bucket belongs to another account, or what it has
            of its own would delete states or lock Pulumi out.
    """
    try:
        note("the bucket")
        changed = _bucket(address, reached)
        note("what the bucket has of its own")
        inspection.harmless(address, reached)
        note("the key")
        key, added = _key(address, reached.kms)
        changed += added
        for complete in (_ownership, _public_access, _versioning, _lifecycle):
            note(f"the bucket's {complete.__name__.strip('_').replace('_', ' ')}")
            changed += complete(address, reached.s3)
        changed += _layout(address, reached.s3)
        changed += _encryption(address, reached.s3, key)
        changed += _transport(address, reached.s3, key)
    except (ClientError, BotoCoreError) as error:
        denied = isinstance(error, ClientError) and code(error) in NO_ACCESS
        usable = _usable(address, reached) if denied else None
        if usable is None:
            raise refused(address, error) from error
        return Store(address=address, key=usable, changed=("yours to use, and others' to look after",))
    return Store(address=address, key=key, changed=tuple(changed))


def key_arn(address: Address, reached: Clients) -> str | None:
    """Return the ARN of the bucket's key, or None when there is none."""
    try:
        return reached.kms.describe_key(KeyId=address.alias)["KeyMetadata"]["Arn"]
    except reached.kms.exceptions.NotFoundException:
        return None
    except (ClientError, BotoCoreError) as error:
        raise refused(address, error) from error


def locks(address: Address, reached: Clients, project: str, stack: str) -> list[str]:
    """Return the locks that Pulumi has on the stack: one for each run that goes on or was killed.

    A tombstone is none: what it says is asked of `tombstone`.
    """
    prefix = address.key(f".pulumi/locks/organization/{project}/{stack}/")
    stone = address.key(tombstone.path(project, stack))
    try:
        found = reached.s3.list_objects_v2(Bucket=address.bucket, Prefix=prefix).get("Contents", [])
    except (ClientError, BotoCoreError) as error:
        raise refused(address, error) from error
    return [entry["Key"] for entry in found if entry["Key"] != stone]


def unlock(address: Address, reached: Clients, paths: Sequence[str]) -> None:
    """Remove locks, named by their paths below the place, that killed runs left."""
    try:
        for path in paths:
            reached.s3.delete_object(Bucket=address.bucket, Key=address.key(path))
    except (ClientError, BotoCoreError) as error:
        raise refused(address, error) from error


def _usable(address: Address, reached: Clients) -> str | None:
    """Return the key's ARN, where these credentials may use key and bucket and look after neither."""
    try:
        reached.s3.list_objects_v2(
            Bucket=address.bucket, Prefix=address.key(".pulumi/stacks/"), Delimiter="/", MaxKeys=1
        )
        return key_arn(address, reached)
    except (ClientError, BotoCoreError, UserError):
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
    caller = inspection.caller(address, reached)
    try:
        reached.s3.head_bucket(Bucket=address.bucket)
    except ClientError as error:
        if code(error) not in _NOT_THERE:
            raise
    else:
        if caller:
            inspection.owned(address, reached.s3, caller.account)
        return []
    wanted: dict[str, Any] = {"Bucket": address.bucket, "ObjectOwnership": "BucketOwnerEnforced"}
    if reached.region != _NAMELESS:
        wanted["CreateBucketConfiguration"] = {"LocationConstraint": reached.region}
    reached.s3.create_bucket(**wanted)
    if caller:
        inspection.expect(reached.s3, caller.account)
    return ["bucket"]


def _ownership(address: Address, s3: S3Client) -> list[str]:
    found = optional(lambda: s3.get_bucket_ownership_controls(Bucket=address.bucket)["OwnershipControls"])
    if found and found["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced":
        return []
    s3.put_bucket_ownership_controls(
        Bucket=address.bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    return ["ownership"]


def _public_access(address: Address, s3: S3Client) -> list[str]:
    found = optional(
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


def _layout(address: Address, s3: S3Client) -> list[str]:
    """Write down that states lie by project, as Pulumi's first run would: a deployer only reads it."""

    def any_at(path: str) -> bool:
        prefix = address.key(path)
        found = s3.list_objects_v2(Bucket=address.bucket, Prefix=prefix, Delimiter="/", MaxKeys=1)
        return bool(found.get("Contents"))

    # States directly below `stacks` are of before there were projects: Pulumi goes on with them.
    if any_at(_META) or any_at(".pulumi/stacks/"):
        return []
    s3.put_object(Bucket=address.bucket, Key=address.key(_META), Body=b"version: 1\n")
    return ["layout"]


def _encryption(address: Address, s3: S3Client, key: str) -> list[str]:
    found = optional(
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
    found = inspection.rules(address, s3)
    theirs = found.get("Rules", [])
    lacking = lifecycle.missing(theirs)
    if not lacking:
        return []
    # Left out, S3 would set it back to its default.
    kept = {name: found[name] for name in ("TransitionDefaultMinimumObjectSize",) if name in found}
    s3.put_bucket_lifecycle_configuration(
        Bucket=address.bucket,
        LifecycleConfiguration={"Rules": policy.merged(theirs, lacking, "ID")},  # type: ignore[typeddict-item]
        **kept,
    )
    return ["lifecycle"]


def _transport(address: Address, s3: S3Client, key: str) -> list[str]:
    if address.is_loopback:
        return []
    document = inspection.document(address, s3)
    ours = policy.https_only(address.bucket, key)
    if bucketpolicy.has(document, ours):
        return []
    document["Statement"] = policy.merged(bucketpolicy.statements(document), [ours], "Sid")
    s3.put_bucket_policy(Bucket=address.bucket, Policy=json.dumps(document))
    return ["https only"]
