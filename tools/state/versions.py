"""Older versions of a state in a versioned bucket: which there are, and one of them brought back.

Nothing is deleted for it: the older version is written once more, on top of what went wrong.
"""

from __future__ import annotations

import json
import operator
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from tools.state import deployment
from tools.state.address import Address
from tools.state.aws import Objects
from tools.state.store import Clients
from tools.toolchain.errors import UserError

_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of the state's object. `resources` is None where it holds no state, deleted or torn."""

    id: str
    since: datetime
    latest: bool
    resources: int | None

    def __str__(self) -> str:
        """Return it as a line to choose from."""
        held = "no state" if self.resources is None else f"{self.resources} resources"
        return f"{self.id}  {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC  {held}"


def key(address: Address, project: str, stack: str) -> str:
    """Return the key under which Pulumi keeps the stack's state in the bucket."""
    return address.key(f".pulumi/stacks/{project}/{stack}.json")


def provider(address: Address, project: str, stack: str) -> str | None:
    """Return the URL of the key that encrypts the stack's secrets, from its state; None where it names none.

    Raises:
        UserError: when the state cannot be read.
    """
    content = Objects(address=address).get(f".pulumi/stacks/{project}/{stack}.json")
    try:
        latest = json.loads(content or "{}").get("checkpoint", {}).get("latest") or {}
        return deployment.encryption({"deployment": latest}).get("secretsprovider")
    except (ValueError, KeyError, AttributeError):
        return None


def restore(
    address: Address, reached: Clients, project: str, stack: str, wanted: str | None = None
) -> Version:
    """Bring a version back: the one that is named, else the newest whole one where the present one is not.

    Raises:
        UserError: when there is nothing to bring back, no need for it, or no such version.
    """
    name = key(address, project, stack)
    try:
        found = _versions(address, reached, name, wanted)
        chosen = _chosen(found, stack, wanted)
        source = {"Bucket": address.bucket, "Key": name, "VersionId": chosen.id}
        reached.s3.copy_object(Bucket=address.bucket, Key=name, CopySource=source)  # type: ignore[arg-type]
    except (ClientError, BotoCoreError) as error:
        raise UserError(
            f"{address.bucket} refuses: {error}",
            "the state was not brought back; what there is has not been changed",
            "see that these credentials have the permissions of: make backend-policy",
        ) from error
    return chosen


def _chosen(found: list[Version], stack: str, wanted: str | None) -> Version:
    whole = [version for version in found if version.resources is not None]
    if not whole:
        raise UserError(
            f"there is no version of the state of {stack}",
            "only what was once there can be brought back",
            "see that STACK and the bucket are the right ones",
        )
    listing = "\n".join(str(version) for version in found[:_SHOWN])
    if wanted:
        for version in whole:
            if version.id == wanted:
                return version
        raise UserError(
            f"the state of {stack} has no version {wanted}; it has, newest first:\n{listing}",
            "a version is named by its id",
            f"choose one that holds a state: make backend-restore STACK={stack} VERSION={whole[0].id}",
        )
    if whole[0].latest:
        raise UserError(
            f"the state of {stack} is whole; its versions, newest first:\n{listing}",
            "an older one would describe what is not so any more",
            f"if one is meant, name it: make backend-restore STACK={stack} VERSION=…",
        )
    return whole[0]


def _versions(
    address: Address, reached: Clients, name: str, wanted: str | None = None, shown: int = _SHOWN
) -> list[Version]:
    """Return versions of exactly this object, newest first; the backup next to it has a longer name.

    Each is a whole state, and there is one for every step of every deployment: only so many are read as are
    shown, on to the first whole one, and the one that is `wanted`.
    """
    pages = reached.s3.get_paginator("list_object_versions").paginate(Bucket=address.bucket, Prefix=name)
    known = [
        (entry["IsLatest"], entry["LastModified"], entry["VersionId"], is_object)
        for page in pages
        for is_object, entries in ((True, page.get("Versions", [])), (False, page.get("DeleteMarkers", [])))
        for entry in entries
        if entry["Key"] == name
    ]
    found: list[Version] = []
    # Times are of whole seconds; within one, S3's own order counts: the newest first, and sorting keeps it.
    for latest, since, version, is_object in sorted(known, key=operator.itemgetter(0, 1), reverse=True):
        enough = len(found) >= shown and any(each.resources is not None for each in found)
        if enough and version != wanted:
            continue
        resources = _resources(address, reached, name, version) if is_object else None
        found.append(Version(id=version, since=since, latest=latest, resources=resources))
    return found


def _resources(address: Address, reached: Clients, name: str, version: str) -> int | None:
    body = reached.s3.get_object(Bucket=address.bucket, Key=name, VersionId=version)["Body"].read()
    try:
        # A stack that was only made has no `latest`.
        return len((json.loads(body)["checkpoint"].get("latest") or {}).get("resources") or [])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
