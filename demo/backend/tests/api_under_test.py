"""A PostgreSQL and API processes of the tests' own, on loopback, ended by their own process ids."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg

BACKEND = Path(__file__).resolve().parents[1]
PASSWORD = "only-for-tests"
_PORTS = range(20_000, 30_000)
# The limit of every wait; a busy machine is slow to start a process.
_LIMIT_SECONDS = 60.0
SECRET = "a-secret-for-tests-of-at-least-32-bytes"


def free_port() -> int:
    """Return a free loopback port, below those that the kernel hands out for connections."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def until(condition: Callable[[], Any], what: str, seconds: float = _LIMIT_SECONDS) -> Any:
    """Return the condition's first true value; fails, naming what was awaited, when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:g} s in vain: {what}")


def postgres_programs() -> Path | None:
    """Return the directory of initdb and postgres, or None where PostgreSQL is not installed."""
    found = shutil.which("postgres")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


class Postgres:
    """One server in a temporary directory; passwords are really checked (scram)."""

    def __init__(self, programs: Path) -> None:
        self.port = free_port()
        self._programs = programs
        self._directory = Path(tempfile.mkdtemp(prefix="feastflow-pg-"))
        # PostgreSQL refuses to run as root: become a user who owns nothing else.
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            self._identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self._directory, user.pw_uid, user.pw_gid)
        secret = self._directory / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._data = self._directory / "data"
        self._run(
            "initdb",
            "--no-sync",
            "--locale=C",
            "--encoding=UTF8",
            "--username=feast",
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            f"--pgdata={self._data}",
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            command, cwd="/", capture_output=True, text=True, check=False, **self._identity
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._directory,
            "fsync": "off",
            "max_connections": 40,
            "shared_buffers": "16MB",
            "autovacuum": "off",
        }
        command = [str(self._programs / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log = self._directory / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - as above
                command, cwd="/", stdout=output, stderr=output, **self._identity
            )
        until(self._answers, f"PostgreSQL answers; its log: {log.read_text()[-500:]}")

    def _answers(self) -> bool:
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """End it and every session at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        """Stop, and delete everything."""
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Return a session of the tests' own."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user="feast",
            password=PASSWORD,
            autocommit=True,
            connect_timeout=10,
        )

    def create(self, database: str) -> None:
        """Create an empty database."""
        with self.connect("postgres") as admin:
            admin.execute(f'CREATE DATABASE "{database}"'.encode())

    def environment(self, database: str, **more: str) -> dict[str, str]:
        """Return an environment for the API or the migration, and nothing else but PATH."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(BACKEND),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NODE_ENV": "test",
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(self.port),
            "DB_NAME": database,
            "DB_USER": "feast",
            "DB_PASSWORD": PASSWORD,
            "JWT_SECRET": SECRET,
            "JWT_EXPIRE": "1h",
            "BIND_ADDRESS": "127.0.0.1",
            "APP_VERSION": "9.9.9",
            "DRAIN_NOTICE_SECONDS": "0",
            **more,
        }


def migrate(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the migration command to its end."""
    command = [sys.executable, "-m", "feastflow_api.migrate"]
    return subprocess.run(  # noqa: S603 - this project's own program
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


class Api:
    """One API process and a client for it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.port = int(environment.get("PORT", 0)) or free_port()
        # Read through a descriptor of its own: reading must not move where the process writes.
        number, name = tempfile.mkstemp(prefix="feastflow-api-")
        self._output = Path(name)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "feastflow_api"],
            env={**environment, "PORT": str(self.port)},
            stdout=number,
            stderr=subprocess.STDOUT,
        )
        os.close(number)
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=_LIMIT_SECONDS, trust_env=False)
        try:
            until(self._answers, "the API answers")
        except AssertionError:
            self.remove()
            raise

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.text()
        try:
            return self.client.get("/api/health").status_code == 200
        except httpx.TransportError:
            return False

    def text(self) -> str:
        """Return everything printed so far."""
        return self._output.read_text()

    def logs(self) -> list[dict[str, Any]]:
        """Return every whole line printed so far; fails on one that is not JSON."""
        return [json.loads(line) for line in self.text().splitlines(keepends=True) if line.endswith("\n")]

    def order(self, key: str | None = None, **changes: Any) -> httpx.Response:
        """Place an order of two pizzas and a lemonade, or as changed."""
        body = {
            "items": [
                {"menu_item_id": "margherita", "quantity": 2},
                {"menu_item_id": "ginger-lemonade", "quantity": 1},
            ],
            "customer_name": "Ada",
            **changes,
        }
        return self.client.post("/api/orders", json=body, headers={"Idempotency-Key": key} if key else {})

    def becomes(self, path: str, status: int) -> httpx.Response:
        """Return the first answer from the path that has this status."""
        response: list[httpx.Response] = []

        def asked() -> bool:
            response[:] = [self.client.get(path)]
            return response[0].status_code == status

        until(asked, f"{path} answers {status}")
        return response[0]

    def remove(self) -> None:
        """End it, however it is."""
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
        self._output.unlink(missing_ok=True)
