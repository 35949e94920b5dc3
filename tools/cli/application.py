"""The application that the local cluster runs: images that the user names, what a folder builds, or the demo.

Of each tier: BACKEND_IMAGE names an image, else APP a folder that builds it, else the stack's file an image,
else it is the demo's.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from components.settings.values.images import ImageError, check
from components.settings.values.tiers import OF_APPLICATION
from tools.cli import appfolder, images
from tools.cli.images import LOG, AppImages, Held
from tools.cluster import engine as engines
from tools.cluster.engine import Engine, Recipe
from tools.stacks import workspace
from tools.toolchain import cache, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

_DIGITS = 12
_LONGEST_TAG = 128
_REGISTRY_SECONDS = 30
_BUILDING = "building"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The user's choice of images, by tier: a name that was typed, a recipe, a name in the stack's file.

    `pooler` says that there is one, and that the stack's file names no image for it.
    """

    typed: Mapping[str, str] = field(default_factory=dict)
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    filed: Mapping[str, str] = field(default_factory=dict)
    pooler: bool = False

    def overrides(self, tier: str) -> bool:
        """Return whether another image is deployed than the stack's file says, or it says none."""
        return tier not in self.filed

    def found(self, carrier: Engine) -> "Application":
        """Return the application as the engine that carries the nodes, and the user's own, have it.

        Raises:
            UserError: when no engine and no registry has an image that was typed.
        """
        held, pulled = {}, {}
        for tier, reference in self.typed.items():
            has, looked = _look(reference, carrier)
            if has is None:
                _must_be_in_a_registry(f"{tier.upper()}_IMAGE", reference, carrier, looked)
                pulled[tier] = reference
            else:
                held[tier] = replace(has, name=_renamed(reference, has.id))
        carried = []
        for tier, reference in self.filed.items():
            has = None if "@" in reference else _look(reference, carrier)[0]
            carried += [replace(has, name=_whole(reference))] if has else []
            pulled[tier] = reference
        return Application(
            engine=carrier,
            held=held,
            pulled=pulled,
            recipes=self.recipes,
            filed=tuple(carried),
            pooler=self.pooler,
        )


@dataclass(frozen=True, kw_only=True)
class Application:
    """The source of each tier's image; that of a tier which is in none of these is the demo's.

    `filed` are the images in an engine that the stack's file names.
    """

    engine: Engine
    held: Mapping[str, Held]
    pulled: Mapping[str, str]
    recipes: Mapping[str, Recipe]
    filed: tuple[Held, ...] = ()
    pooler: bool = False

    @property
    def _demo(self) -> list[str]:
        return [tier for tier in OF_APPLICATION if not {tier} & {*self.held, *self.pulled, *self.recipes}]

    def named(self) -> AppImages | None:
        """Return the images' names, where they are known before anything is built."""
        return None if self.recipes else self._with(images.named(self.engine, pooler=self.pooler), {})

    def build(self, step: Step) -> AppImages:
        """Return the images, built now where they are not there."""
        demo = images.build(self.engine, step, self._demo, pooler=self.pooler)
        return self._with(
            demo, {tier: self._built(tier, recipe, step) for tier, recipe in self.recipes.items()}
        )

    def _with(self, demo: AppImages, built: Mapping[str, str]) -> AppImages:
        names = {**{tier: held.name for tier, held in self.held.items()}, **self.pulled, **built}
        return replace(
            demo,
            by_tier={**demo.by_tier, **names},
            held=(*self.held.values(), *self.filed),
            pulled=frozenset(self.pulled.values()),
        )

    def _built(self, tier: str, recipe: Recipe, step: Step) -> str:
        """Build a tier's image; its name follows its content, so that a change is a release."""
        step.note(f"{tier} from {recipe.context}")
        name = f"localhost/app/{tier}"
        log = cache.log(LOG)
        content = self.engine.rebuild(
            f"{name}:{_BUILDING}", recipe, log=log, each=partial(images.noted, step)
        )
        built = f"{name}:{content[:_DIGITS]}"
        self.engine.run("tag", content, built)
        self.engine.run("image", "rm", f"{name}:{_BUILDING}")
        self.engine.tidy(built)
        return built


