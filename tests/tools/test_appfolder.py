"""A folder's own application: its Dockerfiles, or what its Compose file builds, and what is refused."""

import re
from pathlib import Path

import pytest

from tools.cli import appfolder
from tools.cluster.engine import Recipe
from tools.toolchain.errors import UserError

from .fakes import Machine

_TIERS = ("backend", "frontend")


def _compose(machine: Machine, backend: str, name: str = "docker-compose.yml") -> Path:
    machine.file("shop/api/Dockerfile")
    machine.file("shop/api/prod.Dockerfile")
    machine.file("shop/frontend/Dockerfile")
    return machine.file(
        f"shop/{name}", f"services:\n  backend:\n    build: {backend}\n  postgres: {{image: x}}\n"
    ).parent


def test_a_tier_is_built_by_its_dockerfile_which_goes_before_the_compose_file(machine: Machine) -> None:
    shop = _compose(machine, "./api")
    machine.file("shop/backend/Dockerfile")

    assert appfolder.recipes(shop, _TIERS) == {
        tier: Recipe(dockerfile=shop / tier / "Dockerfile", context=shop / tier) for tier in _TIERS
    }


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"])
def test_a_service_of_its_name_is_built_as_compose_does(machine: Machine, name: str) -> None:
    shop = _compose(machine, "./api", name)

    assert appfolder.recipes(shop, ["backend"]) == {
        "backend": Recipe(dockerfile=shop / "api" / "Dockerfile", context=shop / "api")
    }


@pytest.mark.parametrize(
    "arguments",
    [
        "{MODE: '${MODE:-live}', COST: '$$5', PORT: 8000, NODE: '$NODE', KEPT: null}",
        "['MODE=${MODE-live}', COST=$$5, PORT=8000, 'NODE=${NODE}', KEPT]",
    ],
)
def test_dockerfile_arguments_and_stage_are_as_the_service_says(machine: Machine, arguments: str) -> None:
    build = f"{{context: '$WHERE', dockerfile: prod.Dockerfile, target: run, args: {arguments}}}"
    shop = _compose(machine, build)

    found = appfolder.recipes(shop, ["backend"], {"NODE": "22", "KEPT": "yes", "WHERE": "api"})

    assert found["backend"] == Recipe(
        dockerfile=shop / "api" / "prod.Dockerfile",
        context=shop / "api",
        arguments={"MODE": "live", "COST": "$5", "PORT": "8000", "NODE": "22", "KEPT": "yes"},
        target="run",
    )


def test_a_folder_without_dockerfiles_is_refused_with_what_was_looked_for(machine: Machine) -> None:
    shop = machine.file("shop/README.md").parent

    with pytest.raises(UserError, match="in which nothing builds backend and frontend") as caught:
        appfolder.recipes(shop, _TIERS)
    for looked in (f"{shop}/backend/Dockerfile", f"{shop}/frontend/Dockerfile", "docker-compose.yml"):
        assert looked in caught.value.found
    assert f"make up APP={shop} BACKEND_IMAGE=… FRONTEND_IMAGE=…" in caught.value.fix


def test_a_compose_file_that_builds_no_such_service_is_named(machine: Machine) -> None:
    shop = _compose(machine, "./api")
    (shop / "frontend" / "Dockerfile").unlink()

    with pytest.raises(
        UserError, match=r"a service frontend with `build` in \S+/docker-compose.yml"
    ) as caught:
        appfolder.recipes(shop, _TIERS)
    assert "backend/Dockerfile" not in caught.value.found


def test_a_folder_that_is_not_there_is_refused(machine: Machine) -> None:
    with pytest.raises(UserError, match="there is no such folder"):
        appfolder.recipes(machine.root / "shop", _TIERS)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (
            "{context: api, dockerfile: gone.Dockerfile}",
            "gone.Dockerfile of the service backend is not there",
        ),
        ("https://github.com/shop/api.git", "Dockerfile of the service backend is not there"),
        (
            "{context: api, dockerfile_inline: FROM scratch}",
            "dockerfile_inline of the service backend is not read",
        ),
        ("{context: '${NOWHERE}'}", "$NOWHERE of the service backend is not set"),
        ("[api]", "no mapping of the service backend is not read"),
    ],
)
def test_a_service_that_would_be_built_otherwise_than_by_compose_is_refused(
    machine: Machine, build: str, said: str
) -> None:
    shop = _compose(machine, build)

    with pytest.raises(UserError, match=re.escape(said)) as caught:
        appfolder.recipes(shop, ["backend"], {})
    assert "BACKEND_IMAGE" in caught.value.fix


@pytest.mark.parametrize("text", ["", "services:", "services: {backend: x}", "{", "[]"])
def test_a_compose_file_that_cannot_be_read_is_refused(machine: Machine, text: str) -> None:
    file = machine.file("shop/compose.yaml", text)

    with pytest.raises(UserError, match="has no services that can be read") as caught:
        appfolder.recipes(file.parent, _TIERS)
    assert "docker compose --file" in caught.value.fix
