"""Fixtures: servers on loopback, each in a folder of its own."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.postgres import roles, scram
from components.settings.model.database import Database

from .server import ADMIN_PASSWORD, Server, programs

Make = Callable[..., Server]
LOGIN_PASSWORD = "first-login"


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


def granted(server: Server, rotation: int = 1, password: str = LOGIN_PASSWORD, **given: str) -> None:
    """Do what the Job of this rotation does, as it is given it."""
    settings = server.settings
    server.job(
        "grant",
        server.client(
            roles.admin(settings),
            ADMIN_PASSWORD,
            DB_NAME=settings.name,
            DB_OWNER=settings.user,
            DB_LOGIN=roles.login(settings, rotation),
            DB_VERIFIER=scram.verifier(password),
            **given,
        ),
    )


@pytest.fixture(scope="module")
def server(make: Make) -> Server:
    """Return a server with the first login."""
    made = make()
    made.prepare()
    made.start()
    granted(made)
    return made
