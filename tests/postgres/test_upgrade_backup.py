"""Backups across an upgrade: the old place holds all until then, and the new one all from then on."""

import os
from pathlib import Path

import pytest

from components.postgres import roles

from ..harness.waiting import until
from . import newer
from .server import LOGIN_PASSWORD, Server, ask, granted, programs
from .world import BUCKET, DESTINATION, World, copy, listed, order, sent

_MAJOR = newer.MAJORS[1]
_NEXT = f"s3://{BUCKET}/shop-{_MAJOR}"
_ORDERS = "SELECT string_agg(dish, ',' ORDER BY dish) FROM orders"


@pytest.fixture(scope="module")
def new(world: World, fetched: Path) -> Server:
    """Return a server of the newer major over the same volume as an older one with orders; neither runs."""
    old = world.server()
    old.prepare()
    old.start()
    granted(old)
    order(old, "soup")
    made = world.server(
        _NEXT,
        programs=newer.programs(fetched, _MAJOR),
        image=f"localhost/postgres:{_MAJOR}.1",
        upgradeFrom="localhost/postgres:15.1",
    )
    (made.folder / "volume").rmdir()
    (made.folder / "volume").symlink_to(old.folder / "volume")
    # The store is known to the volume when the first file of the log has been sent.
    old.superuser("SELECT pg_switch_wal()")
    known = old.folder / "volume" / "archived-to"
    until(known.exists, within=60, what="a file of the log is sent")
    old.stop()
    assert "has no whole copy" in _run(made, "dump", check=False)
    old.start()
    copy(old)
    order(old, "bread", "cake")
    old.stop()
    return made


def _run(server: Server, verb: str, *, check: bool = True, **told: str) -> str:
    old = programs()
    tools = [str(server.tools), *([] if verb == "dump" else [str(server.programs)]), str(old)]
    given = {"PATH": os.pathsep.join([*tools, os.environ["PATH"]]), **told}
    if verb == "dump":
        server.script("upgrade.sh", "offer", *server.options())
    done = server.script("upgrade.sh", verb, *server.options(), check=check, given=given)
    return done.stdout if check else done.stderr


@pytest.mark.slow
def test_the_old_place_holds_the_last_order_and_the_new_one_begins_with_the_new_server(
    world: World, new: Server
) -> None:
    said = _run(new, "dump", check=False, STORE_DESTINATION=DESTINATION)
    assert f"the backups would go on in {DESTINATION}" in said
    assert f"{DESTINATION} has a copy of the whole and all of the log" in _run(new, "dump")
    _run(new, "load")
    new.prepare()
    new.start()
    assert new.superuser(_ORDERS, "orders") == "bread,cake,soup"
    copy(new)
    assert [entry["status"] for entry in listed(new)] == ["DONE"]
    who = new.client(roles.login(new.settings, 1), LOGIN_PASSWORD, "orders")
    assert ask(who, "INSERT INTO orders VALUES ('tea')").returncode == 0
    new.stop()
    # The way back: the image of before, from the place of before.
    restored, _ = world.restored("latest", "back")
    restored.prepare()
    restored.start()
    assert restored.superuser(_ORDERS, "orders") == "bread,cake,soup"
    restored.stop()
    # Or what is kept on the volume, whose log goes on where it was.
    back = world.server(image="localhost/postgres:15.1")
    (back.folder / "volume").rmdir()
    (back.folder / "volume").symlink_to((new.folder / "volume").resolve())
    back.prepare(UNDO_UPGRADE="yes")
    back.start()
    order(back, "pie")
    sent(back)
    back.stop()
    assert (new.folder / "volume" / f"pgdata-{_MAJOR}" / "archived-to").read_text() == f"{_NEXT}\n"
