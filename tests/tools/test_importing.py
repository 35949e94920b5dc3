"""Imports: what FROM means and what is refused of it, and objects that the namespace's rules let in."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.postgres import imports
from policies.judgement import judge
from policies.rules import RULES
from tools.data import import_objects, import_source, importing, restoring
from tools.data.import_source import Dump, Pod, Server
from tools.stacks.options import Options
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl

from ..documented import documented
from ..unit.recorder import Recording, record_stack, stack_file
from ..unit.test_external_database import MANAGED, OWN

_URL = "postgres://shop@db.example.com/orders"
_PASSWORD = "canary-7171717171"


def test_a_url_a_pod_and_a_file_are_told_from_each_other(tmp_path: Path) -> None:
    dump = tmp_path / "dump.sql.gz"
    dump.write_bytes(b"")
    assert import_source.read(str(dump), {}) == Dump(path=dump)
    assert import_source.read("old/postgres-0", {}) == Pod(namespace="old", pod="postgres-0")
    assert import_source.read("old/postgres-0/shop", {}) == Pod(
        namespace="old", pod="postgres-0", database="shop"
    )
    found = import_source.read(f"{_URL}?sslmode=disable", {"FROM_PASSWORD": _PASSWORD})
    assert found == Server(
        host="db.example.com", port=5432, user="shop", database="orders", mode="disable", password=_PASSWORD
    )
    assert _PASSWORD not in f"{found} {found.variables}" if isinstance(found, Server) else False


def test_the_documented_commands_name_each_kind_of_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dump.sql.gz").write_bytes(b"")
    for line, kind in (
        (documented("make import-data FROM=old-namespace/postgres-0"), Pod),
        (documented("make import-data FROM=dump.sql.gz"), Dump),
        (documented("make import-data FROM=postgres://shop@old.example.com/shop"), Server),
        (documented("make import-data FROM=dump.sql.gz REPLACE=public.menu,public.versions"), Dump),
    ):
        told = dict(word.split("=", maxsplit=1) for word in line.split()[2:])
        assert type(import_source.read(told["FROM"], {})) is kind
    typed = documented("read -rs FROM_PASSWORD && export FROM_PASSWORD")
    shell = ["/bin/bash", "-c", f'{typed} && exec {sys.executable} -c "import os; print(os.environ)"']
    said = subprocess.run(  # noqa: S603 - the documentation's own line
        shell, input=f"{_PASSWORD}\n", capture_output=True, text=True, check=True
    )
    assert f"'FROM_PASSWORD': '{_PASSWORD}'" in said.stdout


def test_another_server_is_asked_with_encryption_unless_the_user_says_otherwise() -> None:
    found = import_source.read(_URL, {})
    assert isinstance(found, Server)
    assert found.mode == "require"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "FROM says nothing"),
        ("lost.sql", "there is no file lost.sql"),
        ("backups/lost.sql.gz", "there is no file"),
        ("Old/postgres", "there is no file"),
        ("mysql://shop@db/orders", "another one than postgres"),
        ("postgres://db.example.com/orders", "no host, no user or no database"),
        ("postgres://shop@db.example.com", "no host, no user or no database"),
        ("postgres://shop@db.example.com:port/orders", "no URL"),
        (f"{_URL}?sslmode=maybe", "sslmode is one of"),
        (f"{_URL}?options=-c", "sslmode alone is read"),
    ],
)
def test_what_names_no_source_is_refused_with_examples(text: str, found: str) -> None:
    with pytest.raises(UserError) as refused:
        import_source.read(text, {})
    assert found in refused.value.found
    assert "make import-data FROM=" in refused.value.fix


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(UserError) as refused:
        import_source.read(f"postgres://shop:{_PASSWORD}@db.example.com/orders", {})
    assert _PASSWORD not in str(refused.value)
    assert "FROM_PASSWORD" in refused.value.fix


def _job(recording: Recording) -> dict[str, Any]:
    """Return the Job that made or asked for the login, as the cluster has it."""
    (found,) = [
        each
        for each in recording.all("Job")
        if each.object_name.startswith(("feastflow-roles-grant", "feastflow-roles-check"))
    ]
    return {**found.inputs, "metadata": {**found.inputs["metadata"], "uid": "1"}}


@pytest.fixture(params=[None, OWN, MANAGED], ids=["standalone", "own", "managed"])
def made(request: pytest.FixtureRequest) -> dict[str, Any]:
    given = {"feastflow:database": request.param} if request.param else {}
    return _job(record_stack({**stack_file("dev"), **given}))


def _everything(made: dict[str, Any]) -> list[dict[str, Any]]:
    job = import_objects.job(made, "fetch", "public.menu", {"FROM_HOST": "db"}, secret=True)
    job["metadata"]["uid"] = "2"
    peers = [{"ipBlock": {"cidr": "192.0.2.1/32"}}]
    return [job, *import_objects.owned(job, 15, _PASSWORD, peers, 5432)]


def test_the_rules_of_the_namespace_let_all_of_it_in(made: dict[str, Any]) -> None:
    def broken(thing: dict[str, Any]) -> set[str]:
        return {rule.id for rule in RULES if thing["kind"] in rule.judges and judge(rule, thing)}

    # The stack's own image may have no digest.
    known = broken({"apiVersion": "batch/v1", "kind": "Job", **made})
    for each in _everything(made):
        assert broken(each) <= known & {"image-digest"}, each["kind"]


def test_the_password_of_the_source_is_in_a_secret_that_goes_with_the_job(made: dict[str, Any]) -> None:
    job, *owned = _everything(made)
    for each in (job, *owned):
        assert (_PASSWORD in json.dumps(each)) == (each["kind"] == "Secret")
    assert {each["kind"] for each in owned} == {"ConfigMap", "Secret", "NetworkPolicy"}
    for each in owned:
        (owner,) = each["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Job", "2")
    assert job["spec"]["ttlSecondsAfterFinished"] > 0


def test_it_writes_as_the_login_of_the_stacks_clients_and_has_their_path(made: dict[str, Any]) -> None:
    job = _everything(made)[0]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each for each in container["env"]}
    own = {each["name"]: each for each in made["spec"]["template"]["spec"]["containers"][0]["env"]}
    for name in ("PGHOST", "PGPORT", "PGSSLMODE", "PGSSLROOTCERT"):
        assert env[name] == own[name]
    managed = "DB_LOGIN" in own
    assert env["PGUSER"]["value"] == (own["DB_LOGIN"]["value"] if managed else "feastflow")
    assert env["PGDATABASE"]["value"] == "feastflow"
    assert "value" not in env["PGPASSWORD"]
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert made["spec"]["template"]["metadata"]["labels"].items() <= labels.items()
    assert not {"controller-uid", "job-name"} & labels.keys()


def test_the_pod_fits_the_quota_of_the_two_jobs_of_the_roles() -> None:
    limits = import_objects.job(_job(record_stack(stack_file("dev"))), "wait", "", {}, secret=False)["spec"][
        "template"
    ]["spec"]["containers"][0]["resources"]["limits"]
    assert (limits["cpu"], limits["memory"]) == ("400m", "256Mi")


def test_a_stack_that_is_not_deployed_is_refused() -> None:
    with pytest.raises(UserError, match="has no database yet"):
        import_objects.model([], "dev")


def test_the_newest_job_is_the_one_that_made_the_login_in_use() -> None:
    jobs = [
        {"metadata": {"name": f"feastflow-roles-{name}", "creationTimestamp": time}}
        for name, time in (("grant-1", "2026-01-02"), ("grant-2", "2026-01-03"), ("retire-3", "2026-01-04"))
    ]
    assert import_objects.model(jobs, "dev")["metadata"]["name"] == "feastflow-roles-grant-2"


@pytest.fixture
def kubectl(tmp_path: Path) -> Callable[[dict[str, Any]], Kubectl]:
    """Return a kubectl that answers every question with these objects, and writes down what it is asked."""

    def answering(answer: dict[str, Any]) -> Kubectl:
        program = tmp_path / "kubectl"
        text = shlex.quote(json.dumps(answer))
        program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\nprintf %s {text}\n')
        program.chmod(0o755)
        return Kubectl(command=(str(program), "--namespace", "shop"))

    return answering


def test_an_import_that_is_under_way_is_not_disturbed(
    kubectl: Callable[[dict[str, Any]], Kubectl], tmp_path: Path
) -> None:
    under_way = {"metadata": {"name": import_objects.NAME}, "status": {"active": 1}}
    client = kubectl({"items": [under_way]})
    with pytest.raises(UserError, match="under way") as refused:
        importing.none_is_under_way(client)
    assert "delete job feastflow-import" in refused.value.fix
    config = {"feastflow:namespace": "shop", "feastflow:database": {}}
    here = Options(stack="dev", context=None, cluster="feastflow", port=8080)
    with pytest.raises(UserError, match="under way"):
        restoring.beside(client, config, "latest", here)
    assert "delete" not in (tmp_path / "asked").read_text()


def test_the_way_to_a_source_is_its_namespace_or_its_own_addresses() -> None:
    def peers(host: str) -> list[dict[str, Any]]:
        source = import_source.read(f"postgres://shop@{host}/orders", {})
        assert isinstance(source, Server)
        return importing._peers(source, "cluster.local")

    namespace = {"kubernetes.io/metadata.name": "old"}
    assert peers("postgres.old.svc") == [{"namespaceSelector": {"matchLabels": namespace}}]
    assert peers("192.0.2.7") == [{"ipBlock": {"cidr": "192.0.2.7/32"}}]
    with pytest.raises(UserError, match="no address here"):
        peers("no-such-host.invalid")


def test_the_scripts_are_those_of_the_images_version() -> None:
    assert "/usr/lib/postgresql/17/bin" in imports.files(17)[imports.SCRIPT]
