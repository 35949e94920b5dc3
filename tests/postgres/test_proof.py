"""Proofs of backups by the pod's own script: what is found of a whole backup, and what is refused."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from components.postgres import roles

from ..harness.waiting import until
from .server import Server
from .world import BUCKET, World, copy, order, sent

_PATH = f"s3://{BUCKET}/proved"


def proof(world: World, **given: str) -> tuple[Server, Any]:
    """Run what the pod of the CronJob runs: on files of its own, and with nothing of the server's."""
    pod, told = _pod(world, **given)
    return pod, pod.script("proof.sh", check=False, given=told)


def _pod(world: World, **given: str) -> tuple[Server, dict[str, str]]:
    pod = world.server(_PATH)
    scripts = pod.folder / "scripts"
    for name, text in roles.proof_files(pod.settings).items():
        (scripts / name).write_text(text)
    told = {"RESTORE_FROM": _PATH, "RESTORE_AT": "latest", "COPY_HOURS": "48"}
    told |= {"TOLD": str(pod.folder / "volume" / "told"), "TMPDIR": str(pod.folder / "volume")}
    return pod, told | given


@pytest.fixture(scope="module")
def proved(world: World) -> Server:
    """Return a server with a copy, and orders after it."""
    made = world.running(_PATH)
    order(made, "soup")
    made.superuser('CREATE TABLE "or|der\'s ""x" AS SELECT generate_series(1, 7) AS n', made.settings.name)
    copy(made)
    order(made, "bread", "cake")
    sent(made)
    return made


def test_a_whole_backup_is_proved_with_what_is_in_it(world: World, proved: Server) -> None:
    before = world.keys("proved/postgres/base")
    pod, done = proof(world)
    assert done.returncode == 0, done.stderr
    told = json.loads((pod.folder / "volume" / "told").read_text())
    assert (told["tables"], told["rows"], told["checked"]) == (2, 10, "checksums amcheck")
    assert told["copy"] < told["newest"] < told["ended"]
    assert '"public.orders" : 3' in done.stdout
    # Nothing is written to the store, and no server is left.
    assert world.keys("proved/postgres/base") == before
    assert not [key for key in world.keys("proved/postgres/wals") if "/00000002" in key]
    assert not (pod.data / "postmaster.pid").exists()
    assert proved.superuser("SELECT count(*) FROM orders", proved.settings.name) == "3"


@pytest.mark.usefixtures("proved")
def test_a_copy_that_is_older_than_two_of_them_may_lie_apart_proves_nothing(world: World) -> None:
    pod, done = proof(world, COPY_HOURS="-1")
    assert done.returncode == 1
    assert re.search(r"error: +the newest copy is \d+ hours old", done.stderr), done.stderr
    assert not (pod.folder / "volume" / "told").exists()


def test_a_restore_that_is_held_is_read_on_its_socket_until_its_time_is_over(
    world: World, proved: Server
) -> None:
    moment = order(proved, "tea")
    order(proved, "late")
    sent(proved)
    pod, given = _pod(world, RESTORE_AT=moment, HOLD_SECONDS="10", COPY_HOURS="-1")
    counted = pod.folder / "volume" / "rows.json"
    with ThreadPoolExecutor() as beside:
        running = beside.submit(pod.script, "proof.sh", check=False, given=given)
        until(lambda: counted.exists() or running.done(), within=60, what="the rows of each table")
        assert not running.done(), running.result().stderr
        dishes = pod.superuser("SELECT string_agg(dish, ',' ORDER BY dish) FROM orders", pod.settings.name)
        done = running.result()
    assert done.returncode == 0, done.stderr
    assert dishes == "bread,cake,soup,tea"
    assert json.loads(counted.read_text())["public.orders"] == 4
    assert json.loads((pod.folder / "volume" / "told").read_text())["checked"] == ""
    assert not (pod.data / "postmaster.pid").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("proved")
def test_a_damaged_index_is_found_although_its_pages_are_whole(world: World, proved: Server) -> None:
    name = proved.settings.name
    function = "CREATE OR REPLACE FUNCTION row_of(n int) RETURNS int IMMUTABLE LANGUAGE sql AS "
    proved.superuser(f"{function} 'SELECT n'", name)
    proved.superuser("CREATE TABLE seats AS SELECT generate_series(1, 100) AS n", name)
    proved.superuser("CREATE INDEX seats_row ON seats (row_of(n))", name)
    # As where the order of a locale changes: the index finds no row by what it is asked for.
    proved.superuser(f"{function} 'SELECT -n'", name)
    sent(proved)
    _, done = proof(world)
    assert done.returncode == 1
    assert "tables or indexes of the restored database are damaged" in done.stderr, done.stderr
    assert "seats_row" in done.stdout
