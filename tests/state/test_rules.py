"""Addresses, policies, records, comparisons and locks: all that is decided without a request."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tools.state import deployment, lock, permissions, place, policy
from tools.state.address import Address, parse
from tools.state.deployment import Deployment
from tools.state.place import Record, Unfinished
from tools.toolchain.errors import UserError

_KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234"
_SECRET = {deployment.MARK: deployment._SECRET}


@pytest.mark.parametrize("text", ["local", "file", "file://"])
def test_this_machines_own_files_have_names(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("text", ["", "s3://", "gs://bucket", "bucket", "/tmp/state", "https://x"])
def test_what_names_neither_is_refused_with_what_would(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text)

    assert "BACKEND" in caught.value.found
    assert "make backend BACKEND=s3://" in caught.value.fix
    assert "make backend BACKEND=local" in caught.value.fix


def test_an_option_that_pulumi_does_not_know_is_refused_before_pulumi_does() -> None:
    with pytest.raises(UserError, match="BACKEND has the option regoin"):
        parse("s3://bucket?regoin=x")


def test_what_reaches_the_bucket_reaches_the_key() -> None:
    address = parse("s3://b/team/x?endpoint=127.0.0.1:5000&disableSSL=true&s3ForcePathStyle=true&region=r")
    assert address

    assert address.url == (
        "s3://b/team/x?endpoint=127.0.0.1:5000&disableSSL=true&s3ForcePathStyle=true&region=r"
    )
    assert address.secrets("shop", "dev") == (
        "awskms://alias/pulumi-b?endpoint=127.0.0.1:5000&disableSSL=true&region=r"
        "&context_pulumi-stack=team/x/shop/dev"
    )
    assert address.endpoint == "http://127.0.0.1:5000"
    assert address.is_loopback


@pytest.mark.parametrize(
    ("query", "endpoint", "loopback"),
    [
        ("", None, False),
        ("?endpoint=minio.example.com", "https://minio.example.com", False),
        ("?endpoint=http://localhost:9", "http://localhost:9", True),
        ("?endpoint=10.0.0.1", "https://10.0.0.1", False),
    ],
)
def test_an_endpoint_is_aws_or_what_the_url_says(query: str, endpoint: str | None, *, loopback: bool) -> None:
    address = parse(f"s3://b{query}")
    assert address

    assert address.endpoint == endpoint
    assert address.is_loopback is loopback


_B = Address(bucket="b", prefix="", options=())


def _actions(document: policy.Document) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_a_deployer_may_neither_delete_versions_nor_change_the_store() -> None:
    actions = _actions(permissions.deployer(_B, "shop", "dev", _KEY))

    assert all("*" not in action for action in actions)
    assert not {action for action in actions if "Bucket" in action} - {
        "s3:ListBucket",
        "s3:ListBucketVersions",
    }
    assert "s3:DeleteObjectVersion" not in actions
    assert not any(
        word in action for action in actions for word in ("Policy", "Schedule", "Disable", "Grant")
    )


def test_what_is_allowed_is_allowed_on_this_bucket_this_folder_and_this_key() -> None:
    team = parse("s3://b/team")
    assert team
    resources = {
        resource
        for statement in permissions.deployer(team, "shop", "dev", _KEY)["Statement"]
        for resource in statement["Resource"]
    }

    assert resources - {"arn:aws:s3:::b", _KEY} == {
        f"arn:aws:s3:::b/team/.pulumi/{path}"
        for path in (
            "meta.yaml",
            *(f"stacks/shop/dev{end}" for end in (".json", ".json.bak", ".json.gz", ".json.gz.bak")),
            "stacks/shop/dev.pulumi-tags",
            *(f"{kind}/shop/dev/*" for kind in ("history", "backups", "locks/organization")),
        )
    }


def test_in_another_partition_the_buckets_name_is_of_that_partition() -> None:
    document = permissions.deployer(_B, "shop", "dev", "arn:aws-cn:kms:cn-north-1:1:key/1")
    listing, *_ = document["Statement"]

    assert listing["Resource"] == ["arn:aws-cn:s3:::b"]
    assert "s3.cn-north-1.amazonaws.com.cn" in str(document)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "feastflow"


def test_a_stack_that_was_never_moved_is_in_this_machines_files(home: Path) -> None:
    found = place.read("uid", "dev")

    assert found == Record(current=place.first("uid"))
    assert found.current.url == f"file://{home}/stacks/uid?metadata=skip"
    assert place.files(found.current) == home / "stacks/uid"
    assert place.folder("uid", found.current) == home / "workspaces/uid"


def test_a_record_says_where_the_state_is_and_where_it_was(home: Path) -> None:
    target = place.planned("uid", "shop", "dev", parse("s3://b?region=r"))
    written = Record(current=target, previous=place.first("uid"), fingerprint="f")
    place.write("uid", "dev", written)

    assert place.read("uid", "dev") == written
    assert place.read("uid", "prod").current.local
    assert place.remote("uid") == {"dev": "s3://b?region=r"}
    assert place.folder("uid", target).parent == home / "workspaces/uid/places"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"current": {"url": 1}}'])
def test_a_record_that_cannot_be_read_is_never_taken_for_none(home: Path, text: str) -> None:
    path = home / "workspaces/uid/place.dev.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)

    with pytest.raises(UserError, match=r"place\.dev\.json is damaged"):
        place.read("uid", "dev")
    assert place.remote("uid") == {}


def test_a_record_that_was_being_written_when_the_power_went_is_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Record(current=place.planned("uid", "shop", "dev", parse("s3://b")))
    place.write("uid", "dev", first)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            place.write("uid", "dev", Record(current=place.first("uid")))

    assert place.read("uid", "dev") == first
    assert home.exists()


def test_a_move_under_way_is_known_until_it_ends(home: Path) -> None:
    move = Unfinished(place=place.planned("uid", "shop", "dev", None), fingerprint="f")
    place.begin("uid", "dev", move)

    assert place.unfinished("uid", "dev") == move
    assert place.unfinished("uid", "prod") is None
    place.end("uid", "dev")
    assert place.unfinished("uid", "dev") is None
    assert str(home) in move.place.url


def _exported(*resources: dict[str, Any], **more: Any) -> Deployment:
    return {"version": 3, "deployment": {"manifest": {}, "resources": list(resources), **more}}


def test_copies_differ_in_names_and_never_in_values() -> None:
    one = _exported({"urn": "a", "outputs": {"p": {**_SECRET, "plaintext": "hush"}}}, {"urn": "b"})
    other = _exported({"urn": "a", "outputs": {"p": {**_SECRET, "plaintext": "other"}}}, {"urn": "c"})

    found = deployment.differences(one, other)

    assert "a differs in outputs" in found
    assert "b is missing" in found
    assert "c is too many" in found
    assert not any("hush" in line or "other" in line for line in found)


def test_copies_are_the_same_whatever_encrypts_them_and_whenever_they_were_written() -> None:
    one = _exported({"urn": "a"}, secrets_providers={"type": "cloud"})
    other = _exported({"urn": "a"}, secrets_providers={"type": "passphrase"})
    other["deployment"]["manifest"] = {"time": "later"}

    assert deployment.differences(one, other) == []


def test_an_object_that_is_there_twice_while_it_is_replaced_is_no_single_one() -> None:
    twice = _exported({"urn": "a"}, {"urn": "a"})

    assert deployment.differences(twice, _exported({"urn": "a"})) == [
        "the resources differ in number or order"
    ]


def test_a_fingerprint_is_of_everything_but_the_secrets_values() -> None:
    one = _exported({"urn": "a", "outputs": [{"p": {**_SECRET, "ciphertext": "x"}}]})
    same = _exported({"urn": "a", "outputs": [{"p": {**_SECRET, "ciphertext": "y"}}]})
    other = _exported({"urn": "a", "outputs": [{"p": "plain"}]})

    assert deployment.fingerprint(one) == deployment.fingerprint(same)
    assert deployment.fingerprint(one) != deployment.fingerprint(other)


def test_a_state_says_how_its_secrets_are_encrypted() -> None:
    salt = _exported(secrets_providers={"type": "passphrase", "state": {"salt": "v1:x"}})
    cloud = _exported(
        secrets_providers={"type": "cloud", "state": {"url": "awskms://k", "encryptedkey": "e"}}
    )

    assert deployment.encryption(salt) == {"encryptionsalt": "v1:x"}
    assert deployment.encryption(cloud) == {"secretsprovider": "awskms://k", "encryptedkey": "e"}
    assert deployment.encryption(_exported()) == {}


def _locked(host: str, process: int) -> str:
    return (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end\n"
        f"  s3://b/.pulumi/locks/organization/p/dev/1.json: created by ann@{host} (pid {process}) "
        "at 2026-11-23T09:00:00Z"
    )


def test_a_lock_on_another_machine_is_to_be_waited_for() -> None:
    refusal = lock.refused(_locked("elsewhere", 1), "dev")

    assert "by ann@elsewhere, process 1, since 2026-11-23T09:00:00Z" in refusal.found
    assert refusal.fix.startswith("wait until that run has ended")
    assert "pulumi cancel --yes dev" in refusal.fix


def test_a_lock_whose_owner_has_ended_on_this_machine_may_be_deleted() -> None:
    refusal = lock.refused(_locked(socket.gethostname(), 2**22 + 1), "prod")

    assert "which does not run any more" in refusal.found
    assert refusal.fix.startswith("unlock it: ")
    assert "make -s shell STACK=prod" in refusal.fix
