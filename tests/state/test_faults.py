"""Faults on a state that is on S3: two writers, broken lines, killed runs, deleted and torn objects."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.stacks import workspace
from tools.stacks.stack import Stack
from tools.state import store, versions
from tools.state.address import Address
from tools.state.store import Clients
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

from . import cloud
from .cloud import Cloud
from .conftest import Faults
from .parcel import IDENTITY, PROJECT, STACK, UP, Parcel, awaited, closed, end, reached

_KEY = f".pulumi/stacks/{PROJECT}/{STACK}.json"


class Moved:
    """The stack on S3, the address there, and clients to look behind its back."""

    def __init__(self, parcel: Parcel, address: Address, reached: Clients) -> None:
        self.parcel = parcel
        self.address = address
        self.clients = reached

    def resources(self) -> list[str]:
        """Return the names in the state's object, as it is at this moment."""
        body = self.clients.s3.get_object(Bucket=self.address.bucket, Key=_KEY)["Body"].read()
        return [
            entry["urn"].rpartition("::")[2]
            for entry in json.loads(body)["checkpoint"]["latest"]["resources"]
        ]

    def locks(self) -> list[str]:
        """Return the locks there are."""
        return store.locks(self.address, self.clients, PROJECT, STACK)

    def versions_are_whole(self) -> bool:
        """Return True if every version of the state that was ever written can be read."""
        found = versions._versions(self.address, self.clients, _KEY, shown=sys.maxsize)
        return all(version.resources is not None for version in found)


@pytest.fixture
def moved(on_s3: Parcel, address: Address) -> Moved:
    """Return the stack on S3."""
    return Moved(on_s3, address, store.clients(address))


def _replacing(gate: dict[str, str], tag: str) -> dict[str, str]:
    """Return an update that has something to do and does it behind the gate."""
    return {**gate, "PARCEL_TAG": tag}


def test_of_two_writers_the_second_is_refused_and_nothing_is_torn(
    moved: Moved, faults: Faults, gate: Path
) -> None:
    with faults.tries("two writers at once"):
        with closed(gate) as environment:
            first = moved.parcel.start(*UP, **_replacing(environment, "first"))
            try:
                awaited(lambda: len(moved.locks()) == 1)
                second = moved.parcel.up(PARCEL_TAG="second")
            finally:
                gate.unlink()
                text, _ = first.communicate(timeout=60)
        assert first.returncode == 0, text
        assert second.code != 0
        assert "the stack is currently locked by 1 lock(s)" in second.text
        assert moved.locks() == []
        assert moved.versions_are_whole()
        assert '"first"' in json.dumps(moved.parcel.opened())
        assert moved.parcel.up("--expect-no-changes", PARCEL_TAG="first").code == 0


def test_writers_that_start_in_the_same_moment_never_both_write(moved: Moved, faults: Faults) -> None:
    with faults.tries("three writers in one moment"):
        writers = [moved.parcel.start(*UP, PARCEL_TAG=f"writer-{number}") for number in range(3)]
        texts = [writer.communicate(timeout=120)[0] for writer in writers]
        done = [number for number, writer in enumerate(writers) if writer.returncode == 0]
        for number, text in enumerate(texts):
            # Pulumi may find a lock that is deleted before it has read it: that is a refusal too.
            refused = "the stack is currently locked" in text or '(key ".pulumi/locks/' in text
            assert number in done or refused, text
        assert moved.locks() == []
        assert moved.versions_are_whole()
        tag = f"writer-{done[-1]}" if len(done) == 1 else "afterwards"
        assert moved.parcel.up(PARCEL_TAG=tag).code == 0
        assert moved.parcel.up("--expect-no-changes", PARCEL_TAG=tag).code == 0


def _on_a_wire(parcel: Parcel, wire: cloud.Wire, bucket: str) -> Moved:
    address = Cloud(port=wire.port).address(bucket)
    parcel.move(address)
    return Moved(parcel, address, store.clients(address))


@contextmanager
def _cut_in_its_middle(moved: Moved, wire: cloud.Wire, gate: Path) -> "Iterator[subprocess.Popen[str]]":
    """Yield an update from whose middle on the line is broken."""
    with closed(gate) as environment:
        update = moved.parcel.start(*UP, **_replacing(environment, "newer"))
        try:
            awaited(reached(gate).exists)
            assert len(moved.locks()) == 1
            wire.cut()
            gate.unlink()
            yield update
        finally:
            end(update, gate)


def test_a_line_that_is_back_before_the_tries_end_is_not_noticed(
    aws: Cloud, bucket: str, parcel: Parcel, faults: Faults, gate: Path
) -> None:
    with faults.tries("line broken for some tries"), cloud.wire(aws) as wire:
        moved = _on_a_wire(parcel, wire, bucket)
        with _cut_in_its_middle(moved, wire, gate) as update:
            awaited(lambda: wire.refused > 1)
            wire.repair()
            text, _ = update.communicate(timeout=120)
        assert update.returncode == 0, text
        assert moved.locks() == []
        assert moved.versions_are_whole()
        assert parcel.up("--expect-no-changes", PARCEL_TAG="newer").code == 0


