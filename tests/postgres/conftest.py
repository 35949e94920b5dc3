"""Fixtures: servers on loopback, each in a folder of its own; of every major where a module asks for that."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.settings.model.database import Database

from ..state import cloud
from . import newer
from . import world as worlds
from .server import Server, granted, programs
from .world import World

Make = Callable[..., Server]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have the tests of a module with this mark run on newer majors, too: the newest, or those of MAJORS."""
    if metafunc.definition.get_closest_marker("every_major"):
        wanted = os.environ.get("MAJORS")
        majors = [int(each) for each in wanted.split(",")] if wanted else [None, newer.MAJORS[-1]]
        metafunc.parametrize("binaries", majors, indirect=True, scope="session", ids=_shown)


def _shown(major: int | None) -> str:
    return f"postgresql-{major}" if major else "installed"


@pytest.fixture(scope="session")
def fetched() -> Iterator[Path]:
    """Yield a folder with the servers of the newer majors."""
    if lacking := newer.missing():
        pytest.skip(f"no PostgreSQL {', '.join(map(str, newer.MAJORS))}: {lacking}")
    folder = Path(tempfile.mkdtemp(prefix="feastflow-pg-"))
    folder.chmod(0o755)
    try:
        newer.install(folder)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def binaries(request: pytest.FixtureRequest) -> Path:
    """Return the programs of the major that is asked for, of the installed one otherwise."""
    if major := getattr(request, "param", None):
        folder: Path = request.getfixturevalue("fetched")
        return newer.programs(folder, major)
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL found: initdb is not in /usr/lib/postgresql/*/bin")
    return found


def _major(binaries: Path) -> int:
    told = subprocess.run(  # noqa: S603 - the server that is tested
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    (found,) = re.findall(r" (\d+)\.", told)[:1]
    return int(found)


@pytest.fixture(scope="module")
def make(binaries: Path) -> Iterator[Make]:
    """Make servers that end with the module; none of them runs yet."""
    made: list[Server] = []
    major = _major(binaries)

    def one(wanted: Mapping[str, object] | None = None, **given: Any) -> Server:
        # The folders of pytest are closed to other users.
        folder = Path(tempfile.mkdtemp(prefix="feastflow-pg-"))
        folder.chmod(0o755)
        settings = Database.model_validate(
            {"image": f"localhost/postgres:{major}.1", "user": "cook", "name": "orders", **(wanted or {})},
            by_alias=True,
        )
        made.append(Server(**{"folder": folder, "programs": binaries, "settings": settings, **given}))
        return made[-1]

    yield one
    for each in made:
        each.remove()


@pytest.fixture(scope="module")
def server(make: Make) -> Server:
    """Return a server with the first login."""
    made = make()
    made.prepare()
    made.start()
    granted(made)
    return made


@pytest.fixture(scope="session")
def tools() -> Iterator[Path]:
    with worlds.unpacked() as folder:
        yield folder


@pytest.fixture(scope="module")
def world(make: Make, tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with cloud.running(tmp_path_factory.mktemp("store") / "log") as store:
        made = World(make=make, tools=tools, store=store)
        made.client.create_bucket(Bucket=worlds.BUCKET)
        yield made
