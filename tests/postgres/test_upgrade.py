"""Upgrades of a standalone server's data to newer majors by its own scripts, with real servers of both."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from components.postgres import roles

from . import newer
from .conftest import Make
from .server import LOGIN_PASSWORD, Server, ask, granted, programs

Change = Callable[[Server], object]
_MAJOR = 17
_UNFINISHED = ("upgrade.unfinished", "initdb.unfinished.upgraded", "pgdata.upgraded")
# All that an application and its operator may have made: what a dump could lose, or order wrongly.
_ORDERS = """
CREATE TYPE state AS ENUM ('new', 'paid');
CREATE DOMAIN price AS numeric(8, 2) CHECK (VALUE >= 0);
CREATE TABLE dishes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, cost price, gross numeric
    GENERATED ALWAYS AS (cost * 1.19) STORED);
INSERT INTO dishes (name, cost) SELECT 'dish ' || n, n FROM generate_series(1, 500) AS n;
CREATE TABLE orders (id bigserial, dish int REFERENCES dishes, at timestamptz DEFAULT now(), state state, note jsonb)
    PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO (1000);
CREATE TABLE orders_2 PARTITION OF orders DEFAULT;
INSERT INTO orders (dish, state, note) SELECT n % 500 + 1, 'paid', jsonb_build_object('n', n) FROM generate_series(1, 3000) AS n;
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
    if not list((newer.programs(fetched, _MAJOR).parent / "share").rglob("pg_trgm.control")):
        pytest.skip("these servers have no contrib")
    return newer.programs(fetched, _MAJOR)


class Upgraded:
    """A server's volume of before, and the pods of both images over it."""

    def __init__(self, make: Make, new: Path) -> None:
        """Make a server of the installed major with data of every kind; it does not run."""
        self.old = make()
        self.new = make(
            {"image": f"localhost/postgres:{_MAJOR}.1", "upgradeFrom": "localhost/postgres:15.1"},
            programs=new,
        )
        self.new.folder.joinpath("volume").rmdir()
        self.new.folder.joinpath("volume").symlink_to(self.old.folder / "volume")
        self.old.prepare()
        self.old.start()
        granted(self.old)
        self.old.superuser("CREATE ROLE reader; CREATE ROLE other; GRANT reader TO other")
        login = self.old.client(roles.login(self.old.settings, 1), LOGIN_PASSWORD, "orders")
        done = ask(login, _ORDERS)
        assert done.returncode == 0, done.stderr
        for statement in filter(str.strip, _SUPERUSERS.split(";")):
            self.old.superuser(statement, "orders")
        self.old.stop()

    def run(self, verb: str, *, check: bool = True, **told: str) -> subprocess.CompletedProcess[str]:
        binaries = self.new.programs
        if verb == "dump":
            assert (old := programs())
            self.new.programs = old
        try:
            return self.new.script("upgrade.sh", verb, *self.new.options(), check=check, given=told)
        finally:
            self.new.programs = binaries

    def upgrade(self) -> str:
        return "".join(self.run(verb).stdout for verb in ("offer", "dump", "load"))


@pytest.fixture(scope="module")
def upgraded(make: Make, new: Path) -> Iterator[Upgraded]:
    yield Upgraded(make, new)


def test_all_that_there_was_is_served_by_the_new_major(upgraded: Upgraded) -> None:
    said = upgraded.upgrade()
    assert "nothing differs" in said
    print(said)
    upgraded.new.prepare()
    upgraded.new.start()
    print(upgraded.new.superuser("SELECT version()", "orders"))
