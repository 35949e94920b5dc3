"""Questions to a running server: a real PostgreSQL answers, behind a kubectl that runs commands here."""

import json
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.cli import adopted_server, running_server
from tools.cli.adopted_server import Seen, Wanted
from tools.cli.mismatch import Mismatch, Ways
from tools.toolchain.kubectl import Kubectl

from .adoptable import SEEN, container, live, stack, thing
from .fakes import Machine

_KUBECTL = """
case "$*" in
  *"get pods"*) show pods ;;
  *"exec "*) while [ "$1" != -- ]; do shift; done; shift; . "$ROOT/variables"; exec "$@" ;;
esac
"""


def _programs() -> Path | None:
    """Return the folder of initdb and pg_ctl, None where PostgreSQL is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in folders if (each / "initdb").exists()), None)


@dataclass(frozen=True, kw_only=True)
class _Postgres:
    """A server of this machine: its superuser is `feast`, as the official image's may be named anything."""

    folder: Path
    programs: Path
    user: pwd.struct_passwd

    @property
    def data(self) -> Path:
        return self.folder / "pgdata"

    def run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        identity: dict[str, Any] = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [str(self.programs / program), *arguments],
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
            **(identity if os.geteuid() == 0 else {}),
        )


@pytest.fixture(scope="module")
def postgres() -> Iterator[_Postgres]:
    """Yield a server with the database `orders` of `cook`, on a socket alone."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL found: initdb is not in /usr/lib/postgresql/*/bin")
    names = {entry.pw_name for entry in pwd.getpwall()}
    root = os.geteuid() == 0
    user = (
        pwd.getpwnam("postgres" if "postgres" in names else "nobody") if root else pwd.getpwuid(os.geteuid())
    )
    # The folders of pytest are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="feastflow-pg-"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    server = _Postgres(folder=folder, programs=programs, user=user)
    server.run("initdb", "--no-sync", "--username=feast", "--auth=trust", f"--pgdata={server.data}")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    server.run(
        "pg_ctl", "--wait", f"--pgdata={server.data}", f"--log={folder}/log", f"--options={options}", "start"
    )
    try:
        for statement in ("CREATE ROLE cook", "CREATE DATABASE orders OWNER cook"):
            server.run(
                "psql", f"--host={folder}", "--username=feast", "--dbname=postgres", f"--command={statement}"
            )
        yield server
    finally:
        server.run("pg_ctl", "--wait", f"--pgdata={server.data}", "--mode=immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def kubectl(machine: Machine) -> str:
    """Return a kubectl whose containers are this machine; one pod of the server is ready."""
    pod = thing(
        "Pod", "postgres-0", spec=_server("/data")["spec"]["template"]["spec"], status={"phase": "Running"}
    )
    pod["metadata"]["ownerReferences"] = [{"kind": "StatefulSet", "name": "postgres"}]
    pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    machine.file("pods", json.dumps({"items": [pod]}))
    return str(machine.program("kubectl", _KUBECTL))


def _server(mount: str) -> dict[str, Any]:
    def mounted(there: dict[str, Any]) -> None:
        container(there)["volumeMounts"][1]["mountPath"] = mount

    return live(mounted)["StatefulSet", "postgres"]


def _variables(machine: Machine, **values: object) -> None:
    lines = [f"export {name}={shlex.quote(str(value))}\n" for name, value in values.items()]
    machine.file("variables", "".join(lines))


def _mount(machine: Machine, path: str) -> None:
    """Have the pod's claim elsewhere, whatever the StatefulSet says by now."""
    pods = json.loads((machine.root / "pods").read_text())
    pods["items"][0]["spec"] = _server(path)["spec"]["template"]["spec"]
    machine.file("pods", json.dumps(pods))


def _asked(kubectl: str, mount: str = "/data") -> Seen:
    return running_server.ask(Kubectl(command=(kubectl,)), _server(mount), "postgres-data")


def test_a_real_server_says_where_its_data_is_of_which_version_and_whose(
    machine: Machine, kubectl: str, postgres: _Postgres
) -> None:
    _variables(machine, PGHOST=postgres.folder, POSTGRES_USER="feast", PGDATA="/somewhere/else")

    seen = _asked(kubectl)

    assert seen.unseen == ""
    assert seen.directory == str(postgres.data.resolve())
    assert seen.major == int(postgres.programs.parent.name)
    assert seen.uid == postgres.user.pw_uid
    assert seen.databases == {"orders": "cook", "postgres": "feast"}
    assert seen.superusers[0] == "feast"
    assert seen.links == ()


