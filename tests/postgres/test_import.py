"""Imports into the stack's database on real PostgreSQL servers: whole, compared, or nothing at all."""

import gzip
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.postgres import imports, roles, scram
from components.settings.model.database import Database

from ..harness.waiting import until
from .conftest import Make
from .server import LOGIN_PASSWORD, Server, ask
from .test_external import SETTINGS as EXTERNAL
from .test_external import TOLD

# As in the official image: everything is the superuser's.
_SOURCE = """
CREATE ROLE waiter;
CREATE EXTENSION pgcrypto;
CREATE TYPE state AS ENUM ('open', 'served');
CREATE TABLE menu (id serial PRIMARY KEY, dish text NOT NULL);
CREATE TABLE "Orders" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, menu int REFERENCES menu, note text, state state
);
CREATE SCHEMA kitchen;
CREATE TABLE kitchen.stock (what text);
CREATE TABLE nothing ();
CREATE FUNCTION served() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM "Orders"';
CREATE VIEW open AS SELECT * FROM "Orders" WHERE state = 'open';
COMMENT ON TABLE menu IS 'of the day';
GRANT SELECT ON menu TO waiter;
ALTER TABLE kitchen.stock OWNER TO waiter;
INSERT INTO menu (dish) SELECT 'dish ' || n FROM generate_series(1, 120) AS n;
INSERT INTO "Orders" (menu, note, state)
    SELECT 1 + n % 120, E'a\\nCOMMIT;\\n\\\\.\\tb', 'open' FROM generate_series(1, 5000) AS n;
INSERT INTO kitchen.stock VALUES ('salt');
"""
_TABLES = '"Orders": 5000 rows', "menu: 120 rows", "kitchen.stock: 1 rows", "nothing: 0 rows"


@dataclass(frozen=True, kw_only=True)
class Import:
    """The pod of an import into a server's database."""

    server: Server
    folder: Path

    def environment(self, **given: str) -> dict[str, str]:
        own = self.server.client("cook_a", LOGIN_PASSWORD, "orders", FOLDER=str(self.folder / "work"))
        return {**own, **given}

    def run(
        self, verb: str, *, stdin: bytes = b"", given: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - the product's own script
            ["/bin/sh", str(self.folder / imports.SCRIPT), verb],
            env=self.environment(**(given or {})),
            input=stdin,
            capture_output=True,
            check=False,
            timeout=120,
        )

    def done(self, verb: str, *, stdin: bytes = b"", given: Mapping[str, str] | None = None) -> str:
        found = self.run(verb, stdin=stdin, given=given)
        assert found.returncode == 0, found.stderr.decode()
        return found.stdout.decode() + found.stderr.decode()

    def refused(self, verb: str, *, stdin: bytes = b"", given: Mapping[str, str] | None = None) -> str:
        found = self.run(verb, stdin=stdin, given=given)
        assert found.returncode == 1, found.stdout.decode()
        assert (
            b"atabase is as it was." in found.stderr
            or b"Nothing was changed." in found.stderr
            or (b"stack's database" in found.stderr)
        )
        return found.stderr.decode()

    def ask(self, statement: str) -> str:
        found = ask(self.server.client("cook_a", LOGIN_PASSWORD, "orders"), statement)
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()


@pytest.fixture(scope="module")
def source(make: Make) -> Server:
    made = make({"name": "feastflow", "user": "feastflow"})
    made.prepare()
    made.start()
    for statement in _SOURCE.strip().rstrip(";").split(";\n"):
        made.superuser(statement, "feastflow")
    made.superuser("CREATE ROLE reader LOGIN SUPERUSER PASSWORD 'from-there'")
    return made


@pytest.fixture
def into(server: Server, tmp_path: Path) -> Iterator[Import]:
    """Return an import into a database that is empty; afterwards it is so again."""
    for name, text in imports.files(server.settings.major).items():
        (tmp_path / name).write_text(text)
    yield Import(server=server, folder=tmp_path)
    server.superuser("DROP SCHEMA IF EXISTS kitchen CASCADE", "orders")
    server.superuser("DROP SCHEMA public CASCADE", "orders")
    server.superuser("CREATE SCHEMA public AUTHORIZATION pg_database_owner", "orders")


def dumped(source: Server, *flags: str) -> bytes:
    """Return what pg_dump says of the source, on its own socket."""
    return subprocess.run(  # noqa: S603 - a client of PostgreSQL
        [str(source.programs / "pg_dump"), "--username=reader", "--dbname=feastflow", *flags],
        env={**source.client("reader", "from-there", "feastflow")},
        capture_output=True,
        check=True,
    ).stdout


def remote(source: Server, **given: str) -> dict[str, str]:
    """Return what tells the pod of the server to import from."""
    return {
        "FROM_HOST": "localhost",
        "FROM_PORT": str(source.port),
        "FROM_USER": "reader",
        "FROM_DATABASE": "feastflow",
        "FROM_PASSWORD": "from-there",
        "FROM_SSLMODE": "require",
        **given,
    }


@pytest.mark.parametrize("way", ["plain", "gzip", "server"])
def test_every_row_type_sequence_and_extension_arrives_and_belongs_to_the_owner(
    into: Import, source: Server, way: str
) -> None:
    if way == "server":
        said = into.done("fetch", given=remote(source))
    else:
        text = dumped(source)
        said = into.done("take", stdin=gzip.compress(text) if way == "gzip" else text)
    for table in _TABLES:
        assert table in said
    owners = (
        "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname IN ('public', 'kitchen')"
    )
    assert into.ask(owners) == "cook"
    assert into.ask("INSERT INTO menu (dish) VALUES ('next') RETURNING id") == "121"
    assert into.ask("INSERT INTO \"Orders\" (menu, state) VALUES (1, 'open') RETURNING id") == "5001"
    assert into.ask("SELECT served(), count(*) FROM open") == "5001|5001"
    assert into.ask('SELECT note FROM "Orders" WHERE id = 1') == "a\nCOMMIT;\n\\.\tb"
    assert into.ask("SELECT extname FROM pg_extension WHERE extname = 'pgcrypto'") == "pgcrypto"
    assert into.ask("SELECT obj_description('menu'::regclass)") == "of the day"


