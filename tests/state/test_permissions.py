"""The printed policy, enforced: what a deployment needs is allowed, what could lose a state is not."""

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tools.state import permissions, policy, store, versions

from . import cloud
from .cloud import Cloud
from .parcel import PROJECT, STACK, Parcel


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Cloud]:
    """Yield a cloud of its own, whose permissions are enforced once `_enforce` has been called."""
    with cloud.running(tmp_path / "moto.log") as made:
        yield made


def _enforce(aws: Cloud) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=10)
    connection.request("POST", "/moto-api/reset-auth", body=b"0", headers={"Content-Type": "text/plain"})
    assert connection.getresponse().status == http.HTTPStatus.OK
    connection.close()


def _login(aws: Cloud, document: policy.Document) -> dict[str, str]:
    """Return the keys of a new user who may do what the document says."""
    iam = boto3.client("iam", endpoint_url=f"http://127.0.0.1:{aws.port}", region_name="us-east-1")
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="state", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def test_the_policy_allows_all_that_deploying_needs_and_nothing_that_loses_a_state(
    guarded: Cloud, bucket: str, parcel: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = guarded.address(bucket)
    made = store.ensure(address, store.clients(address))
    document = permissions.deployer(address, PROJECT, STACK, made.key)
    # This AWS knows neither which key a call is about nor its conditions: `test_isolation` judges those.
    for statement in document["Statement"]:
        statement.pop("Condition", None)
        if made.key in statement["Resource"]:
            statement["Resource"] = "*"
    for name, value in _login(guarded, document).items():
        monkeypatch.setenv(name, value)
    _enforce(guarded)
    anns = store.clients(address)
    key = versions.key(address, PROJECT, STACK)

    assert store.ensure(address, anns) == replace(made, changed=("yours to use, and others' to look after",))
    parcel.mover().to(address)
    ran = parcel.up(PARCEL_TAG="anns")
    assert ran.code == 0, ran.text
    anns.s3.delete_object(Bucket=bucket, Key=key)
    versions.restore(address, anns, PROJECT, STACK)
    assert parcel.up("--expect-no-changes", PARCEL_TAG="anns").code == 0

    version = anns.s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"][0]["VersionId"]
    forbidden: dict[str, Callable[[], object]] = {
        "an older version": lambda: anns.s3.delete_object(Bucket=bucket, Key=key, VersionId=version),
        "versioning": lambda: anns.s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
        "the bucket's policy": lambda: anns.s3.delete_bucket_policy(Bucket=bucket),
        "the key": lambda: anns.kms.schedule_key_deletion(KeyId=made.key),
        "key rotation": lambda: anns.kms.disable_key_rotation(KeyId=made.key),
    }
    allowed = []
    for what, act in forbidden.items():
        try:
            act()
        except ClientError as error:
            assert "AccessDenied" in str(error)  # noqa: PT017 - one for each
        else:
            allowed.append(what)
    assert allowed == []
