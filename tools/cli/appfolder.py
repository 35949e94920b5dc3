"""The build of the application in a folder: `backend/Dockerfile`, or a service of its Compose file."""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.cluster.engine import Recipe
from tools.toolchain.errors import UserError

_DOCKERFILE = "Dockerfile"
# In the order in which Compose looks for them.
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
# What changes the image and is not read here; of the rest, caches, labels and platforms do not matter.
_UNREAD = ("additional_contexts", "dockerfile_inline", "entitlements", "secrets", "ssh")
# https://docs.docker.com/reference/compose-file/interpolation/
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<plain>\w+)|\{(?P<name>\w+)(?:(?P<unless>:?-)(?P<otherwise>[^}]*))?\})"
)


def recipes(
    folder: Path, tiers: Collection[str], environ: Mapping[str, str] | None = None
) -> dict[str, Recipe]:
    """Return how each of the tiers is built.

    Raises:
        UserError: when there is no such folder, or nothing in it says how a tier is built.
    """
    if not folder.is_dir():
        raise UserError(
            f"APP is {folder}, and there is no such folder",
            "it holds the application that is built for the local cluster",
            "name a folder with backend/Dockerfile and frontend/Dockerfile: make up APP=../my-application",
        )
    services = _services(folder)
    environ = os.environ if environ is None else environ
    found, missing = {}, []
    for tier in tiers:
        dockerfile = folder / tier / _DOCKERFILE
        build = services.get(tier, {}).get("build")
        if dockerfile.is_file():
            found[tier] = Recipe(dockerfile=dockerfile, context=dockerfile.parent)
        elif build is not None:
            found[tier] = _recipe(folder, tier, build, environ)
        else:
            missing.append(tier)
    if missing:
        raise _refused(folder, missing)
    return found


def _refused(folder: Path, missing: list[str]) -> UserError:
    looked = [f"{folder / tier / _DOCKERFILE}" for tier in missing]
    compose = _compose(folder)
    services = " and ".join(missing)
    looked.append(
        f"a service {services} with `build` in {compose}" if compose else f"{folder}/{{{','.join(_COMPOSE)}}}"
    )
    return UserError(
        f"APP is {folder}, in which nothing builds {services}\nlooked for: {'; '.join(looked)}",
        "each tier is built by its Dockerfile, or as a service of its name in the Compose file says",
        "add what was looked for; or name an image of the tier: "
        + " ".join(["make up", f"APP={folder}", *(f"{tier.upper()}_IMAGE=…" for tier in missing)]),
    )


def _compose(folder: Path) -> Path | None:
    return next((folder / name for name in _COMPOSE if (folder / name).is_file()), None)


def _services(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    path = _compose(folder)
    if path is None:
        return {}
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        services = {str(name): dict(service or {}) for name, service in document["services"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise UserError(
            f"{path} has no services that can be read",
            "it says how the application in APP is built",
            f"see what is wrong with it: docker compose --file {path} config",
        ) from error
    return services


def _recipe(folder: Path, tier: str, build: object, environ: Mapping[str, str]) -> Recipe:
    """Return the recipe in a service's `build`: a folder, or a mapping."""
    if isinstance(build, str):
        build = {"context": build}
    unread = [key for key in _UNREAD if isinstance(build, dict) and build.get(key)]
    if not isinstance(build, dict) or unread:
        raise _unclear(folder, tier, ", ".join(unread) or "no mapping", "is not read here")

    def text(value: object) -> str:
        return _VARIABLE.sub(lambda match: _expanded(folder, tier, match, environ), str(value))

    context = folder / Path(text(build.get("context", "."))).expanduser()
    dockerfile = context / text(build.get("dockerfile", _DOCKERFILE))
    if not dockerfile.is_file():
        raise _unclear(folder, tier, str(dockerfile), "is not there")
    given = build.get("args") or {}
    pairs = (
        given.items()
        if isinstance(given, dict)
        else [
            (name, value if equals else None)
            for name, equals, value in (str(each).partition("=") for each in given)
        ]
    )
    arguments = {
        str(name): environ.get(str(name), "") if value is None else text(value) for name, value in pairs
    }
    return Recipe(
        dockerfile=dockerfile, context=context, arguments=arguments, target=text(build.get("target") or "")
    )


def _expanded(folder: Path, tier: str, match: re.Match[str], environ: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    name = match["plain"] or match["name"]
    value = environ.get(name)
    if match["unless"] and (value is None or (not value and match["unless"] == ":-")):
        return match["otherwise"]
    if value is None:
        raise _unclear(folder, tier, f"${name}", "is not set")
    return value


def _unclear(folder: Path, tier: str, what: str, why: str) -> UserError:
    return UserError(
        f"{_compose(folder)}: {what} of the service {tier} {why}",
        "the image would be another one than Compose builds",
        f"build it yourself and name it: make up {tier.upper()}_IMAGE=…",
    )
