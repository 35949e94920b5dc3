"""The pooler before a real server: who is let in, over how many connections, rotations, and its end."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from components.postgres import authority, scram

from ..harness.waiting import until
from . import poolers
from .conftest import Make
from .poolers import Running
from .server import LOGIN_PASSWORD, YEAR, Server, ask, granted

SECOND_PASSWORD = "second-login"
SIZE = 3
FIRST = {"cook_a": scram.verifier(LOGIN_PASSWORD)}
BOTH = {**FIRST, "cook_b": scram.verifier(SECOND_PASSWORD)}
# Of clients, as the superuser sees them.
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename ~ '^cook_[ab]$'"

Pool = Callable[..., Running]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if poolers.program() is None:
        pytest.skip("no PgBouncer found on PATH or in /usr/sbin")


@pytest.fixture(scope="module")
def server(make: Make) -> Server:
    """Return a server with the first login, on both loopbacks: newer resolvers know `localhost` as ::1."""
    made = make()
    made.prepare()
    made.start("-c", "listen_addresses=127.0.0.1,::1")
    granted(made)
    return made


@pytest.fixture
def pool(server: Server) -> Iterator[Pool]:
    made: list[Running] = []

    def one(logins: dict[str, str] | None = None, **given: Any) -> Running:
        made.append(Running(server=server, logins=logins or FIRST, size=SIZE, **given))
        made[-1].start()
        return made[-1]

    yield one
    for each in made:
        each.remove()


def connect(pooler: Running, user: str = "cook_a", password: str = LOGIN_PASSWORD) -> psycopg.Connection[Any]:
    """Return a client as the demo's API is one: it prepares what it repeats, where the pooler can keep it."""
    given = pooler.client(user, password)
    return psycopg.connect(
        host=given["PGHOST"],
        port=given["PGPORT"],
        dbname=given["PGDATABASE"],
        user=user,
        password=password,
        sslmode=given["PGSSLMODE"],
        sslrootcert=given["PGSSLROOTCERT"],
        autocommit=True,
        prepare_threshold=2 if poolers.version() >= poolers.PREPARES else None,
        connect_timeout=5,
    )


def test_a_password_that_the_pooler_does_not_hold_logs_in_at_the_server(server: Server, pool: Pool) -> None:
    pooler = pool()
    told = ask(pooler.client("cook_a", LOGIN_PASSWORD), "SELECT current_user, session_user")
    assert told.stdout == "cook|cook_a\n", told.stderr + pooler.log
    held = "".join(path.read_text() for path in pooler.folder.rglob("*") if path.is_file())
    assert FIRST["cook_a"] in held
    assert LOGIN_PASSWORD not in held
    assert (
        server.superuser(
            "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
            "WHERE usename = 'cook_a' AND ssl"
        )
        == "1"
    )


@pytest.mark.parametrize("user", ["cook_a", "cook_admin", "postgres", "stranger"])
def test_a_wrong_password_and_any_other_role_end_at_the_pooler(user: str, pool: Pool) -> None:
    pooler = pool()
    assert ask(pooler.client(user, "wrong"), "SELECT 1").returncode != 0
    assert "server login failed" not in pooler.log


def test_a_client_without_tls_and_one_of_another_authority_are_refused(pool: Pool, tmp_path: Any) -> None:
    pooler = pool()
    plain = ask(pooler.client("cook_a", LOGIN_PASSWORD, PGSSLMODE="disable"), "SELECT 1")
    assert "SSL required" in plain.stderr
    other = tmp_path / "ca.crt"
    other.write_text(authority.issue("another secret", ["localhost"], YEAR).authority)
    elsewhere = ask(pooler.client("cook_a", LOGIN_PASSWORD, PGSSLROOTCERT=str(other)), "SELECT 1")
    assert "certificate verify failed" in elsewhere.stderr


def test_a_server_of_another_authority_is_refused_by_the_pooler_until_its_file_is_the_servers(
    server: Server, pool: Pool
) -> None:
    pooler = pool()
    known = pooler.folder / "database" / "ca.crt"
    known.write_text(authority.issue("another secret", ["localhost"], YEAR).authority)
    refused = ask(pooler.client("cook_a", LOGIN_PASSWORD, PGCONNECT_TIMEOUT="3"), "SELECT 1")
    assert refused.returncode != 0
    assert "certificate verify failed" in pooler.log
    # An operator's renewed authority reaches the volume of a pod that runs.
    known.write_text(server.authority.read_text())
    until(
        lambda: ask(pooler.client("cook_a", LOGIN_PASSWORD), "SELECT 1").stdout == "1\n",
        within=20,
        what="the renewed authority is in force",
    )


def test_many_clients_share_as_many_connections_as_the_pool_has(server: Server, pool: Pool) -> None:
    pooler = pool()
    with ExitStack() as all_clients, ThreadPoolExecutor(20) as threads:
        clients = [all_clients.enter_context(connect(pooler)) for _ in range(40)]

        def work(client: psycopg.Connection[Any]) -> int:
            # Prepared from the third time on, and on whichever connection it meets.
            return sum(client.execute("SELECT %s::int + 1", (number,)).fetchone()[0] for number in range(20))  # type: ignore[index]

        assert list(threads.map(work, clients)) == [210] * 40
        assert server.superuser(SESSIONS) == str(SIZE)


def test_both_logins_of_a_rotation_work_and_share_the_pool_while_it_is_under_way(
    server: Server, pool: Pool
) -> None:
    granted(server, 2, SECOND_PASSWORD)
    pooler = pool(BOTH)
    with ExitStack() as all_clients, ThreadPoolExecutor(16) as threads:
        old = [all_clients.enter_context(connect(pooler)) for _ in range(8)]
        new = [all_clients.enter_context(connect(pooler, "cook_b", SECOND_PASSWORD)) for _ in range(8)]

        def called(client: psycopg.Connection[Any]) -> Any:
            return client.execute("SELECT session_user FROM pg_sleep(0.05)").fetchone()

        # Each login alone opens the whole pool, which the other one has then to make room in.
        for clients, login in ((old, "cook_a"), (new, "cook_b"), (old, "cook_a")):
            assert list(threads.map(called, clients)) == [(login,)] * 8
            assert int(server.superuser(SESSIONS)) <= SIZE
        assert {login for (login,) in threads.map(called, [*old, *new])} == {"cook_a", "cook_b"}


def test_a_pooler_that_ends_serves_its_clients_until_they_have_left(pool: Pool) -> None:
    pooler = pool()
    with connect(pooler) as client:
        drain = pooler.drain()
        for _ in range(20):
            assert client.execute("SELECT 1").fetchone() == (1,)
        assert not pooler.ended()
    until(pooler.ended, within=20, what="the pooler ends after its last client")
    drain.kill()
    drain.wait(timeout=10)


def test_a_client_that_stays_has_its_transaction_to_the_end_and_no_other(pool: Pool) -> None:
    pooler = pool(drain_seconds=1)
    with connect(pooler) as client, connect(pooler) as idle:
        with client.transaction():
            client.execute("CREATE TABLE written (at timestamptz)")
            drain = pooler.drain()
            until(lambda: "SIGINT" in pooler.log, within=20, what="the pooler is told to end")
            client.execute("INSERT INTO written VALUES (now())")
        until(pooler.ended, within=20, what="the pooler ends after the transaction")
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")
    drain.kill()
    drain.wait(timeout=10)
    again = pool()
    assert ask(again.client("cook_a", LOGIN_PASSWORD), "SELECT count(*) FROM written").stdout == "1\n"
