"""A bucket's policy: the project's own statements found in any form, and those that lock Pulumi out."""

from typing import Any

import pytest

from tools.state import bucketpolicy, policy
from tools.state.bucketpolicy import Caller, Statement

_KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234"
_BUCKET = "arn:aws:s3:::b"
_ROLE = Caller(account="123456789012", arn="arn:aws:sts::123456789012:assumed-role/deploy/ann")


def _deny(**content: Any) -> Statement:
    everything = {"Principal": "*", "Action": "s3:*", "Resource": [_BUCKET, f"{_BUCKET}/*"]}
    chosen = {name: value for name, value in everything.items() if f"Not{name}" not in content}
    return {"Sid": "Theirs", "Effect": "Deny", **chosen, **content}


def _lockouts(statement: Statement, caller: Caller = _ROLE) -> list[str]:
    return bucketpolicy.lockouts({"Statement": statement}, caller, _BUCKET, ".pulumi/")


@pytest.mark.parametrize("shape", [lambda each: each, lambda each: [each]])
def test_a_single_statement_is_read_with_or_without_a_list(shape: Any) -> None:
    ours = policy.https_only("b", _KEY)

    assert bucketpolicy.statements({"Statement": shape(ours)}) == [ours]
    assert bucketpolicy.has({"Statement": shape({**ours, "Sid": "Another"})}, ours)
    assert bucketpolicy.has({"Statement": shape({**ours, "Resource": ours["Resource"][::-1]})}, ours)


@pytest.mark.parametrize("document", [{}, {"Statement": []}, {"Statement": _deny()}])
def test_a_policy_without_our_statement_does_not_have_it(document: dict[str, Any]) -> None:
    assert not bucketpolicy.has(document, policy.https_only("b", _KEY))


@pytest.mark.parametrize(
    "statement",
    [
        _deny(),
        _deny(Principal={"AWS": "*"}),
        _deny(Principal={"AWS": ["arn:aws:iam::999999999999:root", "123456789012"]}),
        _deny(Principal={"AWS": "arn:aws:iam::123456789012:root"}),
        _deny(Principal={"AWS": "arn:aws:iam::123456789012:role/deploy"}),
        _deny(NotPrincipal={"AWS": "arn:aws:iam::123456789012:role/admin"}),
        _deny(Action="S3:PutObject"),
        _deny(Action=["s3:Get*", "s3:GetBucketPolicy"]),
        _deny(NotAction="s3:GetObject"),
        _deny(Resource=f"{_BUCKET}/.pulumi/*"),
        _deny(NotResource=f"{_BUCKET}/logs/*"),
        _deny(Action="s3:ListBucket", Resource=_BUCKET),
        _deny(Action="s3:PutObject", Condition={"Null": {"s3:x-amz-server-side-encryption": "true"}}),
        _deny(
            Action="s3:PutObject",
            Condition={"StringNotEquals": {"s3:x-amz-server-side-encryption": ["aws:kms"]}},
        ),
    ],
)
def test_a_deny_that_holds_for_what_pulumi_does_locks_it_out(statement: Statement) -> None:
    (found,) = _lockouts(statement)

    assert found.startswith("the statement Theirs denies s3:")


@pytest.mark.parametrize(
    "statement",
    [
        {**_deny(), "Effect": "Allow"},
        _deny(Principal={"AWS": "arn:aws:iam::123456789012:role/deployer"}),
        _deny(Principal={"AWS": "arn:aws:iam::999999999999:root"}),
        _deny(Principal={"Service": "logging.s3.amazonaws.com"}),
        _deny(NotPrincipal={"AWS": "arn:aws:iam::123456789012:role/deploy"}),
        _deny(Action="s3:DeleteBucket"),
        _deny(Action="s3:DeleteObjectVersion"),
        _deny(NotAction=["s3:*Object", "s3:ListBucket"]),
        _deny(Resource=f"{_BUCKET}/logs/*"),
        _deny(Condition={"Bool": {"aws:SecureTransport": "false"}}),
        _deny(Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        _deny(Action="s3:GetObject", Condition={"Null": {"s3:x-amz-server-side-encryption": "true"}}),
        _deny(Action="s3:PutObject", Condition={"Null": {"s3:x-amz-server-side-encryption": "false"}}),
        _deny(
            Action="s3:PutObject",
            Condition={
                "Null": {"s3:x-amz-server-side-encryption": "false"},
                "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"},
            },
        ),
    ],
)
def test_what_denies_others_or_other_things_locks_no_user_out(statement: Statement) -> None:
    assert _lockouts(statement) == []


def test_a_user_is_meant_by_its_own_arn() -> None:
    ann = Caller(account="123456789012", arn="arn:aws:iam::123456789012:user/ann")

    assert _lockouts(_deny(Principal={"AWS": ann.arn}), ann)
    assert _lockouts(_deny(Principal={"AWS": f"{ann.arn}e"}), ann) == []
