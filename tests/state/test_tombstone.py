"""The tombstone on a state that has moved: the real CLI stops, colleagues follow, a move back deletes it."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.stacks import workspace
from tools.stacks.stack import Stack
from tools.state import burial, lock, place, store, tombstone
from tools.state.address import Address
from tools.state.move import Mover
from tools.state.place import Place, Record
from tools.state.tombstone import Tombstone
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

from .cloud import Cloud
from .conftest import Faults
from .parcel import IDENTITY, PROJECT, STACK, UP, Parcel, PowerCut

_STONE = Tombstone(
    to="s3://new/team?region=r", by="ann@laptop", since="2026-11-23T09:00:00Z", fingerprint="f"
)
_PRINTED = (
    "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or …\n"
    "  s3://old/.pulumi/locks/organization/parcel/dev/moved.json: created by the move of this stack to {to} "
    "(deploy there, and do not cancel this lock), by ann@laptop (pid 0) at 2026-11-23T09:00:00Z"
)

_TOKEN = ("config", "set", "--secret", f"{PROJECT}:token", "very-secret", "--stack", STACK)


@contextlib.contextmanager
def _used(there: Place) -> Iterator[None]:
    """Use the record of a machine on which the state is still in this place."""
    now = place.read(IDENTITY, STACK)
    place.write(IDENTITY, STACK, Record(current=there))
    try:
        yield
    finally:
        place.write(IDENTITY, STACK, now)


def _stone(there: Place) -> Tombstone | None:
    return burial.read(there, PROJECT, STACK)


@pytest.mark.parametrize("to", ["s3://new/team?region=r", "file:///home/ann b/state?metadata=skip"])
def test_what_pulumi_prints_is_understood_and_never_taken_for_a_dead_runs_lock(to: str) -> None:
    printed = _PRINTED.format(to=to)

    assert tombstone.said(printed) == replace(_STONE, to=to, fingerprint="")
    assert lock.left_behind(printed) == []
    refusal = lock.refused(printed, "dev", " CONTEXT=theirs")
    assert refusal.found == f"the state of dev has moved to {to}\nby ann@laptop, at 2026-11-23T09:00:00Z"
    assert "CONTEXT=theirs" in refusal.fix
    assert ("make backend BACKEND='s3://new/team?region=r'" in refusal.fix) == to.startswith("s3:")
    assert ("pulumi cancel --yes dev" in refusal.fix) == to.startswith("file:")


def test_a_tombstone_is_read_as_it_was_written_and_other_locks_are_none() -> None:
    assert tombstone.read(_STONE.content) == _STONE
    assert tombstone.read('{"pid": 1, "username": "ann", "hostname": "laptop"}') is None
    assert tombstone.read("[]") is None
    assert tombstone.read("{") is None


def test_a_tombstone_is_no_lock_of_a_process_that_is_gone_however_old(tmp_path: Path) -> None:
    there = Place(url=place.url(tmp_path), secrets="", name="", local=True)
    burial.put(there, PROJECT, STACK, Place(url="s3://new", secrets="", name="", local=False), "f")
    file = tmp_path / tombstone.path(PROJECT, STACK)
    os.utime(file, (0, 0))

    assert lock.held(tmp_path, PROJECT, STACK) == []
    assert _stone(there) is not None


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("s3://new/team?region=r", True),
        ("s3://new/team?region=r&awssdk=v2", True),
        ("s3://new/team2?region=r", False),
        ("s3://new?region=r", False),
        ("file:///new/team", False),
    ],
)
def test_a_tombstone_leads_to_one_place_by_whatever_options(url: str, *, same: bool) -> None:
    there = Place(url=url, secrets="", name="", local=url.startswith("file:"))

    assert _STONE.leads_to(there) is same


def test_plain_pulumi_at_the_old_place_is_told_where_the_state_is_and_changes_nothing(
    parcel: Parcel, aws: Cloud, bucket: str
) -> None:
    old = parcel.place
    moved = parcel.move(aws.address(bucket))
    resources = parcel.resources()
    with _used(old):
        before = parcel.at().export()
        for command in (UP, ("destroy", *UP[1:]), ("refresh", *UP[1:])):
            ran = parcel.pulumi(*command, PARCEL_TAG="late")
            assert ran.code != 0
            assert f"created by the move of this stack to {moved.current.url} (deploy there" in ran.text
        assert parcel.at().export() == before

    assert parcel.resources() == resources
    assert parcel.is_whole()


def test_a_colleague_who_still_deploys_to_the_bucket_is_refused_and_told_who_moved_it(
    on_s3: Parcel, address: Address
) -> None:
    old = on_s3.place
    on_s3.move(None)
    with _used(old):
        here = workspace.of(IDENTITY, STACK)
        stack = Stack(name=STACK, workspace=here, cli=on_s3.cli, environment={}, chosen="")
        with (
            Step("up", STACK) as step,
            pytest.raises(UserError, match="the state of dev has moved to file://"),
        ):
            stack._act("up", step, "--skip-preview")
        with pytest.raises(UserError, match="the state of dev has moved to file://"):
            burial.settle(IDENTITY, PROJECT, STACK)
        with pytest.raises(UserError, match="the state of dev has moved to file://"):
            on_s3.move(address)
        assert place.read(IDENTITY, STACK).current == old
    assert store.locks(address, store.clients(address), PROJECT, STACK) == []
    assert on_s3.is_whole()


def test_a_colleague_follows_to_where_the_tombstone_leads_and_nowhere_else(
    on_s3: Parcel, aws: Cloud, bucket: str
) -> None:
    old, resources = on_s3.place, on_s3.resources()
    new, elsewhere = aws.address(bucket, "new"), aws.address(bucket, "elsewhere")
    on_s3.move(new)
    place.write(IDENTITY, STACK, Record(current=old))

    with pytest.raises(UserError, match="the state of dev has moved to s3://") as caught:
        on_s3.move(elsewhere)
    assert f"make backend BACKEND='{new.url}' STACK=dev" in caught.value.fix
    assert on_s3.move(new).how == "4 resources found there"

    assert on_s3.resources() == resources
    # The colleague's own secret settings were encrypted for the old place.
    assert on_s3.pulumi(*_TOKEN).code == 0
    assert on_s3.is_whole()
    back = on_s3.move(old.address)
    assert back.how == "4 resources compared"
    assert _stone(back.current) is None
    assert on_s3.is_whole()


@pytest.mark.slow
def test_a_place_that_lost_the_state_which_moved_there_is_no_place_to_begin_again(
    on_s3: Parcel, aws: Cloud, bucket: str
) -> None:
    old, new = on_s3.place, aws.address(bucket)
    on_s3.move(new)
    place.write(IDENTITY, STACK, Record(current=old))
    store.clients(new).s3.delete_object(Bucket=bucket, Key=f".pulumi/stacks/{PROJECT}/{STACK}.json")

    with pytest.raises(UserError, match="which has no such stack") as caught:
        on_s3.move(new)
    assert "make backend-restore BACKEND=" in caught.value.fix


def test_the_way_back_lifts_the_tombstone_and_leaves_one_where_it_comes_from(
    on_s3: Parcel, address: Address
) -> None:
    bucket = on_s3.place
    files = on_s3.move(None).current
    assert _stone(bucket) is not None

    on_s3.move(address)

    assert _stone(on_s3.place) is None
    stone = _stone(files)
    assert stone is not None
    assert stone.leads_to(on_s3.place)
    assert on_s3.is_whole()


@pytest.mark.parametrize("to", ["S3", "files"])
def test_a_move_that_is_cut_off_at_its_tombstone_is_settled_by_the_next_command(
    aws: Cloud, bucket: str, on_s3: Parcel, faults: Faults, to: str
) -> None:
    with faults.tries(f"move to {to} cut off at its tombstone"):
        with pytest.raises(PowerCut):
            on_s3.move(aws.address(bucket) if to == "S3" else None, cut_at="buried")
        assert not on_s3.is_whole()

        burial.settle(IDENTITY, PROJECT, STACK)

        assert on_s3.is_whole()


@pytest.mark.slow
def test_a_move_back_that_is_cut_off_between_the_tombstone_and_the_old_copy_is_finished(
    on_s3: Parcel, address: Address, faults: Faults
) -> None:
    old, resources = on_s3.place, on_s3.resources()
    files = on_s3.move(None).current
    # A machine that did not move it itself knows of the old copy by its tombstone alone.
    place.write(IDENTITY, STACK, Record(current=files))
    with faults.tries("move back cut off when the tombstone was lifted"):
        with pytest.raises(PowerCut):
            on_s3.move(address, cut_at="lifted")
        assert _stone(old) is None

        on_s3.move(address)

        assert on_s3.resources() == resources
        assert on_s3.is_whole()


def test_who_began_to_deploy_right_before_the_tombstone_ends_the_move_and_not_the_other_way_round(
    aws: Cloud, bucket: str, on_s3: Parcel
) -> None:
    looked: list[Place] = []

    def guard(there: Place) -> None:
        looked.append(there)
        if _stone(there):
            raise UserError("dev is locked", "it is being deployed", "wait")

    mover: Mover = replace(on_s3.mover(), guard=guard)
    address = aws.address(bucket)
    store.ensure(address, store.clients(address))

    with pytest.raises(UserError, match="dev is locked"):
        mover.to(address)

    assert len(looked) == 2
    assert _stone(on_s3.place) is None
    assert on_s3.is_whole()


def test_a_tombstone_that_cannot_be_read_is_refused_with_the_way_out(on_s3: Parcel, address: Address) -> None:
    key = address.key(tombstone.path(PROJECT, STACK))
    store.clients(address).s3.put_object(Bucket=address.bucket, Key=key, Body=b"{")

    with pytest.raises(UserError, match=r"the tombstone of dev in s3://.* cannot be read") as caught:
        burial.settle(IDENTITY, PROJECT, STACK)
    assert "pulumi cancel --yes dev" in caught.value.fix
    assert on_s3.pulumi("cancel", "--yes", STACK).code == 0
    burial.settle(IDENTITY, PROJECT, STACK)
    assert on_s3.is_whole()


@pytest.mark.slow
def test_a_mover_that_was_cut_off_does_not_take_a_state_back_that_a_colleague_has_followed(
    aws: Cloud, bucket: str, on_s3: Parcel, faults: Faults
) -> None:
    old, new = on_s3.place, aws.address(bucket)
    with faults.tries("followed while the move was cut off"):
        with pytest.raises(PowerCut):
            on_s3.move(new, cut_at="buried")
        movers = {name: _record(name).read_bytes() for name in ("place", "moving") if _record(name).exists()}
        # The colleague's machine knows the old place alone.
        place.end(IDENTITY, STACK)
        place.write(IDENTITY, STACK, Record(current=old))
        on_s3.move(new)
        assert on_s3.pulumi(*_TOKEN).code == 0
        assert on_s3.up(PARCEL_TAG="followed").code == 0
        resources = on_s3.resources()
        for name in ("place", "moving"):
            _record(name).unlink(missing_ok=True)
        for name, content in movers.items():
            _record(name).write_bytes(content)

        with pytest.raises(UserError, match="the state of dev has moved to s3://"):
            burial.settle(IDENTITY, PROJECT, STACK)
        assert _stone(old) is not None
        assert on_s3.move(new).how == "4 resources found there"

        assert on_s3.resources() == resources


@pytest.mark.slow
def test_a_tombstone_that_is_cancelled_by_hand_guards_no_longer_and_the_way_back_refuses_what_was_deployed(
    on_s3: Parcel, aws: Cloud, bucket: str
) -> None:
    old, new = on_s3.place, aws.address(bucket)
    on_s3.move(new)
    with _used(old):
        assert on_s3.pulumi("cancel", "--yes", STACK).code == 0
        assert _stone(old) is None
        burial.settle(IDENTITY, PROJECT, STACK)
        assert on_s3.up(PARCEL_TAG="cancelled").code == 0

    # The mover's own machine continues at the new place, and what others did meanwhile is not lost.
    assert on_s3.is_whole()
    with pytest.raises(UserError, match="has a stack dev that is not this one"):
        on_s3.move(old.address)


def _record(name: str) -> Path:
    return place._record(IDENTITY, STACK) if name == "place" else place._moving(IDENTITY, STACK)
