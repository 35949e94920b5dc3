"""Backups that are damaged, of another server, too old or too new: each is refused, and nothing begins."""

import gzip
import io
import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from .server import Server
from .world import BUCKET, World, copy, order, sent

_PAGE = 8192
_SEGMENT = 16 * 2**20


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A backup in the store that may be changed: its path, and that of one of another server."""

    client: Any
    path: str
    other: str

    def keys(self, part: str, of: str | None = None) -> list[str]:
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{of or self.path}/postgres/{part}")
        return [entry["Key"] for entry in found.get("Contents", [])]

    def key(self, name: str, of: str | None = None) -> str:
        (found,) = [key for key in self.keys("base", of) if key.endswith(name)]
        return found

    def read(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def write(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=key)

    @property
    def log(self) -> list[str]:
        """Return the files of the log, the oldest first; what tells of a copy is none of them."""
        return sorted(key for key in self.keys("wals") if re.search(r"/[0-9A-F]{24}\.gz$", key))

    def packed(self, change: Callable[[str, bytes], bytes | None]) -> None:
        """Write the copy's files again, each as `change` returns it; None leaves it out."""
        key, written = self.key("data.tar.gz"), io.BytesIO()
        with (
            tarfile.open(fileobj=io.BytesIO(self.read(key)), mode="r:gz") as old,
            tarfile.open(fileobj=written, mode="w:gz", compresslevel=1) as new,
        ):
            for entry in old:
                file = old.extractfile(entry)
                content = change(entry.name.removeprefix("./"), file.read()) if file else b""
                if content is not None:
                    entry.size = len(content) if file else entry.size
                    new.addfile(entry, io.BytesIO(content))
        self.write(key, written.getvalue())


def _info(change: Callable[[bytes], bytes]) -> Callable[[Backup], None]:
    return lambda backup: backup.write(
        backup.key("backup.info"), change(backup.read(backup.key("backup.info")))
    )


def _data(change: Callable[[bytes], bytes]) -> Callable[[Backup], None]:
    return lambda backup: backup.write(
        backup.key("data.tar.gz"), change(backup.read(backup.key("data.tar.gz")))
    )


def _without(name: str) -> Callable[[Backup], None]:
    return lambda backup: backup.packed(lambda path, content: None if path == name else content)


def _file(name: str, content: bytes) -> Callable[[Backup], None]:
    return lambda backup: backup.packed(lambda path, before: content if path == name else before)


def _rotten(backup: Backup) -> None:
    """Turn one bit in the middle of each table's first page, as a disk does."""

    def change(path: str, content: bytes) -> bytes:
        if not re.fullmatch(r"base/\d+/\d+", path) or len(content) < _PAGE:
            return content
        return content[:4000] + bytes([content[4000] ^ 1]) + content[4001:]

    backup.packed(change)


def _segment(number: int, change: Callable[[bytes], bytes]) -> Callable[[Backup], None]:
    def of(backup: Backup) -> None:
        key = backup.log[number]
        backup.write(key, change(backup.read(key)))

    return of


