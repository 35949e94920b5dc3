"""The IAM policy for deploying one stack whose state is in a bucket that other stacks share.

Keys are named exactly: `dev*` would reach `dev2`. Only data, no calls.
"""

from __future__ import annotations

from typing import Any

from tools.state.address import CONTEXT, Address
from tools.state.policy import VERSION, Document, bucket_arn

# Beside the state itself: its backup, both of them packed, and the stack's tags.
_FILES = (".json", ".json.bak", ".json.gz", ".json.gz.bak", ".pulumi-tags")
_CONTEXT = f"kms:EncryptionContext:{CONTEXT}"
_S3_CONTEXT = "kms:EncryptionContext:aws:s3:arn"
_OBJECTS = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"]


def deployer(
    address: Address, project: str, stack: str, key: str, *, shared_secrets: bool = False
) -> Document:
    """Return what deploying the stack needs: reading and writing its state, and bringing versions back.

    No more than that: versions cannot be deleted, neither bucket nor key changed, and no other stack's state
    or secrets read or written. `key` is the KMS key's ARN. `shared_secrets` is for a stack whose secrets
    provider names no encryption context: its policy has to allow the secrets of every such stack.
    """
    arn = bucket_arn(address.bucket, key)
    folders = [_literal(folder) for folder in _folders(address, project, stack)]
    base = _literal(address.key(f".pulumi/stacks/{project}/{stack}"))
    below = [f"{folder}*" for folder in folders]
    own = [f"{arn}/{path}" for path in (*(f"{base}{end}" for end in _FILES), *below)]
    # Of a state that is not there S3 says so only where listing is allowed, and that question has no prefix:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    listed = {"StringLikeIfExists": {"s3:prefix": [f"{base}.json", *below]}}
    context = {"StringEquals": {_CONTEXT: address.context(project, stack)}}
    secrets = {"Null": {_CONTEXT: "true"}} if shared_secrets else context
    layout = _literal(address.key(".pulumi/"))
    projects = {"StringEquals": {"s3:prefix": f"{layout}stacks/", "s3:delimiter": "/"}}
    statements = [
        _allow("ListState", ["s3:ListBucket"], [arn], listed),
        _allow(
            "ListVersions", ["s3:ListBucketVersions"], [arn], {"StringLike": {"s3:prefix": [f"{base}.json"]}}
        ),
        # Pulumi looks for states of its old layout, which had no projects, and at the layout's version.
        _allow("ListProjects", ["s3:ListBucket"], [arn], projects),
        _allow("ReadLayout", ["s3:GetObject"], [f"{arn}/{layout}meta.yaml"]),
        _allow("ReadAndWriteState", _OBJECTS, own),
        _allow("UseKeyForSecrets", ["kms:Encrypt", "kms:Decrypt"], [key], secrets),
        _allow("UseKeyThroughS3", ["kms:GenerateDataKey", "kms:Decrypt"], [key], _through_s3(arn, key)),
        _allow("FindKey", ["kms:DescribeKey"], [key]),
    ]
    return {"Version": VERSION, "Statement": statements}


def _folders(address: Address, project: str, stack: str) -> list[str]:
    own = f"{project}/{stack}/"
    kinds = ("history/", "backups/", "locks/organization/")
    return [address.key(f".pulumi/{kind}{own}") for kind in kinds]


def _through_s3(arn: str, key: str) -> dict[str, Any]:
    """Return the condition for the keys of the bucket's own encryption, which S3 asks for and never shows."""
    _, partition, _, region, *_ = key.split(":")
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return {
        "StringEquals": {"kms:ViaService": f"s3.{region}.{suffix}"},
        # The bucket's ARN with bucket keys, the object's without.
        "StringLike": {_S3_CONTEXT: [arn, f"{arn}/*"]},
    }


def _literal(text: str) -> str:
    """Return the text as a pattern that matches nothing else."""
    return "".join(f"${{{sign}}}" if sign in "*?$" else sign for sign in text)


def _allow(
    sid: str, action: list[str], resource: list[str], condition: dict[str, Any] | None = None
) -> Document:
    statement = {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement
