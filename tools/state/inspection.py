"""The look at a bucket before a state is put there: its owner, its lifecycle, its policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.state import bucketpolicy, lifecycle, policy
from tools.state.address import Address
from tools.state.aws import NO_ACCESS, Clients, code, optional
from tools.state.bucketpolicy import Caller
from tools.toolchain.errors import UserError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def caller(address: Address, reached: Clients) -> Caller | None:
    """Return whose credentials these are; None where what stands in for AWS knows no accounts."""
    try:
        found = reached.sts.get_caller_identity()
    except ClientError:
        if address.endpoint is None:
            raise
        return None
    return Caller(account=found["Account"], arn=found["Arn"])


def owned(address: Address, s3: S3Client, account: str) -> None:
    """Refuse a bucket of another account, and let every later call fail on one.

    Raises:
        UserError: when the bucket belongs to another account.
    """
    try:
        s3.head_bucket(Bucket=address.bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if code(error) not in NO_ACCESS:
            raise
        raise UserError(
            f"the bucket {address.bucket} does not belong to account {account}, whose credentials these are",
            "bucket names are global: its owner could read or replace every state in it",
            "use credentials of the account that owns it (AWS_PROFILE=…; aws sts get-caller-identity shows\n"
            "whose these are), or name a bucket of your own: make backend BACKEND=s3://my-company-pulumi-state",
        ) from error
    expect(s3, account)


def expect(s3: S3Client, account: str) -> None:
    """Send the bucket's expected owner with every call that can carry it."""

    def add(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        if "ExpectedBucketOwner" in (model.input_shape.members if model.input_shape else {}):
            params.setdefault("ExpectedBucketOwner", account)

    s3.meta.events.register("provide-client-params.s3", add)


def harmless(address: Address, reached: Clients) -> None:
    """Refuse a bucket whose own rules would delete states, or whose own policy would lock Pulumi out.

    Raises:
        UserError: with every rule and statement of that kind.
    """
    below = address.key(".pulumi/")
    harms = lifecycle.harms(rules(address, reached.s3).get("Rules", []), below)
    if harms:
        raise UserError(
            f"the lifecycle of {address.bucket} would delete states\n" + "\n".join(harms),
            "Pulumi takes a stack without its state for one that was never deployed; nothing was changed",
            f"limit those rules to other prefixes than {below}, or name a bucket of its own for states:\n"
            f"aws s3api get-bucket-lifecycle-configuration --bucket {address.bucket}",
        )
    asking = caller(address, reached)
    if asking is None:
        return
    arn = f"arn:{asking.arn.split(':')[1]}:s3:::{address.bucket}"
    lockouts = bucketpolicy.lockouts(document(address, reached.s3), asking, arn, below)
    if lockouts:
        raise UserError(
            f"the policy of {address.bucket} would lock Pulumi out\n" + "\n".join(lockouts),
            "a deployment could not record what it has done; nothing was changed",
            f"exempt {below} from those statements, or name a bucket of its own for states:\n"
            f"aws s3api get-bucket-policy --bucket {address.bucket}",
        )


def rules(address: Address, s3: S3Client) -> Any:  # noqa: ANN401 - S3's answer
    """Return S3's answer about the bucket's lifecycle; empty where it has none."""
    return optional(lambda: s3.get_bucket_lifecycle_configuration(Bucket=address.bucket)) or {}


def document(address: Address, s3: S3Client) -> dict[str, Any]:
    """Return the bucket's policy; one without statements where it has none."""
    text = optional(lambda: s3.get_bucket_policy(Bucket=address.bucket)["Policy"])
    found: dict[str, Any] = json.loads(text) if text else {"Version": policy.VERSION, "Statement": []}
    return found