def _inside(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda content: gzip.compress(change(gzip.decompress(content)), compresslevel=1)


def _turned(content: bytes) -> bytes:
    """Turn bits near a segment's beginning, where it has records."""
    return content[:100] + bytes(byte ^ 0xFF for byte in content[100:300]) + content[300:]


def _hole(number: int) -> Callable[[Backup], None]:
    return lambda backup: backup.delete(backup.log[number])


def _no_log(backup: Backup) -> None:
    for key in backup.keys("wals"):
        backup.delete(key)


def _without_own_log(backup: Backup) -> None:
    (name,) = re.findall(rb"begin_wal=([0-9A-F]{24})", backup.read(backup.key("backup.info")))
    (own,) = [key for key in backup.log if name.decode() in key]
    backup.delete(own)


def _strangers_segment(backup: Backup) -> None:
    own = backup.log[-2]
    name = own.rsplit("/", 1)[1]
    (theirs,) = [key for key in backup.keys("wals", backup.other) if key.endswith(name)]
    backup.write(own, backup.read(theirs))


def _strangers_copy(backup: Backup) -> None:
    backup.write(backup.key("data.tar.gz"), backup.read(backup.key("data.tar.gz", backup.other)))


def _nothing(backup: Backup) -> None:
    for key in backup.keys(""):
        backup.delete(key)


_NO_COPY, _HOLE, _NOT_LED, _NOT_WHOLE = (
    "has no copy from which",
    "has a hole",
    "does not lead",
    "is not whole",
)
_CUT_OFF = f"{_NO_COPY}|{_NOT_WHOLE}"
_CASES: dict[str, tuple[Callable[[Backup], None], str]] = {
    "nothing is there": (_nothing, _NO_COPY),
    "the copy's description is missing": (lambda backup: backup.delete(backup.key("backup.info")), _NO_COPY),
    "the copy's description is empty": (_info(lambda _: b""), _NO_COPY),
    "the copy's description is cut off": (_info(lambda text: text[: len(text) // 3]), _NO_COPY),
    "the copy's description is of another tool": (_info(lambda _: b'{"backup": 1}'), _NO_COPY),
    "the copy was never ended": (_info(lambda text: text.replace(b"DONE", b"STARTED")), _NO_COPY),
    "the copy failed": (_info(lambda text: text.replace(b"DONE", b"FAILED")), _NO_COPY),
    "the copy's files are missing": (lambda backup: backup.delete(backup.key("data.tar.gz")), _NO_COPY),
    "the copy's files are empty": (_data(lambda _: b""), _NO_COPY),
    # Where the cut is between two of them, what unpacks the copy takes it for the end; the label comes last.
    "the copy's files are cut off": (_data(lambda content: content[: len(content) // 2]), _CUT_OFF),
    "the copy's files are cut off near their end": (_data(lambda content: content[:-20000]), _CUT_OFF),
    "the copy's files are not compressed": (_data(gzip.decompress), _NO_COPY),
    "the copy's files are something else": (_data(lambda _: bytes(range(256)) * 400), _NO_COPY),
    "a bit turned in the copy's files": (
        _data(lambda text: text[:500_000] + bytes([text[500_000] ^ 16]) + text[500_001:]),
        r"has no copy from which|is damaged|does not lead|is not whole",
    ),
    "a bit turned in the copy's pages": (_rotten, "is damaged|does not lead"),
    "the copy has no label": (_without("backup_label"), _NOT_WHOLE),
    "the copy has no control file": (_without("global/pg_control"), _NOT_WHOLE),
    "the copy's control file is empty": (_file("global/pg_control", b""), _NOT_WHOLE),
    "the copy's control file is something else": (_file("global/pg_control", b"\7" * _PAGE), _NOT_LED),
    "the copy is too old": (_file("PG_VERSION", b"14\n"), "is PostgreSQL 14's, and the image is"),
    "the copy is too new": (_file("PG_VERSION", b"18\n"), "is PostgreSQL 18's, and the image is"),
    "the copy is another server's": (_strangers_copy, _NOT_LED),
    "the log is missing": (_no_log, _NOT_LED),
    "the copy's own log is missing": (_without_own_log, _NOT_LED),
    "a file of the log is missing": (_hole(-2), _HOLE),
    "a file of the log is empty": (_segment(-2, lambda _: b""), _NOT_LED),
    "a file of the log is cut off": (_segment(-2, lambda content: content[: len(content) // 2]), _NOT_LED),
    "a file of the log is not compressed": (_segment(-2, lambda _: b"\0" * 4096), _NOT_LED),
    "a file of the log is too short": (_segment(-2, _inside(lambda content: content[:_PAGE])), _NOT_LED),
    "bits turned in a file of the log": (_segment(-2, _inside(_turned)), _HOLE),
    "bits turned in the newest file of the log": (_segment(-1, _inside(_turned)), _HOLE),
    "the newest file of the log has nothing in it": (
        _segment(-1, _inside(lambda _: b"\0" * _SEGMENT)),
        _HOLE,
    ),
    "a file of the log is another server's": (_strangers_segment, _HOLE),
}

# One for each place that refuses: a restore takes up to half a minute.
_QUICK = {
    *("nothing is there", "the copy's description is cut off", "the copy was never ended"),
    *("a bit turned in the copy's pages", "the copy has no label", "the copy is too new"),
    *("the copy is another server's", "a file of the log is missing"),
    "bits turned in the newest file of the log",
}
_TRIED = [
    pytest.param(*case, id=name, marks=[] if name in _QUICK else [pytest.mark.slow])
    for name, case in _CASES.items()
]


@pytest.fixture(scope="module")
def servers(world: World) -> tuple[str, str]:
    """Return the paths of two servers' backups, each a copy with five files of the log after it."""

    def backed_up(path: str) -> Server:
        made = world.running(f"s3://{BUCKET}/{path}")
        order(made, "soup")
        copy(made)
        for dish in ("bread", "cake", "tea", "milk"):
            order(made, dish)
            sent(made)
        made.stop()
        return made

    for path in ("own", "other"):
        backed_up(path)
    return "own", "other"


@pytest.fixture
def backup(world: World, servers: tuple[str, str], request: pytest.FixtureRequest) -> Backup:
    """Return a copy of the first server's backup in a path of the test's own."""
    own, other = servers
    path = re.sub(r"\W+", "-", request.node.callspec.id if hasattr(request.node, "callspec") else "undamaged")
    for key in world.keys(f"{own}/"):
        source = {"Bucket": BUCKET, "Key": key}
        world.client.copy_object(Bucket=BUCKET, Key=path + key.removeprefix(own), CopySource=source)
    return Backup(client=world.client, path=path, other=other)


@pytest.mark.parametrize(("damage", "said"), _TRIED)
def test_a_damaged_backup_is_refused_and_the_volume_stays_empty(
    world: World, backup: Backup, damage: Callable[[Backup], None], said: str
) -> None:
    damage(backup)
    keys = backup.keys("")
    server, done = world.restored("latest", "never", source=f"s3://{BUCKET}/{backup.path}", check=False)
    assert done.returncode == 1, done.stdout
    assert re.search(rf"error: .*({said})", done.stderr), done.stderr
    assert re.search(r"error: .+\n  matters: .+\n  do this: .+", done.stderr)
    assert not server.data.exists()
    assert backup.keys("") == keys


def test_the_same_backup_without_damage_is_restored(world: World, backup: Backup) -> None:
    server, done = world.restored("latest", "whole", source=f"s3://{BUCKET}/{backup.path}")
    assert "restored from" in done.stdout
    assert server.data.exists()


@pytest.mark.parametrize("late", [1, 2])
def test_what_the_server_sends_during_a_restore_is_no_hole(world: World, backup: Backup, late: int) -> None:
    server = world.server(f"s3://{BUCKET}/grows")
    tools = server.folder / "tools"
    tools.mkdir()
    for program in world.tools.iterdir():
        (tools / program.name).symlink_to(program)
    name = backup.log[-2].rsplit("/", 1)[1].removesuffix(".gz")
    program = tools / "barman-cloud-wal-restore"
    program.unlink()
    # PostgreSQL asks for a file twice before it takes the log for ended; the newest file comes with this one.
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *" {name} "*) echo >>"$TMPDIR/asked"\n'
        f'if [ "$(wc -l <"$TMPDIR/asked")" -le {late} ]; then exit 1; fi ;; esac\n'
        f'exec {world.tools / program.name} "$@"\n'
    )
    program.chmod(0o755)
    source = f"s3://{BUCKET}/{backup.path}"
    restored, done = replace(world, tools=tools).restored("latest", f"grown-{late}", source=source)
    assert "restored from" in done.stdout
    assert restored.data.exists()


def test_a_store_that_is_away_for_a_file_of_the_log_is_no_end_of_it(world: World, backup: Backup) -> None:
    server = world.server(f"s3://{BUCKET}/away")
    target = str(server.folder / "volume" / "fetched")
    there = {"STORE_DESTINATION": f"s3://{BUCKET}/{backup.path}"}
    name = backup.log[0].rsplit("/", 1)[1].removesuffix(".gz")
    away = {"STORE_HOW": "--endpoint-url http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    assert server.script("backup.sh", "fetch", name, target, given=there).returncode == 0
    missing = server.script("backup.sh", "fetch", "0" * 24, target, given=there, check=False)
    assert missing.returncode == 1
    # Above 125 PostgreSQL ends; anything below is the end of the log for it.
    assert server.script("backup.sh", "fetch", name, target, given=there | away, check=False).returncode > 128
