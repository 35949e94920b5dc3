"""Fixtures: servers on loopback, each in a folder of its own."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.settings.model.database import Database

from ..state import cloud
from . import world as worlds
from .server import Server, granted, programs
from .world import World

Make = Callable[..., Server]


@pytest.fixture(scope="session")
def binaries() -> Path:
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL found: initdb is not in /usr/lib/postgresql/*/bin")
    return found


@pytest.fixture(scope="module")
def make(binaries: Path) -> Iterator[Make]:
    """Make servers that end with the module; none of them runs yet."""
    made: list[Server] = []

    def one(wanted: Mapping[str, object] | None = None, **given: Any) -> Server:
        # The folders of pytest are closed to other users.
        folder = Path(tempfile.mkdtemp(prefix="feastflow-pg-"))
        folder.chmod(0o755)
        major = int(next(part for part in binaries.parts[::-1] if part.isdigit()))
        settings = Database.model_validate(
            {"image": f"localhost/postgres:{major}.1", "user": "cook", "name": "orders", **(wanted or {})},
            by_alias=True,
        )
        made.append(Server(folder=folder, programs=binaries, settings=settings, **given))
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
