"""A stack moved between this machine's files and S3 with KMS by the real CLI, and cut off at every step."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tools.stacks import workspace
from tools.state import burial, place, store
from tools.state.address import Address, parse
from tools.state.move import STEPS
from tools.state.place import Unfinished
from tools.toolchain.errors import UserError

from . import cloud
from .cloud import Cloud
from .conftest import Faults
from .parcel import IDENTITY, PROJECT, STACK, Parcel, PowerCut

_BEFORE_THE_SWITCH = STEPS[: STEPS.index("switched")]
# The rest differ from one of them in what is looked at before, not in what is at stake.
_QUICK = {"loaded", "switched"}
_CUT_AT = [pytest.param(step, marks=[] if step in _QUICK else [pytest.mark.slow]) for step in STEPS]


def test_a_moved_stack_is_the_same_to_the_last_secret_and_deploys_where_it_is(
    aws: Cloud, bucket: str, parcel: Parcel
) -> None:
    before, settings = parcel.resources(), parcel.at().configuration()

    moved = parcel.move(aws.address(bucket))

    assert moved.current.url.startswith(f"s3://{bucket}?")
    assert parcel.resources() == before
    assert parcel.at().configuration() == settings
    assert settings["parcel:token"] == {"value": "very-secret", "secret": True}
    assert parcel.is_whole()


def test_its_secrets_are_the_keys_and_nothing_of_them_is_left_in_plain_text(
    aws: Cloud, bucket: str, parcel: Parcel
) -> None:
    password = parcel.pulumi("stack", "output", "password", "--show-secrets", "--stack", STACK).text.strip()
    address = aws.address(bucket)

    parcel.move(address)

    exported = parcel.at().export()["deployment"]
    assert exported["secrets_providers"]["type"] == "cloud"
    assert exported["secrets_providers"]["state"]["url"] == address.secrets(PROJECT, STACK)
    settings = parcel.at().settings.read_text("utf-8")
    assert "encryptionsalt" not in settings
    assert "encryptedkey" in settings
    assert len(password) == 12
    secrets = (password.encode(), b"very-secret")
    assert [path for path in parcel.files() if any(word in path.read_bytes() for word in secrets)] == []
    s3 = store.clients(address).s3
    objects = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in objects]
    assert bodies
    assert not any(word in body for word in secrets for body in bodies)


@pytest.mark.slow
def test_moved_back_and_forth_it_stays_the_same_and_only_the_last_copy_is_kept(
    aws: Cloud, bucket: str, parcel: Parcel
) -> None:
    resources = parcel.resources()
    first = parcel.place
    parcel.move(aws.address(bucket))

    back = parcel.move(None)

    assert back.current.local
    assert back.previous is not None
    assert back.previous.url.startswith("s3://")
    assert not parcel.at(first).exists()
    assert parcel.resources() == resources
    assert parcel.at().provider == "passphrase"

    parcel.move(aws.address(bucket))

    assert parcel.resources() == resources
    assert parcel.is_whole()


def test_moving_to_where_it_is_changes_nothing(on_s3: Parcel, address: Address) -> None:
    record = place.read(IDENTITY, STACK)

    assert on_s3.move(address).how == "is there already"
    assert place.read(IDENTITY, STACK) == record


def test_a_colleague_with_the_same_cluster_joins_what_is_there(on_s3: Parcel, address: Address) -> None:
    parcel, resources = on_s3, on_s3.resources()
    for kind in ("workspaces", "stacks"):
        shutil.rmtree(parcel.home / kind)
    workspace.of(IDENTITY, STACK).write(STACK, {})

    joined = parcel.move(address)

    assert joined.how == "4 resources found there"
    assert parcel.resources() == resources


def test_a_stack_that_was_never_deployed_begins_in_the_bucket(
    aws: Cloud, bucket: str, parcel: Parcel
) -> None:
    for kind in ("workspaces", "stacks"):
        shutil.rmtree(parcel.home / kind)
    workspace.of(IDENTITY, STACK).write(STACK, {})

    assert parcel.move(aws.address(bucket)).how == "made, empty"
    assert parcel.up().code == 0
    assert parcel.at().export()["deployment"]["secrets_providers"]["type"] == "cloud"


def test_a_colleague_who_joins_before_anything_is_deployed_uses_the_key_too(
    aws: Cloud, bucket: str, parcel: Parcel
) -> None:
    for _ in ("first", "colleague"):
        for kind in ("workspaces", "stacks"):
            shutil.rmtree(parcel.home / kind)
        workspace.of(IDENTITY, STACK).write(STACK, {})
        parcel.move(aws.address(bucket))

    assert parcel.up().code == 0
    assert parcel.at().export()["deployment"]["secrets_providers"]["type"] == "cloud"


def test_the_secrets_provider_that_the_checkout_names_is_kept(
    aws: Cloud, bucket: str, parcel: Parcel
) -> None:
    parcel.move(aws.address(bucket), provider="passphrase")

    assert parcel.place.url.startswith("s3://")
    assert parcel.at().export()["deployment"]["secrets_providers"]["type"] == "passphrase"
    assert parcel.is_whole()


@pytest.mark.parametrize("step", _CUT_AT)
def test_a_move_to_s3_that_is_cut_off_loses_nothing_and_is_finished_by_the_next(
    aws: Cloud, bucket: str, parcel: Parcel, faults: Faults, step: str
) -> None:
    resources = parcel.resources()
    with faults.tries(f"move to S3 cut off when {step}"):
        with pytest.raises(PowerCut):
            parcel.move(aws.address(bucket), cut_at=step)
        assert parcel.place.local == (step in _BEFORE_THE_SWITCH)
        assert parcel.resources() == resources
        assert step not in {"loaded", "switched"} or parcel.is_whole()

        parcel.move(aws.address(bucket))

        assert not parcel.place.local
        assert parcel.resources() == resources
        assert place.unfinished(IDENTITY, STACK) is None


@pytest.mark.parametrize("step", _CUT_AT)
def test_a_move_back_that_is_cut_off_loses_nothing_and_is_finished_by_the_next(
    on_s3: Parcel, faults: Faults, step: str
) -> None:
    parcel, resources = on_s3, on_s3.resources()
    with faults.tries(f"move back cut off when {step}"):
        with pytest.raises(PowerCut):
            parcel.move(None, cut_at=step)
        assert parcel.place.local != (step in _BEFORE_THE_SWITCH)
        assert parcel.resources() == resources

        parcel.move(None)

        assert parcel.place.local
        assert parcel.resources() == resources
        assert step not in {"loaded", "switched"} or parcel.is_whole()


def test_a_deployment_between_a_move_that_was_cut_off_and_the_next_is_carried_too(
    aws: Cloud, bucket: str, parcel: Parcel, faults: Faults
) -> None:
    with faults.tries("deployment after a move that was cut off"):
        with pytest.raises(PowerCut):
            parcel.move(aws.address(bucket), cut_at="encrypted")
        assert parcel.up(PARCEL_TAG="newer").code == 0
        resources = parcel.resources()

        parcel.move(aws.address(bucket))

        assert parcel.resources() == resources
        assert "newer" in json.dumps(resources)


def test_a_line_that_breaks_during_a_move_leaves_the_old_state_in_use(
    aws: Cloud, bucket: str, parcel: Parcel, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    resources = parcel.resources()
    with faults.tries("line broken during a move"), cloud.wire(aws) as wire:
        address = Cloud(port=wire.port).address(bucket)
        store.ensure(address, store.clients(address))
        mover = replace(parcel.mover(), reached=lambda step: wire.cut() if step == "made" else None)
        with pytest.raises(UserError) as caught:
            mover.to(address)
        assert "it is used where it was" in caught.value.why
        assert parcel.place.local
        assert parcel.is_whole()

        wire.repair()
        parcel.move(address)

        assert parcel.resources() == resources


def test_a_stack_of_another_project_in_the_bucket_is_neither_used_nor_touched(
    aws: Cloud, bucket: str, parcel: Parcel, faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = aws.address(bucket)
    parcel.move(address)
    theirs = parcel.at().export()
    shutil.copytree(parcel.home / "stacks", tmp_path / "other/feastflow/stacks")
    shutil.copytree(
        parcel.home / "workspaces", tmp_path / "other/feastflow/workspaces", ignore=lambda *_: ["places"]
    )
    shutil.copy(parcel.home / "passphrase", tmp_path / "other/feastflow/passphrase")
    (tmp_path / f"other/feastflow/workspaces/{IDENTITY}/place.{STACK}.json").unlink()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    other = Parcel(home=tmp_path / "other/feastflow", cli=parcel.cli)
    # A stack of their own, that never moved.
    burial.lift(other.place, PROJECT, STACK)
    with faults.tries("another stack of that name in the bucket"):
        with pytest.raises(UserError) as caught:
            other.move(address)

        assert "has a stack dev that is not this one" in caught.value.found
        assert "pulumi stack rm --force --preserve-config dev" in caught.value.fix
        assert other.place.local
        assert other.is_whole()
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        assert parcel.at().export() == theirs


def test_what_is_deployed_while_a_move_copies_is_never_left_behind(
    aws: Cloud, bucket: str, parcel: Parcel, faults: Faults
) -> None:
    def reached(step: str) -> None:
        if step == "encrypted":
            assert parcel.up(PARCEL_TAG="meanwhile").code == 0

    mover = replace(parcel.mover(), reached=reached)
    address = aws.address(bucket)
    store.ensure(address, store.clients(address))
    with faults.tries("deployment during a move"):
        with pytest.raises(UserError):
            mover.to(address)
        assert parcel.place.local
        resources = parcel.resources()

        parcel.move(address)

        assert parcel.resources() == resources
        assert "meanwhile" in json.dumps(resources)


@pytest.mark.parametrize("moves", [True, False])
def test_a_lock_without_a_stack_is_deleted_if_a_move_that_was_killed_here_left_it(
    aws: Cloud, bucket: str, parcel: Parcel, *, moves: bool
) -> None:
    address = aws.address(bucket)
    s3 = store.clients(address).s3
    key = f".pulumi/locks/organization/{PROJECT}/{STACK}/1.json"
    lock = {
        "pid": 2**22 + 1,
        "username": "ann",
        "hostname": socket.gethostname(),
        "timestamp": "2026-11-23T09:00:00Z",
    }
    store.ensure(address, store.clients(address))
    begun = Unfinished(place=place.planned(IDENTITY, PROJECT, STACK, address), fingerprint="of none")
    if moves:
        place.begin(IDENTITY, STACK, begun)
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(lock).encode())
    if moves:
        assert parcel.move(address).current.url.startswith(f"s3://{bucket}?")
    else:
        with pytest.raises(UserError, match="which does not run any more"):
            parcel.move(address)
    left = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])]
    assert left == ([] if moves else [key])


def test_the_same_bucket_by_other_options_is_where_the_state_is_already(
    on_s3: Parcel, address: Address
) -> None:
    other = parse(f"{address.url}&awssdk=v1")
    assert other

    moved = on_s3.mover().to(other)

    assert moved.how == "is there already"
    assert on_s3.place.url == other.url
    assert on_s3.is_whole()


def _begun(checkout: Path, url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - this Python
        [sys.executable, "-m", "tests.state.killed", str(checkout), url],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.slow
def test_a_move_that_is_killed_at_any_moment_pulumi_with_it_loses_nothing(
    aws: Cloud, bucket: str, parcel: Parcel, faults: Faults
) -> None:
    resources = parcel.resources()
    address = aws.address(bucket)
    checkout = workspace._ROOT
    started = time.monotonic()
    assert _begun(checkout, address.url).wait(timeout=120) == 0
    whole = time.monotonic() - started
    parcel.move(None)
    for tenths in range(3, 10):
        with faults.tries(f"move killed after {tenths} tenths of its time"):
            child = _begun(checkout, address.url)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=whole * tenths / 10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            assert parcel.resources() == resources
            if not parcel.place.local:
                parcel.move(None)

    parcel.move(address)

    assert parcel.resources() == resources
    assert parcel.is_whole()
