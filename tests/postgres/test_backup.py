"""Backups and restores of a standalone server by its own scripts: PostgreSQL, barman-cloud and a store."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.postgres import backups, roles, scram
from components.settings.derived import connections
from tools.toolchain import environment

from ..harness.waiting import until
from ..state import cloud
from ..state.cloud import Cloud
from .conftest import LOGIN_PASSWORD, Make, granted
from .server import ADMIN_PASSWORD, Server, ask

_LOCK = Path(__file__).parents[2] / "tools" / "cli" / "images" / "barman.txt"
_BUCKET = "backups"
_DESTINATION = f"s3://{_BUCKET}/shop"
_PASSWORD = "of-the-backups"
_ORDERS = "SELECT string_agg(dish, ',' ORDER BY dish) FROM orders"
_CONNECTION = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE", "PGSSLROOTCERT")


@dataclass(frozen=True, kw_only=True)
class World:
    """A store, barman-cloud as the image has it, and what makes servers."""

    make: Make
    tools: Path
    store: Cloud

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.store.port}",
            region_name="us-east-1",
            aws_access_key_id="id",
            aws_secret_access_key="secret",
        )

    def keys(self, prefix: str) -> list[str]:
        found = self.client.list_objects_v2(Bucket=_BUCKET, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found]

    def server(self, destination: str = _DESTINATION, **database: Any) -> Server:
        """Make a server whose scripts are told what the pod's are; it does not run yet."""
        backup = {"destination": destination, "credentials": {"secretName": "backup-store"}}
        made = self.make({"backup": backup, **database}, tools=self.tools)
        for name in ("id", "secret"):
            made.secret_file("store", name, name)
        assert made.settings.backup
        made.told = {
            **backups.script_variables(made.settings.backup),
            "STORE_HOW": f"--endpoint-url http://127.0.0.1:{self.store.port}",
            "STORE_FILES": str(made.folder / "store"),
            "AWS_DEFAULT_REGION": "us-east-1",
            "BACKUP_VERIFIER": scram.verifier(_PASSWORD),
        }
        return made

    def running(self, destination: str = _DESTINATION) -> Server:
        made = self.server(destination)
        made.prepare()
        made.start()
        granted(made)
        return made

    def restored(self, at: str, to: str, *, check: bool = True, **database: Any) -> tuple[Server, Any]:
        """Run what the pod's first container runs, for a server whose backups go to another place."""
        source = {"from": _DESTINATION, "at": at}
        made = self.server(f"s3://{_BUCKET}/{to}", restore=source, **database)
        assert made.settings.restore
        moment = made.settings.restore.moment
        told = {"RESTORE_FROM": _DESTINATION, "RESTORE_AT": moment.isoformat(sep=" ") if moment else at}
        return made, made.script("restore.sh", *made.options(), check=check, given=told)


