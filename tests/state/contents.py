"""Contents of a bucket, saved once and restored before each test that begins with them."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.state.store import Clients


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The newest version of every object, by key; older ones are not kept."""

    bucket: str
    objects: Mapping[str, bytes]

    def put_back(self, reached: Clients) -> None:
        """Delete every version in the bucket, and write what it held."""
        _empty(reached, self.bucket)
        for key, body in self.objects.items():
            reached.s3.put_object(Bucket=self.bucket, Key=key, Body=body)


def of(reached: Clients, bucket: str) -> Contents:
    """Read what the bucket holds now."""
    found = reached.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    keys = [entry["Key"] for entry in found]
    objects = {key: reached.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    return Contents(bucket=bucket, objects=objects)


def _empty(reached: Clients, bucket: str) -> None:
    found = reached.s3.list_object_versions(Bucket=bucket)
    for entry in (*found.get("Versions", []), *found.get("DeleteMarkers", [])):
        reached.s3.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
