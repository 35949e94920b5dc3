"""TLS: no client connects without it, and drivers verify the server without a setting of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.postgres import authority, standalone

from . import newer
from .conftest import Make
from .server import ADMIN_PASSWORD, LOGIN_PASSWORD, Server, ask, granted

pytestmark = pytest.mark.every_major

CLIENTS = Path(__file__).with_name("clients")
# As CloudNativePG writes it around the rules of a Cluster:
# https://cloudnative-pg.io/documentation/1.28/postgresql_conf/#the-pg_hba-section
OPERATORS_RULES = "local all all trust\n{}\nhost all all all scram-sha-256\n"
RULES_BEFORE = "local all postgres peer\nhost all postgres all reject\nhost all all all scram-sha-256\n"
# A session sees its own line as the login alone, not as the owner that it acts as.
ENCRYPTED = "SET ROLE NONE; SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def login(server: Server, **given: str) -> dict[str, str]:
    return server.client("cook_a", LOGIN_PASSWORD, "orders", **given)


def test_a_client_that_verifies_the_server_is_let_in(server: Server) -> None:
    assert ask(login(server), ENCRYPTED).stdout == "t\n"


@pytest.mark.parametrize("user", ["cook_a", "cook_admin", "postgres"])
def test_any_client_without_tls_is_refused(server: Server, user: str) -> None:
    password = {"cook_a": LOGIN_PASSWORD, "cook_admin": ADMIN_PASSWORD}.get(user, "")
    answer = ask(server.client(user, password, PGSSLMODE="disable"), "SELECT 1")
    assert answer.returncode != 0
    assert "pg_hba.conf rejects connection" in answer.stderr
    assert "no encryption" in answer.stderr


def test_the_superuser_is_refused_with_tls_too(server: Server) -> None:
    answer = ask(server.client("postgres", ADMIN_PASSWORD), "SELECT 1")
    assert 'rejects connection for host "127.0.0.1", user "postgres"' in answer.stderr


def test_a_server_of_another_authority_is_refused_by_the_client(server: Server, tmp_path: Path) -> None:
    other = tmp_path / "ca.crt"
    other.write_text(authority.issue("another secret", ["localhost"], 2026).authority)
    answer = ask(login(server, PGSSLROOTCERT=str(other)), "SELECT 1")
    assert "certificate verify failed" in answer.stderr


def test_rules_of_an_old_data_directory_let_no_client_in(make: Make) -> None:
    old = make()
    old.prepare()
    with (old.data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all trust\n")
    with (old.data / "postgresql.auto.conf").open("a") as values:
        values.write("ssl = 'off'\n")
    old.start()
    granted(old)
    assert "no encryption" in ask(login(old, PGSSLMODE="disable"), "SELECT 1").stderr
    assert ask(login(old), ENCRYPTED).stdout == "t\n"


def test_a_server_that_took_clients_without_tls_takes_them_with_it_after_an_update(make: Make) -> None:
    server = make(hba=RULES_BEFORE)
    server.prepare()
    server.start("-c", "ssl=off")
    granted(server, PGSSLMODE="disable")
    assert ask(login(server, PGSSLMODE="disable"), ENCRYPTED).stdout == "f\n"
    server.stop()
    server.write_rules(standalone.rules())
    server.prepare()
    server.start()
    assert ask(login(server), ENCRYPTED).stdout == "t\n"
    # A driver without TLS settings that prefers TLS, as those of the version before.
    assert ask(login(server, PGSSLMODE="prefer", PGSSLROOTCERT=""), ENCRYPTED).stdout == "t\n"
    assert "no encryption" in ask(login(server, PGSSLMODE="disable"), ENCRYPTED).stderr


def test_the_operators_own_last_rule_lets_no_client_in_without_tls(make: Make) -> None:
    server = make(hba=OPERATORS_RULES.format("\n".join(standalone.TLS_ONLY)))
    server.prepare()
    server.start()
    granted(server)
    assert ask(login(server), ENCRYPTED).stdout == "t\n"
    assert "no encryption" in ask(login(server, PGSSLMODE="disable"), ENCRYPTED).stderr


def test_the_certificate_of_another_year_is_trusted_by_clients_that_run(make: Make) -> None:
    first, later = (authority.issue("secret", ["localhost"], year) for year in (2025, 2026))
    assert first.authority == later.authority
    assert first.certificate != later.certificate
    assert first.key != later.key
    server = make()
    (server.folder / "tls" / "tls.crt").unlink()
    (server.folder / "tls" / "tls.key").unlink()
    server.secret_file("tls", "tls.crt", later.certificate)
    server.secret_file("tls", "tls.key", later.key)
    server.authority.write_text(first.authority)
    server.prepare()
    server.start()
    granted(server)
    assert ask(login(server), ENCRYPTED).stdout == "t\n"


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return clients of three languages, each as its command."""
    folder = tmp_path_factory.mktemp("clients")
    found = {"psycopg": [sys.executable, str(CLIENTS / "python.py")]}
    if shutil.which("npm"):
        node = shutil.copytree(CLIENTS / "node", folder / "node")
        newer.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], node)
        found["node-postgres"] = ["node", str(node / "client.js")]
    if shutil.which("go"):
        newer.run(["go", "build", "-o", str(folder / "pgx"), "."], CLIENTS / "go")
        found["pgx"] = [str(folder / "pgx")]
    return found


@pytest.mark.parametrize("driver", ["psycopg", "node-postgres", "pgx"])
def test_a_driver_verifies_the_server_by_what_the_program_sets_and_by_nothing_else(
    server: Server, programs: dict[str, list[str]], driver: str, tmp_path: Path
) -> None:
    if driver not in programs:
        pytest.skip(f"no npm or go here for {driver}")
    given = login(server)
    contract = {
        "PATH": os.environ["PATH"],
        "DB_HOST": given["PGHOST"],
        "DB_PORT": given["PGPORT"],
        "DB_NAME": given["PGDATABASE"],
        "DB_USER": given["PGUSER"],
        "DB_PASSWORD": given["PGPASSWORD"],
        **{name: given[name] for name in ("PGSSLMODE", "PGSSLROOTCERT", "NODE_EXTRA_CA_CERTS")},
    }
    done = _client(programs[driver], contract)
    assert (done.returncode, done.stdout) == (0, done.stdout), done.stderr
    assert done.stdout.lower().split()[0] == "true"

    other = tmp_path / "ca.crt"
    other.write_text(authority.issue("another secret", ["localhost"], 2026).authority)
    elsewhere = {**contract, "PGSSLROOTCERT": str(other), "NODE_EXTRA_CA_CERTS": str(other)}
    refused = _client(programs[driver], elsewhere)
    assert refused.returncode != 0
    assert "certificate" in refused.stderr.lower()


def _client(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a client of the test's own
        command, env=env, capture_output=True, text=True, check=False, timeout=60
    )
