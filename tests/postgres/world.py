"""A store, barman-cloud as the database's image has it, and servers that are backed up to it."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from components.postgres import backups, roles, scram
from tools.toolchain import environment

from ..harness.waiting import until
from ..state.cloud import Cloud
from .server import ADMIN_PASSWORD, LOGIN_PASSWORD, Server, ask, granted

_LOCK = Path(__file__).parents[2] / "tools" / "cli" / "images" / "barman.txt"
BUCKET = "backups"
DESTINATION = f"s3://{BUCKET}/shop"
PASSWORD = "of-the-backups"
_CONNECTION = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE", "PGSSLROOTCERT")


@dataclass(frozen=True, kw_only=True)
class World:
    """A store, barman-cloud as the image has it, and what makes servers."""

    make: Callable[..., Server]
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
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found]

    def server(
        self, destination: str = DESTINATION, *, programs: Path | None = None, **database: Any
    ) -> Server:
        """Make a server whose scripts are told what the pod's are; it does not run yet."""
        backup = {"destination": destination, "credentials": {"secretName": "backup-store"}}
        of_major = {"programs": programs} if programs else {}
        made = self.make({"backup": backup, **database}, tools=self.tools, **of_major)
        for name in ("id", "secret"):
            made.secret_file("store", name, name)
        assert made.settings.backup
        made.told = {
            **backups.script_variables(made.settings.backup),
            "STORE_HOW": f"--endpoint-url http://127.0.0.1:{self.store.port}",
            "STORE_FILES": str(made.folder / "store"),
            "AWS_DEFAULT_REGION": "us-east-1",
            "BACKUP_VERIFIER": scram.verifier(PASSWORD),
        }
        return made

    def running(self, destination: str = DESTINATION) -> Server:
        made = self.server(destination)
        made.prepare()
        made.start()
        granted(made)
        return made

    def restored(
        self, at: str, to: str, *, source: str = DESTINATION, check: bool = True, **database: Any
    ) -> tuple[Server, Any]:
        """Run what the pod's first container runs, for a server whose backups go to another place."""
        made = self.server(f"s3://{BUCKET}/{to}", restore={"from": source, "at": at}, **database)
        assert made.settings.restore
        moment = made.settings.restore.moment
        told = {"RESTORE_FROM": source, "RESTORE_AT": moment.isoformat(sep=" ") if moment else at}
        return made, made.script("restore.sh", *made.options(), check=check, given=told)


@contextmanager
def unpacked() -> Iterator[Path]:
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


def copy(server: Server, *, check: bool = True) -> Any:
    """Do what the Job does: let the login in, then copy as it."""
    administrator = server.client(roles.admin(server.settings), ADMIN_PASSWORD)
    login = server.client(roles.backup(server.settings), PASSWORD)
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
    name = server.superuser("SELECT pg_walfile_name(pg_switch_wal() - 1)")
    until(
        lambda: server.superuser("SELECT last_archived_wal FROM pg_stat_archiver") >= name,
        within=60,
        what=f"{name} is in the store",
    )