def test_a_schema_without_rows_is_replaced(into: Import, source: Server) -> None:
    into.ask("CREATE TABLE menu (other int); CREATE TABLE old (); CREATE VIEW v AS SELECT * FROM menu")
    into.done("take", stdin=dumped(source))
    assert into.ask("SELECT count(*) FROM menu") == "120"
    assert into.ask("SELECT to_regclass('old') IS NULL") == "t"


def test_a_table_with_rows_is_refused_by_its_name_until_the_user_names_it(
    into: Import, source: Server
) -> None:
    into.ask("CREATE TABLE menu (n int); INSERT INTO menu VALUES (7); CREATE TABLE versions AS SELECT 1 AS n")
    said = into.refused("take", stdin=dumped(source))
    assert "public.menu (1 rows), public.versions (1 rows)" in said
    assert "REPLACE= public.menu,public.versions" in said
    assert "public.versions (1 rows)" in into.refused(
        "take", stdin=dumped(source), given={"REPLACED": "public.menu"}
    )
    assert into.ask("SELECT n FROM menu") == "7"
    into.done("take", stdin=dumped(source), given={"REPLACED": "public.menu,public.versions"})
    assert into.ask("SELECT count(*) FROM menu") == "120"


@pytest.mark.parametrize("lost", [1, 40, 4000, 100_000])
def test_a_dump_that_was_cut_off_leaves_nothing(into: Import, source: Server, lost: int) -> None:
    text = dumped(source)
    into.refused("take", stdin=text[: -min(lost * 2, len(text) - 2000)].rsplit(b"\n-- PostgreSQL", 1)[0])
    assert into.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
    into.done("take", stdin=text)


def test_an_import_that_is_killed_leaves_nothing_and_the_next_one_is_whole(
    into: Import, source: Server
) -> None:
    text = dumped(source)
    half = text.index(b"COPY public.menu")
    with subprocess.Popen(  # noqa: S603 - the product's own script
        ["/bin/sh", str(into.folder / imports.SCRIPT), "take"],
        env=into.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as under_way:
        assert under_way.stdin
        under_way.stdin.write(text[:half])
        under_way.stdin.flush()
        seen = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cook_a' AND query LIKE 'COPY%'"
        until(lambda: into.server.superuser(seen) == "1", within=60, what="rows arrive")
        os.killpg(under_way.pid, signal.SIGKILL)
    gone = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cook_a'"
    until(lambda: into.server.superuser(gone) == "0", within=60, what="the session has ended")
    assert into.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
    into.done("take", stdin=text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b"-- Dumped from database version 1", b"-- Dumped from database version 99"), "database.image"),
        ((b"SET statement_timeout = 0;", b"\\connect other"), "a command of psql's"),
        ((b"SET statement_timeout = 0;", b"COMMIT;"), "a transaction of its own"),
        ((b"SET statement_timeout = 0;", b"INSERT INTO x VALUES (1);"), "--inserts"),
        ((b"-- PostgreSQL database dump\n", b"-- PostgreSQL database cluster dump\n"), "pg_dumpall"),
        ((b"CREATE SCHEMA kitchen;", b"CREATE EXTENSION dblink SCHEMA public;"), "permission denied"),
    ],
)
def test_a_dump_that_cannot_be_imported_is_refused_with_the_reason(
    into: Import, source: Server, change: tuple[bytes, bytes], said: str
) -> None:
    text = dumped(source)
    assert change[0] in text
    assert said in into.refused("take", stdin=text.replace(*change, 1))
    assert into.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


def test_an_archive_is_refused_with_the_command_that_makes_a_dump_of_it(into: Import, source: Server) -> None:
    assert "pg_restore --file" in into.refused("take", stdin=dumped(source, "--format=custom"))


def test_no_password_is_in_what_is_said_or_in_arguments(into: Import, source: Server) -> None:
    said = into.done("fetch", given=remote(source))
    assert "from-there" not in said
    assert LOGIN_PASSWORD not in said
    wrong = into.refused("fetch", given=remote(source, FROM_PASSWORD="not-this-one", FROM_USER="waiter"))
    assert "not-this-one" not in wrong


def test_a_server_of_others_takes_an_import_by_a_login_that_its_administrator_made(
    into: Import, source: Server
) -> None:
    server, verifier = into.server, scram.verifier("kept")
    server.superuser(f"CREATE ROLE manager LOGIN CREATEROLE PASSWORD '{verifier}'")
    server.superuser("CREATE DATABASE shop OWNER manager")
    settings = Database.model_validate(EXTERNAL, by_alias=True)
    script = into.folder / roles.EXTERNAL.name
    script.write_text(roles.files(settings)[script.name])
    made = subprocess.run(  # noqa: S603 - the product's own script
        ["/bin/sh", str(script), "grant"],
        env=server.client("manager", "kept", "shop", **TOLD, DB_VERIFIER=scram.verifier("a")),
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    login = {"PGUSER": "shop_a", "PGPASSWORD": "a", "PGDATABASE": "shop"}
    assert "menu: 120 rows" in into.done("take", stdin=dumped(source), given=login)
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'kitchen')"
    assert server.superuser(owners, "shop") == "shop"
