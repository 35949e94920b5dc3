"""The administrator's few functions, rotations by them, and attacks on them."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from components.postgres import roles, scram

from .conftest import Make
from .server import ADMIN_PASSWORD, LOGIN_PASSWORD, Server, ask, granted

pytestmark = pytest.mark.every_major

VERIFIER = scram.verifier("another")
ATTRIBUTES = (
    "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin"
    " FROM pg_roles WHERE rolname LIKE 'cook%' ORDER BY rolname"
)
MEMBERSHIPS = (
    "SELECT roleid::regrole || '>' || member::regrole FROM pg_auth_members"
    " WHERE roleid::regrole::text LIKE 'cook%' OR member::regrole::text LIKE 'cook%' ORDER BY 1"
)
# A program that the server starts runs as its system user, which is superuser on the socket.
WAY = (
    "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null;"
    ' psql --username=postgres --command="ALTER ROLE cook_admin SUPERUSER" postgres\''
)
# The statements of earlier versions, at every start and for every login.
BEFORE = """
CREATE ROLE cook_admin LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD '{admin}';
SET ROLE cook_admin;
CREATE ROLE cook; ALTER ROLE cook NOLOGIN; {grant}
CREATE ROLE cook_a LOGIN INHERIT PASSWORD '{login}'; GRANT cook TO cook_a;
ALTER ROLE cook_a SET role = 'cook';
"""


def admin(server: Server, **given: str) -> dict[str, str]:
    return server.client("cook_admin", ADMIN_PASSWORD, **given)


def login(server: Server, **given: str) -> dict[str, str]:
    return server.client("cook_a", LOGIN_PASSWORD, "orders", **given)


def test_the_administrator_may_only_log_in_and_is_a_member_of_nothing(server: Server) -> None:
    assert server.superuser(ATTRIBUTES).splitlines() == [
        "cook|f|f|f|f|f|f",
        "cook_a|f|f|f|f|f|t",
        "cook_admin|f|f|f|f|f|t",
        "cook_b|f|f|f|f|f|f",
    ]
    assert server.superuser(MEMBERSHIPS).splitlines() == ["cook>cook_a", "cook>cook_b"]


def test_what_a_login_creates_belongs_to_the_owner(server: Server) -> None:
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'plates'"
    assert ask(login(server), f"CREATE TABLE plates (); {owner}").stdout.endswith("cook\n")


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT pg_execute_server_program TO cook_admin",
        "GRANT pg_write_server_files TO cook_a",
        "GRANT pg_signal_backend TO cook_admin",
        "GRANT postgres TO cook_admin",
        "GRANT cook TO cook_admin",
        "GRANT cook_a TO cook_admin",
        "CREATE ROLE thief LOGIN SUPERUSER",
        "CREATE ROLE thief",
        "CREATE DATABASE theft",
        "ALTER ROLE cook_admin SUPERUSER",
        "ALTER ROLE cook_admin CREATEROLE",
        "ALTER ROLE cook_a PASSWORD 'mine'",
        "ALTER ROLE cook_a SUPERUSER",
        "ALTER ROLE cook LOGIN",
        "ALTER ROLE postgres PASSWORD 'mine'",
        "DROP ROLE cook_a",
        "COMMENT ON ROLE cook_admin IS NULL",
        "SET ROLE postgres",
        "SET ROLE cook",
        "SET ROLE cook_a",
        "SET SESSION AUTHORIZATION postgres",
        "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'",
        "COPY (SELECT 1) TO '/tmp/feastflow-theft'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_export(0, '/tmp/feastflow-theft')",
        "CREATE EXTENSION dblink",
        "SELECT rolpassword FROM pg_authid",
        "CREATE SCHEMA theft",
        "DROP SCHEMA feastflow CASCADE",
        "ALTER SCHEMA feastflow OWNER TO cook_admin",
        "CREATE FUNCTION feastflow.open_login(login name, verifier text) RETURNS void LANGUAGE sql AS ''",
        "CREATE OR REPLACE FUNCTION feastflow.lock_login(login text) RETURNS void LANGUAGE sql AS ''",
        "ALTER FUNCTION feastflow.lock_login(text) OWNER TO cook_admin",
        "ALTER FUNCTION feastflow.lock_login(text) SET search_path = public",
        "ALTER FUNCTION feastflow.lock_login(text) RESET search_path",
        "GRANT EXECUTE ON FUNCTION feastflow.lock_login(text) TO PUBLIC",
        "ALTER SYSTEM SET ssl = off",
        "ALTER DATABASE orders OWNER TO cook_admin",
        f"SELECT feastflow.open_login('postgres', '{VERIFIER}')",
        f"SELECT feastflow.open_login('cook', '{VERIFIER}')",
        f"SELECT feastflow.open_login('cook_admin', '{VERIFIER}')",
        f"SELECT feastflow.open_login('COOK_A', '{VERIFIER}')",
        f"SELECT feastflow.open_login('cook_a ', '{VERIFIER}')",
        f"SELECT feastflow.open_login('cook_c', '{VERIFIER}')",
        f"SELECT feastflow.open_login(E'cook_a\" SUPERUSER --', '{VERIFIER}')",
        f"SELECT feastflow.open_login(NULL, '{VERIFIER}')",
        "SELECT feastflow.open_login('cook_a', 'a password')",
        "SELECT feastflow.open_login('cook_a', NULL)",
        f"SELECT feastflow.open_login('cook_a', E'{VERIFIER}\\n')",
        f"SELECT feastflow.open_login('cook_a', E'{VERIFIER}\\' SUPERUSER')",
        "SELECT feastflow.lock_login('postgres')",
        "SELECT feastflow.lock_login('cook_admin')",
        "SELECT feastflow.end_sessions('postgres')",
        "SELECT feastflow.end_sessions(NULL)",
    ],
)
def test_the_administrator_can_do_nothing_else(server: Server, statement: str) -> None:
    before = server.superuser(ATTRIBUTES + "; " + MEMBERSHIPS)
    done = ask(admin(server), statement)
    changed = server.superuser(ATTRIBUTES + "; " + MEMBERSHIPS) != before
    # A GRANT without the grant option is only a warning.
    refused = done.returncode != 0 or "no privileges were granted" in done.stderr
    assert (refused, changed) == (True, False), done.stdout + done.stderr
    assert ask(login(server), "SELECT 1").returncode == 0


def test_the_way_to_the_superuser_that_createrole_opened_is_closed(server: Server) -> None:
    way = ("GRANT pg_execute_server_program TO cook_admin", WAY)
    for statement in way:
        assert ask(admin(server), statement).returncode != 0
    assert server.superuser("SELECT rolname FROM pg_roles WHERE rolsuper") == "postgres"


@pytest.mark.parametrize("path", ["pg_temp, pg_catalog", "pg_temp, public, pg_catalog"])
def test_functions_of_a_session_are_not_called_by_the_superusers_own(server: Server, path: str) -> None:
    body = "$body$ BEGIN ALTER ROLE cook_admin SUPERUSER; RETURN NULL; END $body$"
    names = ("format(text, VARIADIC text[])", "format(text)", "count(int)", "pg_terminate_backend(int)")
    made = ";".join(
        f"CREATE FUNCTION pg_temp.{name} RETURNS text LANGUAGE plpgsql AS {body}" for name in names
    )
    shadows = "CREATE TEMP TABLE pg_roles (rolname name); CREATE TEMP TABLE pg_stat_activity (pid int)"
    calls = f"SELECT feastflow.open_login('cook_b', '{VERIFIER}'); SELECT feastflow.lock_login('cook_b');"
    done = ask(admin(server), f"{made}; {shadows}; SET search_path = {path}; {calls}")
    assert done.returncode == 0, done.stderr
    assert server.superuser("SELECT rolname FROM pg_roles WHERE rolsuper") == "postgres"


@pytest.mark.parametrize(
    "statement",
    [f"SELECT feastflow.open_login('cook_a', '{VERIFIER}')", "SELECT feastflow.end_sessions('cook_admin')"],
)
def test_the_application_may_call_none_of_the_functions(server: Server, statement: str) -> None:
    done = ask(login(server, PGDATABASE="postgres"), statement)
    assert "permission denied for schema feastflow" in done.stderr


@pytest.fixture
def rotating(make: Make) -> Server:
    made = make()
    made.prepare()
    made.start("-c", "log_statement=all", "-c", "log_connections=on")
    granted(made)
    return made


@pytest.fixture
def session(rotating: Server) -> Iterator["subprocess.Popen[str]"]:
    """Yield a session of the first login that its thief keeps open."""
    process = subprocess.Popen(
        ["psql", "--no-psqlrc", "--tuples-only", "--no-align"],  # noqa: S607 - a client of PostgreSQL
        env=login(rotating),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("CREATE TABLE plates (); SELECT 'in';\n")
    process.stdin.flush()
    while process.stdout.readline().strip() != "in":
        assert process.poll() is None
    yield process
    process.kill()
    process.communicate()


def rotate(server: Server, number: int, password: str, given: dict[str, str]) -> dict[str, str]:
    """Do what a rotation's Jobs do, the clients' rollout between them."""
    now = f"administrator-{number}"
    env = server.client("cook_admin", now, ADMIN_VERIFIER=scram.verifier(now), DB_NAME="orders", **given)
    opened = {"DB_LOGIN": roles.login(server.settings, number), "DB_VERIFIER": scram.verifier(password)}
    server.job("grant", {**env, **opened})
    server.job("retire", {**env, "DB_LOGIN": roles.login(server.settings, number - 1)})
    return {"ADMIN_BEFORE": now, "ADMIN_FIRST": ADMIN_PASSWORD}


def test_a_rotation_ends_the_sessions_of_the_old_login_and_the_old_passwords(
    rotating: Server, session: "subprocess.Popen[str]"
) -> None:
    server = rotating
    given = rotate(server, 2, "second-login", {"ADMIN_BEFORE": ADMIN_PASSWORD})
    _, problem = session.communicate("CREATE TABLE stolen ();\n", timeout=30)
    assert "terminating connection due to administrator command" in problem
    assert server.superuser("SELECT count(*) FROM pg_tables WHERE tablename = 'stolen'", "orders") == "0"
    assert "not permitted to log in" in ask(login(server), "SELECT 1").stderr or "password" in (
        ask(login(server), "SELECT 1").stderr
    )
    assert ask(admin(server), "SELECT 1").returncode != 0
    second = server.client("cook_b", "second-login", "orders")
    assert ask(second, "TABLE plates").returncode == 0
    assert ask(server.client("cook_admin", "administrator-2"), "SELECT 1").returncode == 0

    # A start leaves the password that a rotation set.
    server.stop()
    server.prepare()
    server.start()
    assert ask(server.client("cook_admin", "administrator-2"), "SELECT 1").returncode == 0
    assert ask(admin(server), "SELECT 1").returncode != 0

    rotate(server, 3, "third-login", given)
    assert ask(server.client("cook_a", "third-login", "orders"), "TABLE plates").returncode == 0
    assert ask(second, "SELECT 1").returncode != 0


def test_no_log_holds_a_password(rotating: Server) -> None:
    rotate(rotating, 2, "second-login", {"ADMIN_BEFORE": ADMIN_PASSWORD})
    log = rotating.log
    assert "open_login" in log
    for password in (ADMIN_PASSWORD, LOGIN_PASSWORD, "second-login", "administrator-2"):
        assert password not in log


def test_a_session_of_the_administrators_ends_with_its_password(rotating: Server) -> None:
    kept = subprocess.Popen(
        ["psql", "--no-psqlrc", "--command=SELECT pg_sleep(60)"],  # noqa: S607 - a client of PostgreSQL
        env=admin(rotating),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    seen = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cook_admin'"
    while rotating.superuser(seen) == "0":
        assert kept.poll() is None
    began = time.monotonic()
    rotate(rotating, 2, "second-login", {"ADMIN_BEFORE": ADMIN_PASSWORD})
    _, problem = kept.communicate(timeout=30)
    assert "terminating connection" in problem
    assert time.monotonic() - began < 50


def test_a_new_volume_after_a_rotation_is_given_that_rotations_password(make: Make) -> None:
    fresh = make()
    fresh.prepare()
    fresh.start()
    given = {"ADMIN_BEFORE": "administrator-4", "ADMIN_FIRST": ADMIN_PASSWORD}
    rotate(fresh, 5, "fifth-login", given)
    assert ask(fresh.client("cook_a", "fifth-login", "orders"), "SELECT 1").returncode == 0
    assert ask(admin(fresh), "SELECT 1").returncode != 0


def test_an_administrator_with_createrole_of_a_version_before_loses_it_and_what_it_took(make: Make) -> None:
    old = make()
    old.prepare()
    old.start()
    for statement in (
        "DROP DATABASE orders",
        "DROP SCHEMA feastflow CASCADE",
        "DROP ROLE cook, cook_a, cook_b, cook_admin",
    ):
        old.superuser(statement)
    major = int(old.superuser("SHOW server_version_num")) // 10000
    old.superuser(
        BEFORE.format(
            admin=scram.verifier(ADMIN_PASSWORD),
            login=scram.verifier(LOGIN_PASSWORD),
            grant="GRANT cook TO CURRENT_USER;" if major < 16 else "GRANT cook TO cook_admin WITH SET TRUE;",
        )
    )
    old.superuser("CREATE DATABASE orders OWNER cook")
    assert ask(login(old), "CREATE TABLE plates ()").returncode == 0
    if major < 16:
        # The way of row 23, half gone.
        for each in ("cook_admin", "cook_a", "cook"):
            assert ask(admin(old), f"GRANT pg_execute_server_program TO {each}").returncode == 0
        assert ask(admin(old), WAY).returncode == 0
        assert old.superuser("SELECT rolsuper FROM pg_roles WHERE rolname = 'cook_admin'") == "t"

    old.stop()
    old.prepare()
    old.start()
    assert old.superuser(MEMBERSHIPS).splitlines() == ["cook>cook_a", "cook>cook_b"]
    assert old.superuser("SELECT rolname FROM pg_roles WHERE rolsuper") == "postgres"
    for known in (admin(old), login(old)):
        refused = ask(known, "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'").stderr
        assert "pg_execute_server_program" in refused
    assert ask(admin(old), "CREATE ROLE thief").returncode != 0
    # Its clients go on, before any Job has run.
    assert ask(login(old), "TABLE plates").returncode == 0
    granted(old)
    assert ask(login(old), "TABLE plates").returncode == 0


def test_a_database_that_lacks_the_functions_says_who_can_add_them_and_how(make: Make) -> None:
    old = make()
    old.prepare()
    old.start()
    old.superuser("DROP SCHEMA feastflow CASCADE")
    env = server_env(old)
    done = old.job("grant", env, check=False)
    assert done.returncode == 1
    assert "only the superuser can add them" in done.stderr
    assert "kubectl exec -i PRIMARY -c postgres -- psql --dbname=postgres" in done.stderr
    # What the command pipes in.
    old.superuser(roles.functions(old.settings))
    old.job("grant", env)


def server_env(server: Server) -> dict[str, str]:
    return admin(
        server,
        DB_NAME="orders",
        DB_LOGIN="cook_a",
        DB_VERIFIER=scram.verifier(LOGIN_PASSWORD),
        ADMIN_VERIFIER=scram.verifier(ADMIN_PASSWORD),
    )
