"""Backups and restores of a standalone server by its own scripts: PostgreSQL, barman-cloud and a store."""

import re
import shutil
from pathlib import Path

import pytest

from components.postgres import roles
from components.settings.derived import connections

from ..harness.waiting import until
from .server import LOGIN_PASSWORD, Server, ask, granted
from .world import BUCKET, DESTINATION, PASSWORD, World, copy, listed, order, sent

_ORDERS = "SELECT string_agg(dish, ',' ORDER BY dish) FROM orders"


@pytest.fixture(scope="module")
def lost(world: World) -> tuple[Server, str]:
    """Return a server whose table was dropped, and the moment before."""
    made = world.running()
    order(made, "soup")
    copy(made)
    moment = order(made, "bread", "cake")
    made.superuser("DROP TABLE orders", made.settings.name)
    sent(made)
    return made, moment


def test_a_dropped_table_comes_back_as_it_was_the_moment_before(
    world: World, lost: tuple[Server, str]
) -> None:
    server, _ = world.restored(lost[1], "moment")
    server.prepare()
    server.start()
    granted(server)
    assert server.superuser(_ORDERS, server.settings.name) == "bread,cake,soup"
    who = server.client(roles.login(server.settings, 1), LOGIN_PASSWORD, server.settings.name)
    assert ask(who, "INSERT INTO orders VALUES ('tea')").returncode == 0
    # From then on it is backed up in a place of its own.
    copy(server)
    sent(server)
    assert [entry["status"] for entry in listed(server)] == ["DONE"]
    server.stop()


@pytest.mark.slow
@pytest.mark.usefixtures("lost")
def test_the_latest_state_is_that_of_the_newest_file_of_the_log(world: World) -> None:
    server, done = world.restored("latest", "latest")
    assert "restored from" in done.stdout
    server.prepare()
    server.start()
    found = server.superuser("SELECT count(*) FROM pg_class WHERE relname = 'orders'", server.settings.name)
    assert found == "0"
    server.stop()


@pytest.mark.slow
def test_a_copy_by_its_id_is_the_state_in_which_it_ended(world: World, lost: tuple[Server, str]) -> None:
    entry = listed(lost[0])[0]
    server, _ = world.restored(entry["backup_id"], "by-id")
    server.prepare()
    server.start()
    assert server.superuser(_ORDERS, server.settings.name) == "soup"
    server.stop()


def test_no_password_of_before_is_let_in(world: World, lost: tuple[Server, str]) -> None:
    granted(lost[0], 2, "second-login")
    copy(lost[0])
    server, _ = world.restored("latest", "passwords")
    server.prepare()
    server.start()
    settings = server.settings
    rows = server.superuser(
        "SELECT rolname FROM pg_authid WHERE rolcanlogin AND rolpassword IS NOT NULL ORDER BY 1"
    )
    assert rows.splitlines() == [roles.admin(settings)]
    who = server.client(roles.login(settings, 2), "second-login", settings.name)
    assert ask(who, "SELECT 1").returncode != 0
    server.stop()


@pytest.mark.parametrize(
    ("at", "database", "said"),
    [
        ("2020-01-01 00:00:00+00:00", {}, "has no copy from which 2020-01-01"),
        ("20200101T000000", {}, "has no copy from which 20200101T000000"),
        ("2099-01-01 00:00:00+00:00", {}, "does not lead to 2099-01-01"),
        ("latest", {"name": "parcels"}, "has no database parcels, but orders"),
        ("latest", {"user": "waiter"}, "is owned by cook"),
    ],
)
@pytest.mark.usefixtures("lost")
def test_what_cannot_be_restored_is_refused_and_the_volume_stays_empty(
    world: World, at: str, database: dict[str, str], said: str
) -> None:
    server, done = world.restored(at, "refused", check=False, **database)
    assert done.returncode == 1
    assert said in done.stderr, done.stderr
    assert re.search(r"error: .+\n  matters: .+\n  do this: .+", done.stderr)
    assert not server.data.exists()
    # Without the setting an empty database is begun there.
    server.prepare()


def test_data_that_is_there_is_never_restored_over(lost: tuple[Server, str]) -> None:
    server = lost[0]
    (server.folder / "scripts" / "restore.sh").write_text(roles.RESTORE.read_text())
    said = server.script("restore.sh", given={"RESTORE_FROM": DESTINATION, "RESTORE_AT": "latest"})
    assert "nothing is restored" in said.stdout