@pytest.mark.slow
def test_a_line_that_stays_broken_in_the_middle_of_an_update_loses_nothing_that_was_recorded(
    aws: Cloud, bucket: str, parcel: Parcel, faults: Faults, gate: Path
) -> None:
    with faults.tries("line lost in the middle of an up"), cloud.wire(aws) as wire:
        moved = _on_a_wire(parcel, wire, bucket)
        recorded = moved.resources()
        direct = Moved(parcel, aws.address(bucket), store.clients(aws.address(bucket)))
        with _cut_in_its_middle(moved, wire, gate) as update:
            text, _ = update.communicate(timeout=170)
        assert update.returncode != 0, text
        assert set(recorded) <= set(direct.resources())
        assert direct.versions_are_whole()

        wire.repair()
        if direct.locks():
            assert parcel.pulumi("cancel", "--yes", STACK).code == 0
        assert parcel.up(PARCEL_TAG="newer").code == 0
        assert parcel.up("--expect-no-changes", PARCEL_TAG="newer").code == 0
        assert sorted(moved.resources()) == sorted(recorded)


def test_a_state_that_was_deleted_is_brought_back_from_its_last_version(moved: Moved, faults: Faults) -> None:
    before = moved.parcel.opened()
    with faults.tries("state deleted"):
        moved.clients.s3.delete_object(Bucket=moved.address.bucket, Key=_KEY)
        assert not moved.parcel.at().exists()

        restored = versions.restore(moved.address, moved.clients, PROJECT, STACK)

        assert restored.resources == 4
        assert moved.parcel.opened() == before
        assert moved.parcel.is_whole()


def test_a_state_that_was_torn_is_brought_back_from_its_last_whole_version(
    moved: Moved, faults: Faults
) -> None:
    before = moved.parcel.opened()
    with faults.tries("state torn"):
        body = moved.clients.s3.get_object(Bucket=moved.address.bucket, Key=_KEY)["Body"].read()
        moved.clients.s3.put_object(Bucket=moved.address.bucket, Key=_KEY, Body=body[: len(body) // 2])
        assert moved.parcel.up().code != 0

        versions.restore(moved.address, moved.clients, PROJECT, STACK)

        assert moved.parcel.opened() == before
        assert moved.parcel.is_whole()


def test_an_older_version_is_brought_back_only_when_it_is_named(moved: Moved, faults: Faults) -> None:
    before = moved.parcel.resources()
    assert moved.parcel.up(PARCEL_TAG="mistake").code == 0
    with faults.tries("state available as it was"):
        with pytest.raises(UserError, match="the state of dev is whole; its versions, newest first"):
            versions.restore(moved.address, moved.clients, PROJECT, STACK)
        with pytest.raises(UserError, match="has no version nope"):
            versions.restore(moved.address, moved.clients, PROJECT, STACK, "nope")
        found = versions._versions(moved.address, moved.clients, _KEY)
        for version in found:
            versions.restore(moved.address, moved.clients, PROJECT, STACK, version.id)
            if moved.parcel.resources() == before:
                break
        assert moved.parcel.resources() == before


def test_a_run_that_was_killed_leaves_a_lock_and_the_refusal_says_how_to_end_it(
    moved: Moved, faults: Faults, gate: Path
) -> None:
    recorded = moved.resources()
    with faults.tries("run killed, its lock left"):
        with closed(gate) as environment:
            killed = moved.parcel.start(*UP, **_replacing(environment, "newer"))
            awaited(reached(gate).exists)
            assert len(moved.locks()) == 1
            end(killed, gate)
        stack = Stack(
            name=STACK,
            workspace=workspace.of(IDENTITY, STACK),
            cli=moved.parcel.cli,
            environment={"PARCEL_TAG": "newer"},
        )
        assert stack.workspace.shared
        with Step("up", STACK) as step, pytest.raises(UserError) as caught:
            stack._act("up", step, "--skip-preview")

        assert re.search(
            rf"by \S+@{socket.gethostname()}, process {killed.pid}, since \S+", caught.value.found
        )
        assert "which does not run any more" in caught.value.found
        assert "pulumi cancel --yes dev" in caught.value.fix
        assert len(moved.locks()) == 1, "no lock is deleted unasked"

        assert moved.parcel.pulumi("cancel", "--yes", STACK).code == 0
        assert moved.parcel.up(PARCEL_TAG="newer").code == 0
        assert moved.parcel.up("--expect-no-changes", PARCEL_TAG="newer").code == 0
        assert sorted(moved.resources()) == sorted(recorded)


def test_of_many_versions_only_those_are_read_that_are_shown_or_wanted(
    moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = moved.clients.s3.get_object(Bucket=moved.address.bucket, Key=_KEY)["Body"].read()
    for _ in range(15):
        moved.clients.s3.put_object(Bucket=moved.address.bucket, Key=_KEY, Body=body)
    oldest = versions._versions(moved.address, moved.clients, _KEY, shown=sys.maxsize)[-1]
    read: list[str] = []

    def note(*about: object) -> int:
        read.append(str(about[-1]))
        return 1

    monkeypatch.setattr(versions, "_resources", note)

    found = versions._versions(moved.address, moved.clients, _KEY)
    with_wanted = versions._versions(moved.address, moved.clients, _KEY, oldest.id)

    assert len(found) == versions._SHOWN
    assert with_wanted[-1].id == oldest.id
    assert len(read) == 2 * versions._SHOWN + 1