@pytest.fixture(scope="module")
def tools() -> Iterator[Path]:
    """Yield the folder of barman-cloud's programs, where the server's user can read them."""
    made = environment.of(_LOCK)
    if os.geteuid() != 0:
        yield made / "bin"
        return
    python = shutil.which("python3.11", path="/usr/local/bin:/usr/bin")
    if python is None:
        pytest.skip("no python3.11 in /usr: root's own is closed to the server's user")
    folder = Path(tempfile.mkdtemp(prefix="feastflow-barman-"))
    folder.chmod(0o755)
    shutil.copytree(next((made / "lib").glob("python*/site-packages")), folder / "site")
    (folder / "bin").mkdir()
    for program in (made / "bin").glob("barman-cloud-*"):
        text = program.read_text().partition("\n")[2]
        copied = folder / "bin" / program.name
        copied.write_text(f"#!/usr/bin/env -S PYTHONPATH={folder}/site {python}\n{text}")
        copied.chmod(0o755)
    yield folder / "bin"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def world(make: Make, tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with cloud.running(tmp_path_factory.mktemp("store") / "log") as store:
        made = World(make=make, tools=tools, store=store)
        made.client.create_bucket(Bucket=_BUCKET)
        yield made


def copy(server: Server, *, check: bool = True) -> Any:
    """Do what the Job does: let the login in, then copy as it."""
    administrator = server.client(roles.admin(server.settings), ADMIN_PASSWORD)
    login = server.client(roles.backup(server.settings), _PASSWORD)
    server.script("backup.sh", "open", given={name: administrator[name] for name in _CONNECTION})
    told = {"RETENTION": "RECOVERY WINDOW OF 14 DAYS", "COPIED": "--immediate-checkpoint"}
    given = {**{name: login[name] for name in _CONNECTION}, **told}
    return server.script("backup.sh", "copy", check=check, given=given)


def listed(server: Server) -> list[dict[str, Any]]:
    return list(json.loads(server.script("backup.sh", "list").stdout)["backups_list"])


def order(server: Server, *dishes: str) -> str:
    """Take orders as the application does; return the moment after the last one."""
    who = server.client(roles.login(server.settings, 1), LOGIN_PASSWORD, server.settings.name)
    assert ask(who, "CREATE TABLE IF NOT EXISTS orders (dish text)").returncode == 0
    for dish in dishes:
        assert ask(who, f"INSERT INTO orders VALUES ('{dish}')").returncode == 0  # noqa: S608 - constants
    # PostgreSQL leaves the minutes of its time zone out.
    return re.sub(r"([+-]\d\d)$", r"\1:00", server.superuser("SELECT clock_timestamp()"))


def sent(server: Server) -> None:
    """Have the log sent that is there now, and wait for it."""
    # Of the last byte written: what comes next is another file's since PostgreSQL 17.
    name = server.superuser("SELECT pg_walfile_name(pg_switch_wal() - 1)")
    until(
        lambda: server.superuser("SELECT last_archived_wal FROM pg_stat_archiver") >= name,
        within=60,
        what=f"{name} is in the store",
    )


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


@pytest.mark.usefixtures("lost")
def test_the_latest_state_is_that_of_the_newest_file_of_the_log(world: World) -> None:
    server, done = world.restored("latest", "latest")
    assert "restored from" in done.stdout
    server.prepare()
    server.start()
    found = server.superuser("SELECT count(*) FROM pg_class WHERE relname = 'orders'", server.settings.name)
    assert found == "0"
    server.stop()


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
    said = server.script("restore.sh", given={"RESTORE_FROM": _DESTINATION, "RESTORE_AT": "latest"})
    assert "nothing is restored" in said.stdout


def test_the_login_of_the_copies_reads_no_data_and_begins_nothing_else(lost: tuple[Server, str]) -> None:
    server = lost[0]
    who = server.client(roles.backup(server.settings), _PASSWORD)
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
    orders = server.client(roles.backup(server.settings), _PASSWORD, server.settings.name)
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


def test_what_the_retention_no_longer_keeps_is_deleted_and_the_newest_copy_stays(world: World) -> None:
    server = world.running(f"s3://{_BUCKET}/kept")
    copy(server)
    (first,) = listed(server)
    # As if the first had ended long ago, which is all that the retention reads.
    path = f"kept/postgres/base/{first['backup_id']}/backup.info"
    text = world.client.get_object(Bucket=_BUCKET, Key=path)["Body"].read().decode()
    old = re.sub(r"(_time=.*)\b20\d\d\b", r"\g<1>2020", text)
    assert old != text
    world.client.put_object(Bucket=_BUCKET, Key=path, Body=old.encode())
    copy(server)
    old_second = listed(server)
    # The one before the window is what its first moments are restored from.
    assert first["backup_id"] in {entry["backup_id"] for entry in old_second}
    path = f"kept/postgres/base/{old_second[-1]['backup_id']}/backup.info"
    text = world.client.get_object(Bucket=_BUCKET, Key=path)["Body"].read().decode()
    world.client.put_object(
        Bucket=_BUCKET, Key=path, Body=re.sub(r"(_time=.*)\b20\d\d\b", r"\g<1>2021", text).encode()
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
    server = world.running(f"s3://{_BUCKET}/rotated")
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