def wanted(config: workspace.Config) -> Wanted:
    """Return what the environment and the stack's settings ask for.

    Raises:
        UserError: when APP names a folder that does not say how the tiers are built.
    """
    typed = {tier: image for tier in OF_APPLICATION if (image := os.environ.get(f"{tier.upper()}_IMAGE"))}
    folder = os.environ.get("APP")
    left = [tier for tier in OF_APPLICATION if tier not in typed]
    recipes = appfolder.recipes(Path(folder).expanduser().resolve(), left) if folder else {}
    filed = {
        tier: str(image)
        for tier in left
        if tier not in recipes and (image := workspace.section(config, tier).get("image"))
    }
    pooler = workspace.section(config, "database").get("pooler")
    return Wanted(
        typed=typed,
        recipes=recipes,
        filed=filed,
        pooler=isinstance(pooler, Mapping) and "image" not in pooler,
    )


def _look(reference: str, carrier: Engine) -> tuple[Held | None, list[str]]:
    """Return the image where the carrier or an engine of the user's has it, and which were looked at."""
    looked = []
    for called, engine in _engines(carrier):
        looked.append(called)
        # To ask Podman anything would make its store where the user has none.
        users = engine is not carrier and engine.command == "podman"
        if users and not any(map(engines.podman_holds, _local(reference))):
            continue
        if content := engine.id(reference):
            return Held(name=reference, engine=engine, id=content), looked
    return None, looked


def _engines(carrier: Engine) -> Iterator[tuple[str, Engine]]:
    whose = "of the local cluster alone" if carrier.own else "which carries the nodes"
    yield f"{carrier.command}, {whose}", carrier
    for command in ("docker", "podman"):
        if (carrier.own or carrier.command != command) and shutil.which(command):
            yield f"{command}, yours", Engine(command=command, own=False, why="")


def _must_be_in_a_registry(variable: str, reference: str, carrier: Engine, looked: list[str]) -> None:
    try:
        carrier.run("manifest", "inspect", _whole(reference), timeout=_REGISTRY_SECONDS)
    except (process.CommandError, OSError) as failure:
        said = (
            failure.tail.strip().splitlines() if isinstance(failure, process.CommandError) else [str(failure)]
        )
        raise UserError(
            f"{variable} is {reference}, which is not available\n"
            f"looked at: the images of {'; of '.join(looked)}; and its registry: {' '.join(said[-1:])}",
            "the nodes are given what an engine here has, and pull what a registry has",
            f"build it under this name: {carrier.command} build --tag {reference} FOLDER\n"
            "or have it built: make up APP=FOLDER",
        ) from failure
    try:
        check(reference)
    except ImageError as refused:
        raise UserError(
            f"{variable} is {reference}", refused.why, f"make up {variable}={refused.fix}"
        ) from refused


def _renamed(reference: str, content: str) -> str:
    """Return the name under which the nodes are given an image that was typed.

    A tag is moved with each build; this name follows the content, so that a new build is a new release, and
    `make rollback` finds the one before.
    """
    name, _, digest = reference.partition("@")
    path, _, tag = _whole(name).partition("/")[2].removeprefix("library/").partition(":")
    tag = tag or digest.removeprefix("sha256:")[:_DIGITS]
    short = content[:_DIGITS]
    return f"localhost/{path}:{f'{tag[: _LONGEST_TAG - len(short) - 1]}-' if tag else ''}{short}"


def _whole(reference: str) -> str:
    """Return the reference with its registry, as the kubelet reads it.

    See https://pkg.go.dev/github.com/distribution/reference#ParseNormalizedNamed
    """
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return reference
    return f"docker.io/{reference if slash else f'library/{reference}'}"


def _local(reference: str) -> list[str]:
    """Return the names by which Podman may have it: what has no registry is its own, or Docker's."""
    whole = _whole(reference)
    tagged = [
        name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        for name in (whole, f"localhost/{reference}")
    ]
    return list(dict.fromkeys([reference, *tagged]))
