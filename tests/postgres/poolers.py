"""PgBouncer of this machine, served by the product's own script and settings, as in its pod."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi_kubernetes import core

from components.postgres import authority, pooler, roles
from components.postgres.access import DatabaseAccess, Engine
from components.settings.model.pooler import Pooler as Settings
from components.settings.values.names import Identity
from components.workloads.environment import SecretKey
from components.workloads.workload import Volume

from ..harness.waiting import until
from ..unit.recorder import PLACE
from .server import YEAR, Server, free_port

_SECRET = "a secret of the pooler's"
# Since this one it knows the setting: https://www.pgbouncer.org/changelog.html#pgbouncer-121x
PREPARES = (1, 21)


def program() -> str | None:
    """Return PgBouncer's path, None where it is not installed."""
    return os.environ.get("FEASTFLOW_PGBOUNCER") or shutil.which(
        "pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin"
    )


def version() -> tuple[int, ...]:
    """Return the version of the program, which has to be installed."""
    told = subprocess.run(  # noqa: S603 - the program that is tested
        [str(program()), "--version"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    return tuple(map(int, re.findall(r"\d+", told.split()[1])))


@dataclass(kw_only=True)
class Running:
    """One pooler before a server. `logins` are the verifiers that it knows, by login."""

    server: Server
    logins: Mapping[str, str]
    size: int
    drain_seconds: int = 60
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="feastflow-pooler-")))
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        """Lay out what the pod has in volumes."""
        self.folder.chmod(0o755)
        user = self.server.user
        for name in ("pooler", "logins", "tls", "database", "tmp"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "tmp", user.pw_uid, user.pw_gid)
        (self.folder / "pooler" / "pgbouncer.ini").write_text(self._settings())
        (self.folder / "pooler" / pooler.SCRIPT.name).write_text(pooler.SCRIPT.read_text())
        shutil.copy(self.server.authority, self.folder / "database" / "ca.crt")
        for number, (login, verifier) in enumerate(self.logins.items()):
            path = self.folder / "logins" / str(number)
            path.mkdir()
            (path / "username").write_text(login)
            (path / roles.VERIFIER).write_text(verifier)
        issued = authority.issue(_SECRET, ["localhost"], YEAR)
        for name, text in (("tls.crt", issued.certificate), ("tls.key", issued.key)):
            (self.folder / "tls" / name).write_text(text)
            os.chown(self.folder / "tls" / name, -1, user.pw_gid)
            (self.folder / "tls" / name).chmod(0o440)
        self.authority = self.folder / "ca.crt"
        self.authority.write_text(issued.authority)

    def _settings(self) -> str:
        engine = Engine(
            host="localhost",
            port=self.server.port,
            server=Identity(name="postgres", component="database", instance="x"),
            ready=(),
            reachable=(),
            ca_secret="authority",
        )
        password = SecretKey(secret="x", key=roles.PASSWORD)
        settings = self.server.settings
        access = DatabaseAccess(
            engine=engine,
            name=settings.name,
            login="cook_a",
            password=password,
            ready=(),
            gate=roles.gate(settings, engine, "cook_a", password),
            gate_volume=Volume(source=core.v1.VolumeArgs(name="scripts"), path="/"),
        )
        text = pooler.configuration(
            pooler.PoolerArgs(
                place=PLACE,
                settings=settings,
                pooler=Settings(pool_size=self.size),
                server=access,
                logins=(),
                clients=100,
            )
        )
        text = text.replace("listen_port = 5432", f"listen_port = {self.port}")
        text = text.replace("listen_addr = *", "listen_addr = 127.0.0.1")
        if version() < PREPARES:
            text = text.replace("max_prepared_statements = 200\n", "")
        return text.replace("/etc/feastflow", str(self.folder)).replace(
            "/tmp/user", f"{self.folder}/tmp/user"
        )

    @property
    def log(self) -> str:
        """Return its log."""
        return (self.folder / "log").read_text(errors="replace")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(str(program())).parent}:{os.environ['PATH']}",
            "LOGINS": str(self.folder / "logins"),
            "USERLIST": str(self.folder / "tmp" / "userlist.txt"),
            "PORT": str(self.port),
            "REMOVAL_SECONDS": "0",
            "DRAIN_SECONDS": str(self.drain_seconds),
            "END_SECONDS": "15",
            "SERVER_PID": str(self._process.pid if self._process else 0),
        }

    def _call(self, verb: str) -> subprocess.Popen[bytes]:
        user = self.server.user
        how: dict[str, Any] = {}
        if os.geteuid() == 0:
            how = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with (self.folder / "log").open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - the product's own script
                ["/bin/sh", str(self.folder / "pooler" / pooler.SCRIPT.name), verb],
                env=self._environment(),
                cwd="/",
                stdout=output,
                stderr=output,
                **how,
            )

    def start(self) -> None:
        """Serve, and wait until it listens."""
        self._process = self._call("serve")
        until(self._listens, within=30, what="PgBouncer listens")

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        with socket.create_connection(("127.0.0.1", self.port), timeout=2):
            return True

    def drain(self) -> subprocess.Popen[bytes]:
        """Begin what the pod's `preStop` does."""
        return self._call("drain")

    def ended(self) -> bool:
        """Return whether its process has ended."""
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """End it at once, as a node that loses its power."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=30)
        self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def client(self, user: str, password: str, **given: str) -> dict[str, str]:
        """Return the environment of a client that was given what the pooler gives its clients."""
        by_server = self.server.client(user, password, self.server.settings.name)
        told = {"PGPORT": str(self.port), "PGSSLROOTCERT": str(self.authority)}
        return {**by_server, **told, **given}