def test_a_server_without_the_superuser_is_given_it_by_the_command_as_printed(
    machine: Machine, kubectl: str, postgres: _Postgres
) -> None:
    _variables(machine, PGHOST=postgres.folder, POSTGRES_USER="feast")
    mount = str(postgres.folder.resolve())
    _mount(machine, mount)
    major = int(postgres.programs.parent.name)
    server = stack()[2]
    server["spec"]["template"]["spec"]["securityContext"]["runAsUser"] = postgres.user.pw_uid
    wanted = Wanted(server=server, claim="postgres-data", major=major, database="orders", owner="cook")
    ways = Ways(kubectl=kubectl, file="Pulumi.dev.yaml")

    def found() -> list[Mismatch]:
        return list(adopted_server.mismatches(wanted, _server(mount), _asked(kubectl, mount), ways))

    (mismatch,) = found()
    assert 'its superusers are ["feast"], without postgres' in mismatch.found
    subprocess.run(shlex.split(mismatch.next), check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - as printed
    assert found() == []


def test_files_are_looked_at_where_no_server_lets_the_question_in(
    machine: Machine, kubectl: str, tmp_path: Path
) -> None:
    data = tmp_path / "pgdata"
    (data / "pg_tblspc").mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    for link in ("pg_wal", "pg_tblspc/16400"):
        (data / link).symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(data)
    _variables(machine, PGHOST=tmp_path, PGDATA=tmp_path / "link")

    seen = _asked(kubectl)

    assert (seen.directory, seen.major, seen.uid) == (str(data.resolve()), 16, os.geteuid())
    assert seen.databases is None
    assert seen.links == (f"{data.resolve()}/pg_wal", f"{data.resolve()}/pg_tblspc/16400")


def test_without_a_version_file_there_is_no_version(machine: Machine, kubectl: str, tmp_path: Path) -> None:
    _variables(machine, PGHOST=tmp_path, PGDATA=tmp_path)

    assert (_asked(kubectl).major, _asked(kubectl).unseen) == (None, "")


def test_a_password_of_the_container_is_in_no_answer_and_no_command(
    machine: Machine, kubectl: str, tmp_path: Path
) -> None:
    _variables(machine, PGHOST=tmp_path, PGDATA=tmp_path, POSTGRES_PASSWORD="of-the-container")

    assert "of-the-container" not in repr(_asked(kubectl))
    assert "of-the-container" not in "\n".join(machine.calls("kubectl"))


@pytest.mark.parametrize(
    ("status", "deleting"),
    [({}, False), ({"conditions": [{"type": "Ready", "status": "True"}]}, True)],
)
def test_a_pod_that_is_not_ready_or_ends_is_not_asked(
    machine: Machine, kubectl: str, status: dict[str, Any], *, deleting: bool
) -> None:
    pods = json.loads((machine.root / "pods").read_text())
    pods["items"][0]["status"] = status
    if deleting:
        pods["items"][0]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    machine.file("pods", json.dumps(pods))

    assert _asked(kubectl).unseen == "no pod of postgres is ready"
    assert machine.called("kubectl", "exec") == []


@pytest.mark.parametrize(("phase", "uses"), [("Running", True), ("Pending", True), ("Succeeded", False)])
def test_other_pods_on_the_claim_are_found_while_they_run(
    machine: Machine, kubectl: str, phase: str, *, uses: bool
) -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "postgres-data"}}]
    other = thing("Pod", "old", spec={"volumes": volumes}, status={"phase": phase})
    unrelated = thing("Pod", "api", spec={"volumes": []}, status={"phase": "Running"})
    machine.file("pods", json.dumps({"items": [other, unrelated]}))

    assert [each["metadata"]["name"] for each in _asked(kubectl).others] == (["old"] if uses else [])


def test_pods_that_may_not_be_listed_are_a_reason_not_to_know(machine: Machine, kubectl: str) -> None:
    machine.program("kubectl", "echo 'Error from server (Forbidden): pods is forbidden' >&2; exit 1")

    assert "the pods cannot be listed (Error from server (Forbidden)" in _asked(kubectl).unseen


def test_an_answer_without_a_directory_is_none() -> None:
    assert running_server.told("directory\t\nmajor\t\n", "p-0").unseen == "p-0 does not say where its data is"
    assert running_server.told("directory\t/data/pgdata\nmajor\t9.6\n", "p-0").major == 9
    assert SEEN.unseen == ""
