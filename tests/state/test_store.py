"""Bucket and key as moto's AWS has them after `ensure`: what a state needs, and others' settings kept."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from tools.state import policy, store
from tools.state.address import Address, parse
from tools.state.store import Clients
from tools.toolchain.errors import UserError

_BUCKET = "company.pulumi-state"


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture(params=["us-east-1", "eu-central-1"])
def address(request: pytest.FixtureRequest) -> Address:
    """Return a bucket in the region without a location, and in one that has one."""
    found = parse(f"s3://{_BUCKET}?region={request.param}")
    assert found
    return found


@pytest.fixture
def aws(address: Address) -> Clients:
    """Return clients for it, which complete what moto answers.

    It forgets how many older versions a rule keeps.
    """
    clients = store.clients(address)
    kept: dict[str, int] = {}

    def remember(params: dict[str, Any], **_: object) -> None:
        for rule in params["LifecycleConfiguration"]["Rules"]:
            older = rule.get("NoncurrentVersionExpiration", {})
            kept[rule["ID"]] = older.get("NewerNoncurrentVersions", 0)

    def complete(parsed: dict[str, Any], **_: object) -> None:
        for rule in parsed.get("Rules", []):
            if kept.get(rule["ID"]):
                rule["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"] = kept[rule["ID"]]

    events = clients.s3.meta.events
    events.register("provide-client-params.s3.PutBucketLifecycleConfiguration", remember)
    events.register("after-call.s3.GetBucketLifecycleConfiguration", complete)
    return clients


def _there(aws: Clients, address: Address) -> None:
    """Create the bucket as a user would who knows nothing of states."""
    wanted: dict[str, Any] = {"Bucket": _BUCKET}
    if address.region != "us-east-1":
        wanted["CreateBucketConfiguration"] = {"LocationConstraint": address.region}
    aws.s3.create_bucket(**wanted)


def _put(aws: Clients, *rules: Any) -> None:
    aws.s3.put_bucket_lifecycle_configuration(Bucket=_BUCKET, LifecycleConfiguration={"Rules": list(rules)})


def _rules(aws: Clients) -> list[Any]:
    return list(aws.s3.get_bucket_lifecycle_configuration(Bucket=_BUCKET)["Rules"])


def test_a_bucket_is_made_versioned_encrypted_by_its_key_and_closed(address: Address, aws: Clients) -> None:
    made = store.ensure(address, aws)

    s3 = aws.s3
    assert s3.get_bucket_versioning(Bucket=_BUCKET)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(Bucket=_BUCKET)["PublicAccessBlockConfiguration"].values()) == {
        True
    }
    (rule,) = s3.get_bucket_encryption(Bucket=_BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": made.key,
    }
    assert rule["BucketKeyEnabled"] is True
    (owner,) = s3.get_bucket_ownership_controls(Bucket=_BUCKET)["OwnershipControls"]["Rules"]
    assert owner == {"ObjectOwnership": "BucketOwnerEnforced"}
    assert s3.head_bucket(Bucket=_BUCKET)["BucketRegion"] == address.region


def test_the_key_is_rotated_and_found_by_the_alias_that_pulumi_is_given(
    address: Address, aws: Clients
) -> None:
    made = store.ensure(address, aws)

    assert aws.kms.describe_key(KeyId="alias/pulumi-company_pulumi-state")["KeyMetadata"]["Arn"] == made.key
    assert aws.kms.get_key_rotation_status(KeyId=made.key)["KeyRotationEnabled"] is True
    provider = f"awskms://alias/pulumi-company_pulumi-state?region={address.region}&context_pulumi-stack="
    assert address.secrets("shop", "dev") == f"{provider}shop/dev"


def test_old_versions_go_after_a_while_and_the_newest_of_them_never(address: Address, aws: Clients) -> None:
    store.ensure(address, aws)

    rules = {rule["ID"]: rule for rule in _rules(aws)}
    expiry = rules[policy.OLD_VERSIONS]["NoncurrentVersionExpiration"]
    assert expiry["NoncurrentDays"] == 90
    assert expiry["NewerNoncurrentVersions"] == 10
    assert rules[policy.UPLOADS]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_what_is_not_encrypted_on_its_way_is_refused(address: Address, aws: Clients) -> None:
    store.ensure(address, aws)

    document = json.loads(aws.s3.get_bucket_policy(Bucket=_BUCKET)["Policy"])
    (statement,) = document["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{_BUCKET}", f"arn:aws:s3:::{_BUCKET}/*"]


def test_a_second_run_changes_nothing(address: Address, aws: Clients) -> None:
    first = store.ensure(address, aws)
    second = store.ensure(address, aws)

    assert set(first.changed) >= {"bucket", "key", "versioning", "encryption", "lifecycle", "https only"}
    assert second.changed == ()
    assert second.key == first.key


def test_a_bucket_that_is_there_is_completed_and_keeps_its_own_rules(aws: Clients, address: Address) -> None:
    _there(aws, address)
    own: Any = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
    _put(aws, own)
    statement = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket"}
    statement["Resource"] = f"arn:aws:s3:::{_BUCKET}"
    aws.s3.put_bucket_policy(
        Bucket=_BUCKET, Policy=json.dumps({"Version": policy.VERSION, "Statement": [statement]})
    )
    aws.s3.put_bucket_versioning(Bucket=_BUCKET, VersioningConfiguration={"Status": "Suspended"})

    made = store.ensure(address, aws)

    assert "bucket" not in made.changed
    assert "versioning" in made.changed
    assert {rule["ID"] for rule in _rules(aws)} == {"theirs", policy.OLD_VERSIONS, policy.UPLOADS}
    document = json.loads(aws.s3.get_bucket_policy(Bucket=_BUCKET)["Policy"])
    assert [entry["Sid"] for entry in document["Statement"]] == ["Theirs", policy.HTTPS_ONLY]


def test_a_bucket_with_a_kms_key_of_its_own_keeps_it(aws: Clients, address: Address) -> None:
    store.ensure(address, aws)
    theirs = aws.kms.create_key()["KeyMetadata"]["Arn"]
    aws.s3.put_bucket_encryption(
        Bucket=_BUCKET,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": theirs}}
            ]
        },
    )

    assert store.ensure(address, aws).changed == ()


def test_a_run_that_was_cut_off_between_key_and_bucket_is_completed(
    aws: Clients, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store, "_versioning", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.ensure(address, aws)

    made = store.ensure(address, aws)

    assert "versioning" in made.changed
    assert "key" not in made.changed


def test_without_a_region_the_refusal_says_how_to_name_one() -> None:
    address = parse("s3://company-state")
    assert address

    with pytest.raises(UserError) as caught:
        store.clients(address)

    assert "make backend BACKEND='s3://company-state?region=eu-central-1'" in caught.value.fix


def test_a_profile_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    address = parse("s3://company-state?region=eu-central-1")
    assert address
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")

    with pytest.raises(UserError, match="no-such-profile"):
        store.clients(address)


def test_the_region_is_written_into_the_url_so_that_it_does_not_hang_on_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    address = parse("s3://company-state")
    assert address

    reached = store.clients(address)

    assert address.within(reached.region).url == "s3://company-state?region=eu-west-1"


def test_the_locks_of_a_stack_are_found_below_the_prefix(aws: Clients, address: Address) -> None:
    _there(aws, address)
    deeper = parse(f"s3://{_BUCKET}/team/a?region={address.region}")
    assert deeper
    key = "team/a/.pulumi/locks/organization/parcel/dev/1.json"
    aws.s3.put_object(Bucket=_BUCKET, Key=key, Body=b"{}")

    assert store.locks(deeper, aws, "parcel", "dev") == [key]
    assert store.locks(deeper, aws, "parcel", "prod") == []
    assert store.locks(address, aws, "parcel", "dev") == []


def test_a_bucket_whose_own_rule_deletes_states_is_refused_and_left_as_it_is(
    aws: Clients, address: Address
) -> None:
    _there(aws, address)
    _put(aws, {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}})

    with pytest.raises(UserError) as caught:
        store.ensure(address, aws)

    assert "the rule tidy deletes current objects after 30 days" in caught.value.found
    assert "limit those rules to other prefixes than .pulumi/" in caught.value.fix
    assert aws.s3.get_bucket_versioning(Bucket=_BUCKET).get("Status") is None
    assert [rule["ID"] for rule in _rules(aws)] == ["tidy"]


def test_a_rule_of_ours_that_was_changed_by_hand_is_put_right(aws: Clients, address: Address) -> None:
    store.ensure(address, aws)
    changed = [dict(rule) for rule in policy.lifecycle()]
    changed[0]["NoncurrentVersionExpiration"] = {"NoncurrentDays": 1}
    _put(aws, *changed)

    assert store.ensure(address, aws).changed == ("lifecycle",)
    rules = {rule["ID"]: rule for rule in _rules(aws)}
    assert rules[policy.OLD_VERSIONS]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90
    assert len(rules) == 2


def test_a_policy_whose_statement_is_a_single_object_is_added_to(aws: Clients, address: Address) -> None:
    _there(aws, address)
    single = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket"}
    single["Resource"] = f"arn:aws:s3:::{_BUCKET}"
    aws.s3.put_bucket_policy(
        Bucket=_BUCKET, Policy=json.dumps({"Version": policy.VERSION, "Statement": single})
    )

    store.ensure(address, aws)

    document = json.loads(aws.s3.get_bucket_policy(Bucket=_BUCKET)["Policy"])
    assert [entry["Sid"] for entry in document["Statement"]] == ["Theirs", policy.HTTPS_ONLY]
    assert store.ensure(address, aws).changed == ()


def test_a_policy_that_would_lock_pulumi_out_is_refused_before_anything_is_changed(
    aws: Clients, address: Address
) -> None:
    _there(aws, address)
    statement = {"Sid": "Frozen", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:PutObject"}
    statement["Resource"] = f"arn:aws:s3:::{_BUCKET}/*"
    aws.s3.put_bucket_policy(
        Bucket=_BUCKET, Policy=json.dumps({"Version": policy.VERSION, "Statement": statement})
    )

    with pytest.raises(UserError, match="the statement Frozen denies s3:PutObject"):
        store.ensure(address, aws)

    assert aws.s3.get_bucket_versioning(Bucket=_BUCKET).get("Status") is None


def _belongs_to(aws: Clients, owner: str) -> list[str]:
    """Have S3 compare the expected owner, as AWS does and moto does not; return the owners, call by call."""
    expected: list[str] = []

    def compare(request: Any, **_: object) -> object:
        account = request.headers.get("x-amz-expected-bucket-owner")
        account = account.decode() if isinstance(account, bytes) else account
        expected.append(account or "")
        if account in (None, owner):
            return None
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        return SimpleNamespace(status_code=403, headers={}, content=body, raw=None, text=body.decode())

    events: Any = aws.s3.meta.events
    events.register_first("before-send.s3", compare)
    return expected


def test_a_bucket_of_another_account_is_refused_although_it_lets_us_in(
    aws: Clients, address: Address
) -> None:
    _there(aws, address)
    _belongs_to(aws, "999999999999")

    with pytest.raises(UserError) as caught:
        store.ensure(address, aws)

    assert "does not belong to account 123456789012" in caught.value.found
    assert "AWS_PROFILE" in caught.value.fix
    assert aws.s3.get_bucket_versioning(Bucket=_BUCKET).get("Status") is None


def test_every_call_after_the_first_names_the_owner_that_it_expects(aws: Clients, address: Address) -> None:
    _there(aws, address)
    expected = _belongs_to(aws, "123456789012")

    store.ensure(address, aws)

    assert expected[0] == ""
    assert len(expected) > 5
    assert set(expected[1:]) == {"123456789012"}
