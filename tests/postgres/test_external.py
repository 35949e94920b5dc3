"""An external server on a real PostgreSQL: what is refused of it, and logins made without a superuser."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.postgres import roles, scram
from components.settings.model.database import Database
from components.settings.model.workload import PEM

from ..harness.waiting import until
from .conftest import Make
from .server import Server, ask

_PASSWORD = "kept"
SETTINGS = {
    "engine": "external",
    "image": "localhost/postgres:15.1",
    "user": "shop",
    "name": "shop",
    "external": {
        "host": "db.example.com",
        "ca": PEM,
        "administrator": {"user": "manager", "password": {"secret": "db", "key": "password"}},
    },
}
TOLD = {
    "OLDEST": "15",
    "CONNECTIONS": "50",
    "REACH_SECONDS": "2",
    "DB_LOGIN": "shop_a",
    "DB_NAME": "shop",
    "DB_OWNER": "shop",
}
# As a cloud gives them: an administrator that is no superuser, and owns what it made.
_CLOUD = """
CREATE ROLE manager LOGIN CREATEROLE CREATEDB PASSWORD '{0}';
CREATE ROLE plain LOGIN PASSWORD '{0}';
CREATE ROLE boss LOGIN SUPERUSER PASSWORD '{0}';
"""


@pytest.fixture(scope="module")
def cloud(make: Make) -> Server:
    made = make()
    made.prepare()
    made.start()
    for statement in _CLOUD.format(scram.verifier(_PASSWORD)).strip().split(";\n"):
        made.superuser(statement.rstrip(";"))
    made.superuser("CREATE DATABASE shop OWNER manager")
    made.superuser("CREATE DATABASE other OWNER plain")
    return made


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = Database.model_validate(SETTINGS, by_alias=True)
    path = tmp_path_factory.mktemp("scripts") / roles.EXTERNAL.name
    path.write_text(roles.files(settings)[roles.EXTERNAL.name])
    return path


@pytest.fixture
def emptied(cloud: Server) -> Iterator[Server]:
    """Return the server, without the roles that a test has made."""
    yield cloud
    there = cloud.superuser("SELECT rolname FROM pg_roles WHERE rolname IN ('shop', 'shop_a', 'shop_b')")
    for name in there.split():
        cloud.superuser(f"DROP OWNED BY {name}", "shop")
    for name in there.split():
        cloud.superuser(f"DROP ROLE {name}")


def run(
    script: Path, server: Server, verb: str, user: str = "manager", **given: str
) -> subprocess.CompletedProcess[str]:
    """Run what a pod of the Job runs."""
    env = server.client(user, _PASSWORD, "shop", **TOLD, DB_VERIFIER=scram.verifier("a")) | given
    return subprocess.run(  # noqa: S603 - the product's own script
        ["/bin/sh", str(script), verb], env=env, capture_output=True, text=True, check=False, timeout=60
    )


def done(found: subprocess.CompletedProcess[str]) -> str:
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_a_login_that_can_serve_the_application_is_accepted(script: Path, cloud: Server) -> None:
    said = done(run(script, cloud, "check", "plain", PGDATABASE="other"))
    major = cloud.settings.major
    assert said == f"PostgreSQL {major} at localhost:{cloud.port} takes the login plain\n"


def test_a_login_that_may_only_read_tables_is_accepted_where_there_are_some(
    script: Path, cloud: Server
) -> None:
    cloud.superuser("CREATE TABLE menu (); GRANT SELECT ON menu TO plain", "shop")
    try:
        done(run(script, cloud, "check", "plain"))
    finally:
        cloud.superuser("DROP TABLE menu", "shop")


@pytest.mark.parametrize(
    ("user", "given", "found", "fix"),
    [
        ("plain", {}, "may neither create a table in the database shop nor read one", "GRANT USAGE, CREATE"),
        ("boss", {}, "is its superuser", "database.user"),
        ("plain", {"CONNECTIONS": "100"}, "accepts 60 connections", "backend.poolSize"),
        ("plain", {"OLDEST": "99"}, "it runs PostgreSQL 1", "upgrade"),
        ("plain", {"PGPASSWORD": "another"}, "password authentication failed", "another Secret"),
        ("nobody", {}, "authentication failed", "another Secret"),
        ("plain", {"PGDATABASE": "lost"}, 'database "lost" does not exist', "CREATE DATABASE lost"),
        ("plain", {"PGSSLROOTCERT": "/etc/passwd"}, "root certificate file", "database.external.host and ca"),
        ("plain", {"PGHOST": "127.0.0.1"}, "does not match host name", "database.external.host and ca"),
        ("plain", {"PGSSLMODE": "disable"}, "no encryption", "accept TLS"),
        ("plain", {"PGPORT": "1"}, "Connection refused", "host, port and cidrs"),
    ],
)
def test_a_server_or_a_login_that_cannot_serve_is_refused_with_the_reason_and_the_way_out(
    script: Path, cloud: Server, user: str, given: dict[str, str], found: str, fix: str
) -> None:
    refused = run(script, cloud, "check", user, **given)
    assert refused.returncode == 1
    assert found in refused.stderr
    assert fix in refused.stderr.splitlines()[-1]
    assert "why it matters: " in refused.stderr
    assert _PASSWORD not in refused.stdout + refused.stderr


def test_a_login_whose_own_limit_is_too_low_is_refused(script: Path, cloud: Server) -> None:
    cloud.superuser("ALTER ROLE plain CONNECTION LIMIT 7")
    try:
        refused = run(script, cloud, "check", "plain", PGDATABASE="other")
        assert "accepts 7 connections of this login" in refused.stderr
    finally:
        cloud.superuser("ALTER ROLE plain CONNECTION LIMIT -1")


def test_an_administrator_that_is_no_superuser_makes_logins_that_act_as_one_owner(
    script: Path, emptied: Server
) -> None:
    done(run(script, emptied, "grant"))
    first = emptied.client("shop_a", "a", "shop")
    assert ask(first, "CREATE TABLE plates (); SELECT current_user").stdout == "shop\n"
    done(run(script, emptied, "grant", DB_LOGIN="shop_b", DB_VERIFIER=scram.verifier("b")))
    second = emptied.client("shop_b", "b", "shop")
    assert ask(second, "ALTER TABLE plates ADD id int; SELECT current_user").stdout == "shop\n"
    assert ask(first, "SELECT FROM plates").returncode == 0


def test_a_login_is_made_as_often_as_one_likes(script: Path, emptied: Server) -> None:
    done(run(script, emptied, "grant"))
    done(run(script, emptied, "grant", DB_VERIFIER=scram.verifier("again")))
    assert ask(emptied.client("shop_a", "again", "shop"), "SELECT").returncode == 0


def test_a_retired_login_is_let_in_no_more_its_sessions_end_and_the_administrator_keeps_no_right_of_it(
    script: Path, emptied: Server
) -> None:
    done(run(script, emptied, "grant"))
    client = emptied.client("shop_a", "a", "shop")
    with subprocess.Popen(
        ["psql", "--no-psqlrc", "--command=SELECT pg_sleep(60)"],  # noqa: S607 - a client of PostgreSQL
        env=client,
        stderr=subprocess.PIPE,
        text=True,
    ) as session:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_a' AND wait_event = 'PgSleep'"
        until(lambda: emptied.superuser(sleeping) == "1", within=30, what="the session is there")
        assert "1 sessions of shop_a ended" in done(run(script, emptied, "retire"))
        assert "terminat" in (session.communicate()[1])
    assert ask(client, "SELECT").returncode != 0
    assert emptied.superuser("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'shop_a'") == "f"
    # From 16 on who makes a role may grant it, and has none of its rights.
    assert emptied.superuser("SELECT pg_has_role('manager', 'shop_a', 'USAGE')") == "f"


def test_an_administrator_that_may_make_no_roles_is_refused_and_nothing_is_made(
    script: Path, cloud: Server
) -> None:
    refused = run(script, cloud, "grant", "plain")
    assert "the administrator plain may not make roles" in refused.stderr
    assert cloud.superuser("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'shop%'") == "0"


def test_a_login_of_the_name_that_may_do_more_is_refused(script: Path, emptied: Server) -> None:
    emptied.superuser("CREATE ROLE shop_a SUPERUSER")
    refused = run(script, emptied, "grant")
    assert "shop_a may do more than its own database asks for" in refused.stderr
    assert emptied.superuser("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'shop_a'") == "f"


def test_an_administrator_that_does_not_own_the_database_is_told_what_its_owner_has_to_grant(
    script: Path, emptied: Server
) -> None:
    refused = run(script, emptied, "grant", PGDATABASE="other", DB_NAME="other")
    assert "GRANT USAGE, CREATE ON SCHEMA public TO shop" in refused.stderr
    emptied.superuser("GRANT USAGE, CREATE ON SCHEMA public TO shop", "other")
    done(run(script, emptied, "grant", PGDATABASE="other", DB_NAME="other"))
    emptied.superuser("DROP OWNED BY shop", "other")


def test_no_password_and_only_verifiers_are_in_the_servers_log(script: Path, emptied: Server) -> None:
    emptied.superuser("ALTER ROLE manager SET log_statement = 'all'")
    done(run(script, emptied, "grant", DB_VERIFIER=scram.verifier("plainly-visible")))
    assert "ALTER ROLE" in emptied.log
    assert "plainly-visible" not in emptied.log
    emptied.superuser("ALTER ROLE manager RESET log_statement")