def test_the_login_of_the_copies_reads_no_data_and_begins_nothing_else(lost: tuple[Server, str]) -> None:
    server = lost[0]
    who = server.client(roles.backup(server.settings), PASSWORD)
    assert ask(who, "SELECT current_setting('data_directory')").stdout.strip() == str(server.data)
    for statement in (
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_read_file('postgresql.conf')",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "ALTER ROLE cook LOGIN",
        "CREATE TABLE own (x int)",
        "SELECT feastflow.open_backup('x')",
        "SELECT pg_reload_conf()",
    ):
        assert ask(who, statement).returncode != 0, statement
    orders = server.client(roles.backup(server.settings), PASSWORD, server.settings.name)
    assert ask(orders, "SELECT 1").returncode != 0


@pytest.mark.usefixtures("lost")
def test_the_log_of_another_server_is_never_mixed_with_this_ones(world: World) -> None:
    other = world.server()
    other.prepare()
    other.start()
    before = world.keys("shop/postgres/wals")
    other.superuser("SELECT pg_switch_wal()")
    until(lambda: "holds the log of another server" in other.log, within=60, what="the refusal is in the log")
    assert world.keys("shop/postgres/wals") == before
    other.stop()


@pytest.mark.slow
def test_what_the_retention_no_longer_keeps_is_deleted_and_the_newest_copy_stays(world: World) -> None:
    server = world.running(f"s3://{BUCKET}/kept")
    copy(server)
    (first,) = listed(server)
    # As if the first had ended long ago, which is all that the retention reads.
    path = f"kept/postgres/base/{first['backup_id']}/backup.info"
    text = world.client.get_object(Bucket=BUCKET, Key=path)["Body"].read().decode()
    old = re.sub(r"(_time=.*)\b20\d\d\b", r"\g<1>2020", text)
    assert old != text
    world.client.put_object(Bucket=BUCKET, Key=path, Body=old.encode())
    copy(server)
    old_second = listed(server)
    # The one before the window is what its first moments are restored from.
    assert first["backup_id"] in {entry["backup_id"] for entry in old_second}
    path = f"kept/postgres/base/{old_second[-1]['backup_id']}/backup.info"
    text = world.client.get_object(Bucket=BUCKET, Key=path)["Body"].read().decode()
    world.client.put_object(
        Bucket=BUCKET, Key=path, Body=re.sub(r"(_time=.*)\b20\d\d\b", r"\g<1>2021", text).encode()
    )
    copy(server)
    assert first["backup_id"] not in {entry["backup_id"] for entry in listed(server)}
    assert len(listed(server)) == 2
    server.stop()


def test_credentials_are_in_no_argument_and_in_no_environment_of_the_server(lost: tuple[Server, str]) -> None:
    server = lost[0]
    number = (server.data / "postmaster.pid").read_text().splitlines()[0]
    told = Path(f"/proc/{number}/environ").read_bytes()
    assert b"STORE_FILES" in told
    assert b"AWS_SECRET" not in told
    assert b"AWS_ACCESS" not in told


def test_a_rotated_key_is_used_by_a_server_that_runs(world: World) -> None:
    server = world.running(f"s3://{BUCKET}/rotated")
    (server.folder / "store" / "secret").unlink()
    server.superuser("SELECT pg_switch_wal()")
    until(lambda: "archive command failed" in server.log, within=60, what="nothing can be sent")
    server.secret_file("store", "secret", "another")
    sent(server)
    server.stop()


def test_an_image_without_the_tool_is_refused_in_words(world: World) -> None:
    server = world.server()
    bare = {"PATH": f"{server.programs}:/usr/bin:/bin"}
    if shutil.which("barman-cloud-backup", path=bare["PATH"]):
        pytest.skip("this machine has barman-cloud of its own")
    done = server.script("backup.sh", "list", check=False, given=bare)
    assert done.returncode == 1
    assert "the image has no barman-cloud" in done.stderr


def test_one_file_of_the_log_takes_less_memory_than_is_set_aside_for_it(lost: tuple[Server, str]) -> None:
    server = lost[0]
    segment = next(path for path in sorted((server.data / "pg_wal").iterdir()) if len(path.name) == 24)
    peak = server.peak("backup.sh", "archive", str(segment))
    assert peak < connections.SENDER_MIB
