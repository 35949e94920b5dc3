"""Upgrades of a standalone server's data to a newer major by its own scripts, with real servers of both."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.postgres import roles

from ..harness.waiting import until
from . import newer
from .conftest import Make
from .server import LOGIN_PASSWORD, Server, ask, granted, programs

_MAJOR = max(17, int(os.environ.get("MAJORS", "17").split(",")[-1]))
_UNFINISHED = ("upgrade.unfinished", "initdb.unfinished.upgraded", "pgdata.upgraded")
_OFFER, _DUMP, _LOAD = _VERBS = ("offer", "dump", "load")
_COUNT = "SELECT (SELECT count(*) FROM orders) || ' ' || (SELECT sum(cost) FROM dishes)"
# All that an application and its operator may have made: what a dump could lose, or order wrongly.
_ORDERS = """
CREATE TYPE state AS ENUM ('new', 'paid');
CREATE DOMAIN price AS numeric(8, 2) CHECK (VALUE >= 0);
CREATE TABLE dishes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, cost price,
    gross numeric GENERATED ALWAYS AS (cost * 1.19) STORED);
INSERT INTO dishes (name, cost) SELECT 'dish ' || n, n FROM generate_series(1, 500) AS n;
CREATE TABLE orders (id bigserial, dish int REFERENCES dishes, at timestamptz DEFAULT now(), state state,
    note jsonb) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO (1000);
CREATE TABLE orders_2 PARTITION OF orders DEFAULT;
INSERT INTO orders (dish, state, note)
    SELECT n % 500 + 1, 'paid', jsonb_build_object('n', n) FROM generate_series(1, 3000) AS n;
