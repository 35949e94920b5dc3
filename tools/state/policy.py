"""The rules of the store as AWS documents: who may do what, what is kept how long. Only data, no calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

VERSION = "2012-10-17"
HTTPS_ONLY = "FeastflowHttpsOnly"
OLD_VERSIONS = "feastflow-old-versions"
UPLOADS = "feastflow-unfinished-uploads"
# Damage that is found late can still be undone; the newest versions are kept whatever their age.
KEPT_DAYS = 90
KEPT_VERSIONS = 10
_UPLOAD_DAYS = 7

Document = dict[str, Any]


def https_only(bucket: str, key: str) -> Document:
    """Return the bucket policy's statement that refuses whatever is not encrypted on its way."""
    arn = bucket_arn(bucket, key)
    return {
        "Sid": HTTPS_ONLY,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def lifecycle() -> list[Document]:
    """Delete old versions after a while, the newest of them never; unfinished uploads soon."""
    return [
        {
            "ID": OLD_VERSIONS,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {
                "NoncurrentDays": KEPT_DAYS,
                "NewerNoncurrentVersions": KEPT_VERSIONS,
            },
        },
        {
            "ID": UPLOADS,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _UPLOAD_DAYS},
        },
    ]


def merged(theirs: Sequence[Document], ours: Sequence[Document], name: str) -> list[Document]:
    """Return all of theirs and ours; of two with one `name`, ours."""
    names = {entry[name] for entry in ours}
    return [*(entry for entry in theirs if entry.get(name) not in names), *ours]


def bucket_arn(name: str, key: str) -> str:
    """Return the bucket's ARN, in the key's partition: AWS, its Chinese or its government's regions."""
    return f"arn:{key.split(':')[1]}:s3:::{name}"
