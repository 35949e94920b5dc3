"""A PostgreSQL of this machine, made and served by the product's own script, as in its pod."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.postgres import authority, roles, scram, standalone
from components.postgres.access import AUTHORITY, Engine
from components.settings.model.database import Database
from components.settings.values.names import Identity

from ..harness.waiting import until

SECRET = "a secret of the stack"
YEAR = 2026
ADMIN_PASSWORD = "first-administrator"
LOGIN_PASSWORD = "first-login"
_PSQL = ("psql", "--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--set=ON_ERROR_STOP=1")


def programs() -> Path | None:
    """Return the folder of initdb and postgres, None where PostgreSQL is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    given = os.environ.get("FEASTFLOW_POSTGRES")
    return Path(given) if given else next((each for each in folders if (each / "initdb").exists()), None)


def search_path(*first: Path) -> str:
    """Return PATH with these folders before it, then Debian's programs themselves: its wrappers are slow."""
    installed = programs()
    return os.pathsep.join([*map(str, first), *([str(installed)] if installed else []), os.environ["PATH"]])


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass(kw_only=True)
class Server:
    """One server. `hba` is what it is given in place of the product's own rules."""

    folder: Path
    programs: Path
    settings: Database
    hba: str = ""
    # Of every script of the pod's, besides what the engine is given.
    told: Mapping[str, str] = field(default_factory=dict)
    tools: Path | None = None
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        """Lay out what the pod has in volumes."""
        names = {entry.pw_name for entry in pwd.getpwall()}
        self._root = os.geteuid() == 0
        name = "postgres" if "postgres" in names else "nobody"
        self.user = pwd.getpwnam(name) if self._root else pwd.getpwuid(os.geteuid())
        for name in ("volume", "socket", "scripts", "tls", "store"):
            (self.folder / name).mkdir()
        for each in (self.folder, self.folder / "volume", self.folder / "socket"):
            os.chown(each, self.user.pw_uid, self.user.pw_gid)
        for file, text in roles.files(self.settings).items():
            (self.folder / "scripts" / file).write_text(text)
        issued = authority.issue(SECRET, ["localhost"], YEAR)
        self.secret_file("tls", "tls.crt", issued.certificate)
        self.secret_file("tls", "tls.key", issued.key)
        self.authority = self.folder / "ca.crt"
        self.authority.write_text(issued.authority)
        self.write_rules(self.hba or standalone.rules())

    def write_rules(self, rules: str) -> None:
        """Replace pg_hba.conf; a server that runs does not read it again."""
        # Peer authentication maps this process's user to `postgres` only if it runs as that user.
        own = rules if self.user.pw_name == "postgres" else rules.replace("peer", "trust")
        (self.folder / "pg_hba.conf").write_text(own)

    def secret_file(self, volume: str, name: str, text: str) -> None:
        """Write a file as a Secret's volume has it: root's own, readable for the pod's group."""
        path = self.folder / volume / name
        path.write_text(text)
        if self._root:
            os.chown(path, 0, self.user.pw_gid)
        path.chmod(0o440 if self._root else 0o400)

    @property
    def data(self) -> Path:
        return self.folder / "volume" / "pgdata"

    @property
    def log(self) -> str:
        """Return the server's log."""
        return (self.folder / "log").read_text(errors="replace")

    def _as_user(self) -> dict[str, Any]:
        # PostgreSQL refuses to run as root.
        if not self._root:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def environment(self, **given: str) -> dict[str, str]:
        """Return the server container's environment."""
        return {
            "PATH": search_path(self.programs, *([self.tools] if self.tools else [])),
            "PGDATA": str(self.data),
            "PGHOST": str(self.folder / "socket"),
            "TMPDIR": str(self.folder / "socket"),
            "PGPORT": str(self.port),
            "HBA_FILE": str(self.folder / "pg_hba.conf"),
            **roles.server_variables(self.settings),
            "ADMIN_VERIFIER": scram.verifier(ADMIN_PASSWORD),
            "START_SECONDS": "60",
            **self.told,
            **given,
        }

    def script(
        self, name: str, *words: str, check: bool = True, given: Mapping[str, str] | None = None, **how: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run another script of the pod's, as the server's user."""
        path = self.folder / "scripts" / name
        env = self.environment(**(given or {}))
        return self._script(path, words, env, check=check, **self._as_user(), **how)

    def peak(self, name: str, *words: str) -> int:
        """Run a script and return the most memory that one of its processes had, in MiB."""
        path = self.folder / "scripts" / name
        with subprocess.Popen(  # noqa: S603 - the product's own script
            ["/bin/sh", str(path), *words], env=self.environment(), cwd="/", **self._as_user()
        ) as running:
            _, status, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
        assert running.returncode == 0
        return used.ru_maxrss // 1024

    def prepare(self, *, check: bool = True, **given: str) -> subprocess.CompletedProcess[str]:
        """Run what the pod's init container runs."""
        return self._run("prepare", self.environment(**given), check=check, **self._as_user())

    def look(self) -> subprocess.CompletedProcess[str]:
        """Serve only until PostgreSQL has looked at the data directory and locked it.

        It does so to tell what it computes at a start: https://www.postgresql.org/docs/15/app-postgres.html
        """
        further = ("-C", "data_checksums")
        return self._run("serve", self.environment(), *further, check=False, **self._as_user())

    def options(self) -> list[str]:
        """Return the server's options as its container has them, at this machine's places."""
        values = {
            **standalone.parameters(self.settings, 60),
            "listen_addresses": "127.0.0.1",
            "shared_buffers": "16MB",
            "ssl_cert_file": str(self.folder / "tls" / "tls.crt"),
            "ssl_key_file": str(self.folder / "tls" / "tls.key"),
            "fsync": "off",
        }
        if "archive_command" in values:
            values["archive_command"] = f"sh {self.folder}/scripts/backup.sh archive %p"
        return [text for name, value in values.items() for text in ("-c", f"{name}={value}")]

    def start(self, *further: str, shared: int | None = None) -> None:
        """Serve, and wait until it answers; with `shared`, /dev/shm has so many MiB, as in its own pod."""
        options = self.options()
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the product's own script
                [*self._with_shared(shared), "/bin/sh", str(self._own), "serve", *options, *further],
                env=self.environment(),
                cwd="/",
                stdout=output,
                stderr=output,
                **({} if shared else self._as_user()),
            )
        until(
            lambda: self._run("ready", self.environment(), check=False).returncode == 0 or self.ended,
            within=60,
            what="PostgreSQL answers",
        )
        assert self._process.poll() is None, self.log[-2000:]

    def _with_shared(self, mebibytes: int | None) -> list[str]:
        """Return what runs a command as the server's user, with a /dev/shm that no other process sees."""
        if mebibytes is None:
            return []
        mount = f"mount -t tmpfs -o size={mebibytes}m,mode=1777 tmpfs /dev/shm"
        user = f"setpriv --reuid={self.user.pw_uid} --regid={self.user.pw_gid} --clear-groups"
        return ["unshare", "--mount", "sh", "-c", f'{mount} && exec {user} "$@"', "sh"]

    @property
    def ended(self) -> bool:
        """Return whether its process has ended by itself."""
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """End it as the pod's `preStop` does."""
        if self._process is not None:
            if self._process.poll() is None:
                self._run("stop", self.environment(), check=True, **self._as_user())
            self._process.wait(timeout=30)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def _own(self) -> Path:
        return self.folder / "scripts" / "postgres.sh"

    def _run(
        self, verb: str, env: Mapping[str, str], *further: str, check: bool, **how: Any
    ) -> subprocess.CompletedProcess[str]:
        return self._script(self._own, (verb, *further), env, check=check, **how)

    def _script(
        self, path: Path, words: Sequence[str], env: Mapping[str, str], *, check: bool, **how: Any
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(  # noqa: S603 - the product's own script
            ["/bin/sh", str(path), *words],
            env=dict(env),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **how,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def client(self, user: str, password: str, database: str = "postgres", **given: str) -> dict[str, str]:
        """Return the environment of a client that was given what the engine gives its clients."""
        engine = Engine(
            host="localhost",
            port=self.port,
            server=Identity(name="postgres", component="database", instance="x"),
            ready=(),
            reachable=(),
            ca_secret="authority",
        )
        variables = {
            name: value.replace(AUTHORITY, str(self.authority))
            for name, value in engine.client_variables().items()
        }
        return {
            "PATH": search_path(),
            "PGHOST": engine.host,
            "PGPORT": str(engine.port),
            "PGUSER": user,
            "PGPASSWORD": password,
            "PGDATABASE": database,
            **variables,
            **given,
        }

    def job(
        self, verb: str, env: Mapping[str, str], *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run what a pod of a Job or a gate runs."""
        return self._run(verb, env, check=check)

    def superuser(self, statement: str, database: str = "postgres") -> str:
        """Run a statement as superuser on the socket and return its output."""
        done = subprocess.run(  # noqa: S603 - a client of PostgreSQL
            [*_PSQL, "--username=postgres", f"--dbname={database}", f"--command={statement}"],
            env={**self.environment()},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **self._as_user(),
        )
        assert done.returncode == 0, done.stderr
        return str(done.stdout).strip()


def ask(env: Mapping[str, str], statement: str) -> subprocess.CompletedProcess[str]:
    """Run a statement as a client of this environment and return psql's result."""
    return subprocess.run(  # noqa: S603 - a client of PostgreSQL
        [*_PSQL, "--no-password", f"--command={statement}"],
        env=dict(env),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def granted(server: Server, rotation: int = 1, password: str = LOGIN_PASSWORD, **given: str) -> None:
    """Do what the Job of this rotation does, as it is given it."""
    settings = server.settings
    server.job(
        "grant",
        server.client(
            roles.admin(settings),
            ADMIN_PASSWORD,
            DB_NAME=settings.name,
            DB_OWNER=settings.user,
            DB_LOGIN=roles.login(settings, rotation),
            DB_VERIFIER=scram.verifier(password),
            **given,
        ),
    )