CREATE UNLOGGED TABLE baskets AS SELECT n FROM generate_series(1, 7) AS n;
CREATE TABLE "Odd ""name|" ("the row" text, price float8);
INSERT INTO "Odd ""name|" VALUES (E'a|b\\n\\\\', 0.1), (NULL, 'NaN');
CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';
CREATE MATERIALIZED VIEW sums AS SELECT dish, count(*) FROM orders GROUP BY dish;
CREATE FUNCTION total() RETURNS numeric LANGUAGE sql AS 'SELECT sum(cost) FROM dishes';
GRANT SELECT ON dishes TO reader;
GRANT SELECT (name) ON dishes TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;
"""
_SUPERUSERS = """
SELECT lo_from_bytea(0, repeat('x', 5000)::bytea);
CREATE EXTENSION pg_trgm;
CREATE INDEX dishes_trgm ON dishes USING gin (name gin_trgm_ops);
CREATE COLLATION loose (provider = libc, locale = 'C.UTF-8');
ALTER DATABASE orders SET statement_timeout = '55s';
ALTER ROLE cook_a IN DATABASE orders SET work_mem = '5MB';
ALTER SYSTEM SET log_min_duration_statement = '2s';
"""


@pytest.fixture(scope="module")
def new(fetched: Path) -> Path:
    return newer.programs(fetched, _MAJOR)


class Pods:
    """A volume, and what the pods of both images do with it."""

    def __init__(self, make: Make, new: Path) -> None:
        """Make a server of the installed major with data of every kind; it does not run."""
        found = programs()
        assert found
        self._programs = found
        self.old = make()
        images = {"image": f"localhost/postgres:{_MAJOR}.1", "upgradeFrom": "localhost/postgres:15.1"}
        self.new = make(images, programs=new)
        self.volume = self.old.folder / "volume"
        (self.new.folder / "volume").rmdir()
        (self.new.folder / "volume").symlink_to(self.volume)
        self.old.prepare()
        self.old.start()
        granted(self.old)
        self.old.superuser("CREATE ROLE reader; CREATE ROLE other; GRANT reader TO other")
        done = ask(self.login(self.old), _ORDERS)
        assert done.returncode == 0, done.stderr
        for statement in filter(str.strip, _SUPERUSERS.split(";")):
            self.old.superuser(statement, "orders")
        # Another database, whose clients may neither write nor take long.
        self.old.superuser("CREATE DATABASE archive")
        self.old.superuser("CREATE TABLE kept AS SELECT * FROM generate_series(1, 20000)", "archive")
        self.old.superuser("ALTER DATABASE archive SET default_transaction_read_only = on")
        self.old.superuser("ALTER DATABASE archive SET statement_timeout = '1ms'")
        self.stop()
        self._kept = self.old.folder / "kept"
        self._copy(self.volume, self._kept)

    def reset(self) -> None:
        self.stop()
        shutil.rmtree(self.volume)
        self._copy(self._kept, self.volume)

    def stop(self) -> None:
        self.new.stop()
        self.old.stop()

    def _copy(self, source: Path, target: Path) -> None:
        subprocess.run(["cp", "--archive", str(source), str(target)], check=True)  # noqa: S603, S607 - coreutils

    def login(self, server: Server) -> dict[str, str]:
        return server.client(roles.login(server.settings, 1), LOGIN_PASSWORD, "orders")

    def run(self, verb: str, *, check: bool = True, **told: str) -> subprocess.CompletedProcess[str]:
        """Run one of the init containers."""
        given = {"PATH": self.path(verb), **told}
        return self.new.script("upgrade.sh", verb, *self.new.options(), check=check, given=given)

    def path(self, verb: str) -> str:
        # A client of the old major speaks to the new server, too, where there is none of its own.
        first = [] if verb == _DUMP else [str(self.new.programs)]
        return os.pathsep.join([*first, str(self._programs), os.environ["PATH"]])

    def upgrade(self, verbs: tuple[str, ...] = _VERBS) -> str:
        return "".join(self.run(verb).stdout for verb in verbs)

    def cut(self, verb: str, program: str, call: int) -> None:
        """Kill an init container with all of its processes at its so manieth call of a program."""
        real = shutil.which(program, path=self.path(verb))
        assert real
        folder = self.new.folder / "cut"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        folder.chmod(0o777)
        shim = folder / program
        shim.write_text(
            f'#!/bin/sh\necho >>{folder}/calls\n[ "$(wc -l <{folder}/calls)" -ne {call} ] || kill -9 0\n'
            f'exec {real} "$@"\n'
        )
        shim.chmod(0o755)
        done = self.new.script(
            "upgrade.sh",
            verb,
            *self.new.options(),
            check=False,
            given={"PATH": f"{folder}:{self.path(verb)}"},
            start_new_session=True,
        )
        assert done.returncode == -9, done.stdout + done.stderr

    def counted(self, server: Server) -> str:
        return server.superuser(_COUNT, "orders")

    def left(self) -> list[str]:
        return sorted(each.name for each in self.volume.iterdir())


@pytest.fixture(scope="module")
def made(make: Make, new: Path) -> Pods:
    return Pods(make, new)


@pytest.fixture
def pods(made: Pods) -> Iterator[Pods]:
    made.reset()
    yield made
    made.stop()


def test_all_that_there_was_is_served_by_the_new_major_and_the_way_back_leads_to_it(pods: Pods) -> None:
    said = pods.upgrade()
    assert re.search(r"6 tables compared, and \d+ facts: nothing differs", said), said
    assert pods.left() == ["pgdata", "pgdata-15"]
    new = pods.new
    assert new.prepare().stdout.count("initialised") == 0
    new.start()
    assert new.superuser("SHOW server_version").startswith(f"{_MAJOR}.")
    assert pods.counted(new) == "3000 125250.00"
    assert new.superuser("SELECT count(*) FROM dishes WHERE name % 'dish 77'", "orders") != "0"
    assert new.superuser("SHOW log_min_duration_statement") == "2s"
    assert new.superuser("SHOW data_checksums") == "on"
    # As the application: its password, its settings, its rights, and numbers that go on.
    who = pods.login(new)
    done = ask(who, "INSERT INTO orders (dish) VALUES (1) RETURNING id, current_user")
    assert done.stdout.split() == ["3001|cook"], done.stderr
    assert ask(who, "SHOW work_mem").stdout.strip() == "5MB"
    assert ask(who, "SHOW statement_timeout").stdout.strip() == "55s"
    granted(new)
    # Again nothing is done, as long as the setting stays.
    new.stop()
    assert pods.upgrade() == ""
    _undone(pods)


def _undone(pods: Pods) -> None:
    """Serve what was kept, and after it what came since, as far as it is given the consent."""
    refused = pods.old.prepare(check=False)
    assert refused.returncode == 1
    assert f"is PostgreSQL {_MAJOR}'s, and the image is PostgreSQL 15" in refused.stderr
    assert "feastflow:database.undoUpgrade to true" in refused.stderr
    assert pods.left() == ["pgdata", "pgdata-15"]
    assert "is served again" in pods.old.prepare(UNDO_UPGRADE="yes").stdout
    pods.old.start()
    assert pods.counted(pods.old) == "3000 125250.00"
    assert ask(pods.login(pods.old), "INSERT INTO orders (dish) VALUES (1)").returncode == 0
    assert pods.left() == ["pgdata", f"pgdata-{_MAJOR}"]
    pods.old.stop()
    # The consent that is left in place undoes nothing twice.
    pods.old.prepare(UNDO_UPGRADE="yes")
    assert pods.left() == ["pgdata", f"pgdata-{_MAJOR}"]


_CUTS = (
    (_OFFER, "initdb", 1),
    (_DUMP, "pg_dumpall", 1),
    (_DUMP, "pg_dump", 2),
    (_DUMP, "mv", 1),
    (_LOAD, "initdb", 1),
    (_LOAD, "pg_restore", 2),
    (_LOAD, "diff", 1),
    (_LOAD, "mv", 1),
    (_LOAD, "mv", 2),
    (_LOAD, "mv", 2),
)
_SOME = ((_DUMP, "pg_dump", 2), (_LOAD, "pg_restore", 2), (_LOAD, "mv", 3))


def test_an_upgrade_that_is_cut_off_goes_on_where_it_was_or_begins_that_step_over(pods: Pods) -> None:
    last = None
    for verb, program, call in _CUTS if os.environ.get("CUTS") == "all" else _SOME:
        for done in _VERBS[: _VERBS.index(verb)] if verb != last else ():
            pods.upgrade((done,))
        last = verb
        pods.cut(verb, program, call)
        # The data directory is that of before, or that of after, or neither yet; never a part of one.
        version = pods.volume / "pgdata" / "PG_VERSION"
        assert not version.exists() or version.read_text() in ("15\n", f"{_MAJOR}\n")
        # Processes of another container would have ended with it.
        until(lambda: not _servers(pods), within=30, what="the killed servers have ended")
    pods.new.prepare(check=False)
    pods.upgrade()
    pods.new.prepare()
    pods.new.start()
    assert pods.counted(pods.new) == "3000 125250.00"
    assert pods.left() == ["pgdata", "pgdata-15"]


def _servers(pods: Pods) -> list[Path]:
    """Return the locks of servers whose processes are there, as zombies too."""
    found = []
    for lock in pods.volume.glob("*/postmaster.pid"):
        number = lock.read_text().partition("\n")[0]
        if Path("/proc", number).exists():
            found.append(lock)
    return found


def test_what_cannot_be_carried_over_is_refused_before_anything_is_changed(pods: Pods) -> None:
    """Each is put right after its refusal, as the refusal says, until the upgrade is let through."""
    pods.old.start()
    pods.old.superuser("ALTER SYSTEM SET max_prepared_transactions = 2")
    pods.old.stop()
    pods.old.start()
    for statement, database in _TROUBLES:
        pods.old.superuser(statement, database)
    pods.old.stop()
    pods.upgrade((_OFFER,))
    for said, fix, database in _REPAIRS:
        before = (pods.volume / "pgdata" / "base" / "1" / "PG_VERSION").stat().st_mtime_ns
        done = pods.run(_DUMP, check=False, **({"PATH": _small(pods)} if "MiB" in said else {}))
        assert said in done.stderr, done.stderr
        assert re.search(r"error: .+\n  matters: .+\n  do this: .+", done.stderr)
        assert len(done.stderr) < 2048
        assert pods.run(_LOAD, check=False).returncode == 1
        assert (pods.volume / "pgdata" / "base" / "1" / "PG_VERSION").stat().st_mtime_ns == before
        if fix:
            pods.old.start()
            pods.old.superuser(fix, database)
            pods.old.stop()
    pods.upgrade()
    pods.new.start()
    assert pods.counted(pods.new) == "3000 125250.00"
    assert "closed |=' one" in pods.new.superuser("SELECT datname FROM pg_database").splitlines()


_TROUBLES = (
    ("BEGIN; CREATE TABLE held (); PREPARE TRANSACTION 'held'", "orders"),
    ("SELECT pg_create_physical_replication_slot('follower', true)", "postgres"),
    ('CREATE DATABASE "closed |=\' one" ALLOW_CONNECTIONS false', "postgres"),
    ("CREATE EXTENSION adminpack", "orders"),
    ('CREATE TABLE sorted (name text COLLATE "C.utf8")', "orders"),
)
_REPAIRS = (
    ("prepared transactions: held", "ROLLBACK PREPARED 'held'", "orders"),
    ("replication slots: follower", "SELECT pg_drop_replication_slot('follower')", "postgres"),
    (
        "take no connections: closed |=' one",
        'ALTER DATABASE "closed |=\' one" ALLOW_CONNECTIONS true',
        "postgres",
    ),
    ("lacks what the data needs: the extension adminpack", "DROP EXTENSION adminpack", "orders"),
    ("the volume has 100 MiB free", "", ""),
)


def _small(pods: Pods) -> str:
    """Return a PATH by which the volume seems to be full."""
    folder = pods.old.folder / "small"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    (folder / "df").write_text("#!/bin/sh\nprintf 'a\\n/dev/x 2048 1948 100 95%% /data\\n'\n")
    (folder / "df").chmod(0o755)
    return os.pathsep.join([str(folder), pods.path(_DUMP)])


def test_a_dump_is_of_the_server_that_wrote_the_data(pods: Pods) -> None:
    pods.upgrade((_OFFER,))
    done = pods.run(_DUMP, check=False, PATH=pods.path(_LOAD))
    assert f"the image of feastflow:database.upgradeFrom is PostgreSQL {_MAJOR}" in done.stderr
    assert "upgradeFrom to an image of PostgreSQL 15" in done.stderr


def test_data_that_was_written_after_a_dump_is_dumped_again(pods: Pods) -> None:
    """An update was taken back halfway, and is made again later."""
    pods.upgrade((_OFFER, _DUMP))
    pods.old.start()
    assert ask(pods.login(pods.old), "INSERT INTO orders (dish) VALUES (1)").returncode == 0
    pods.old.stop()
    assert "older than the data" in pods.run(_LOAD, check=False).stderr
    facts = pods.volume / "upgrade.unfinished" / "facts"
    assert "orders: rows|public|orders_2|2001|" in facts.read_text()
    pods.upgrade((_DUMP,))
    assert "orders: rows|public|orders_2|2002|" in facts.read_text()
    # The server of before needs none of it.
    pods.old.prepare()
    assert pods.left() == ["pgdata"]


def test_a_load_that_would_not_be_what_was_there_is_refused(pods: Pods) -> None:
    pods.upgrade((_OFFER, _DUMP))
    settings = pods.volume / "pgdata" / "postgresql.conf"
    text = settings.read_text()
    settings.write_text(f"{text}\nvacuum_defer_cleanup_age = 3\n")
    done = pods.run(_LOAD, check=False)
    assert "the new server does not start with the settings of before" in done.stderr
    assert "vacuum_defer_cleanup_age" in done.stderr
    settings.write_text(text)
    facts = pods.volume / "upgrade.unfinished" / "facts"
    told = facts.read_text()
    assert "orders: rows|public|dishes|500|" in told
    facts.write_text(told.replace("dishes|500|", "dishes|501|"))
    done = pods.run(_LOAD, check=False)
    assert "the loaded data is not the data of before" in done.stderr
    assert "dishes|501|" in done.stderr
    assert pods.left() == ["initdb.unfinished.upgraded", "pgdata", "upgrade.unfinished"]
    assert (pods.volume / "pgdata" / "PG_VERSION").read_text() == "15\n"


def test_what_is_kept_is_never_written_over(pods: Pods) -> None:
    (pods.volume / "pgdata-15").mkdir()
    done = pods.run(_OFFER, check=False)
    assert "there is data of PostgreSQL 15 of before in" in done.stderr
    assert "kubectl exec postgres-0 -c postgres -- rm -rf" in done.stderr
