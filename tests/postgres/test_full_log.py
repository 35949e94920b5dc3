"""A volume that the log fills while its store is away: the server stops, and starts when it is back."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from components.postgres import roles

from ..harness.waiting import until
from ..state import cloud
from .server import LOGIN_PASSWORD, Server, ask, granted
from .test_memory import may_mount
from .world import BUCKET, World, order

_MEBIBYTES = 320
_FILES = 60
_SMALL = ("-c", "max_wal_size=64MB", "-c", "min_wal_size=32MB")
_WAITS = "the server starts when it can be sent"


@contextmanager
def small(folder: Path, mebibytes: int) -> Iterator[None]:
    """Have a disk of this size at a folder."""
    owner = folder.stat()
    how = f"size={mebibytes}m,mode=700,uid={owner.st_uid},gid={owner.st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", folder], check=True)  # noqa: S603, S607 - root's
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S603, S607 - as above


def filled(server: Server) -> set[int]:
    """Have orders taken, each in a file of the log of its own, until the server has ended; return them."""
    who = server.client(roles.login(server.settings, 1), LOGIN_PASSWORD, server.settings.name)
    taken = set()
    for number in range(_FILES):
        if ask(who, f"INSERT INTO orders VALUES ('{number}')").returncode == 0:  # noqa: S608 - a number
            taken.add(number)
        with suppress(AssertionError):
            server.superuser("SELECT pg_switch_wal()")
            continue
        # It tries to recover by itself first.
        until(lambda: server.ended or ask(who, "SELECT 1").returncode == 0, within=60, what="it ends")
        if server.ended:
            return taken
    raise AssertionError(f"{_FILES} files of 16 MiB fit into {_MEBIBYTES} MiB")


def repaired(server: Server, way: cloud.Wire) -> None:
    """Have the store back when the server waits for it."""
    until(lambda: _WAITS in server.log, within=60, what="it waits for the store")
    way.repair()


@pytest.mark.skipif(not may_mount(), reason="only root may make a small disk")
def test_a_server_that_its_waiting_log_stopped_starts_when_the_store_is_back_and_nothing_is_lost(
    world: World,
) -> None:
    made = world.server(f"s3://{BUCKET}/full")
    with small(made.folder / "volume", _MEBIBYTES), cloud.wire(world.store) as way:
        made.told = {**made.told, "STORE_HOW": f"--endpoint-url http://127.0.0.1:{way.port}"}
        made.prepare()
        made.start(*_SMALL)
        granted(made)
        order(made)
        way.cut()
        taken = filled(made)
        returned = threading.Thread(target=repaired, args=(made, way))
        returned.start()
        made.start(*_SMALL)
        returned.join()
        rows = made.superuser("SELECT dish FROM orders ORDER BY dish::int", made.settings.name)
        assert taken <= {int(row) for row in rows.split()}
        until(
            lambda: (
                made.superuser("SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")
                == "0"
            ),
            within=120,
            what="the log is sent",
        )
        made.stop()
    # In the store is every file between the first and the last: nothing was deleted that had not been sent.
    numbers = sorted(
        int(key.rpartition("/")[2][16:24], 16)
        for key in world.keys("full/postgres/wals/")
        if len(key.rpartition("/")[2]) >= 24
    )
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
