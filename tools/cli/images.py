"""The tiers' images: the demo's or Debian's, built here, and any others that local nodes are given."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from components.settings.values.tiers import OF_APPLICATION, TIERS, TierFacts
from tools.cluster import nodeimage, programs, transport
from tools.cluster.engine import Engine
from tools.toolchain import cache
from tools.toolchain.console import Step

if TYPE_CHECKING:
    from tools.cluster.handle import Cluster  # needs a package, and `make clean-cache` must do without

_ROOT = Path(__file__).parents[2]
_BASES = Path(__file__).parent / "images"
_DEMO = _ROOT / "demo"
LOG = "image-application"
TITLES = ", ".join(tier.title for tier in TIERS)
CARRIED = " and ".join(TITLES.rsplit(", ", 1)) + " are on the nodes"
_CACHES = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
_IGNORED = {"tests", "node_modules", ".next", "next-env.d.ts", "tsconfig.tsbuildinfo", *_CACHES}


@dataclass(frozen=True, kw_only=True)
class Held:
    """An image that an engine has by this id, and the name under which the nodes are given it."""

    name: str
    engine: Engine
    id: str


@dataclass(frozen=True, kw_only=True)
class AppImages:
    """References to deploy, by tier. A tier whose own default can be pulled has none.

    `held` are those that an engine has under another name, or that another engine has than the cluster's;
    `pulled` those that the nodes pull. `pooler` is that of the database's pooler, where it was built here.
    """

    by_tier: Mapping[str, str]
    pooler: str | None = None
    held: tuple[Held, ...] = ()
    pulled: frozenset[str] = frozenset()

    def all(self) -> list[str]:
        """Return every image that must be carried to the nodes."""
        every = dict.fromkeys([*self.by_tier.values(), *([self.pooler] if self.pooler else [])])
        return [image for image in every if image not in self.pulled]


@dataclass(frozen=True, kw_only=True)
class _Base:
    """An image that takes an official one's place; built only with the own engine.

    `under` are those that it takes files from, by the argument of its Dockerfile; `copied` what it copies of
    the folder of Dockerfiles.
    """

    file: str
    under: Mapping[str, _Base] = field(default_factory=dict)
    copied: tuple[str, ...] = ()
    # CloudNativePG learns from the tag which PostgreSQL it is; and it is shown.
    version: str = ""

    def name(self) -> str:
        """Return a reference that follows everything in the image but Debian's updates."""
        name = self.file.removesuffix(".Dockerfile")
        under = [base.name() for base in self.under.values()]
        copied = [_BASES / path for path in self.copied]
        content = cache.key(nodeimage.debian_name(), _BASES / self.file, *under, *copied)
        return f"localhost/feastflow/{name}:{'-'.join(filter(None, (self.version, content)))}"

    def ensure(self, engine: Engine, step: Step) -> str:
        """Return the reference, built now when it is not there."""
        debian = nodeimage.debian(engine, step)
        under = {name: base.ensure(engine, step) for name, base in self.under.items()}
        step.note(f"the base {self.file.removesuffix('.Dockerfile')}")
        engine.build(
            self.name(),
            dockerfile=_BASES / self.file,
            context=_BASES,
            arguments={"BASE_IMAGE": debian, **under},
            log=cache.log(LOG),
        )
        return self.name()


_PYTHON = _Base(file="python.Dockerfile")
_NPM = _Base(file="npm.Dockerfile", copied=("node/package.json", "node/package-lock.json"))
_NODE = _Base(file="nodejs.Dockerfile", under={"NPM_IMAGE": _NPM})
_BASES_OF: Mapping[str, Mapping[str, _Base]] = {
    "backend": {"BASE_IMAGE": _PYTHON},
    "frontend": {"BASE_IMAGE": _NODE, "BUILD_IMAGE": _NPM},
}
_POOLER = _Base(file="pgbouncer.Dockerfile", copied=("pgbouncer.sh",), version="1.24")
_VERSIONS = {"database": "15"}
_COPIED = {"database": ("barman.txt",)}


def named(engine: Engine, *, pooler: bool = False) -> AppImages:
    """Return the names of the application's images, which follow what is in them; nothing is built.

    A tier that runs an image of others has one of Debian's packages, where those cannot be pulled; so has the
    `pooler`, where there is one.
    """
    found = {}
    for tier in TIERS:
        if tier.of_application:
            found[tier.name] = _name(tier.name, engine)
        elif engine.own:
            found[tier.name] = _stand_in(tier).name()
    return AppImages(by_tier=found, pooler=_POOLER.name() if pooler and engine.own else None)


def bases(engine: Engine) -> list[str]:
    """Return the names of the images under the application's."""
    if not engine.own:
        return []
    named = [base.name() for bases in _BASES_OF.values() for base in bases.values()]
    return [nodeimage.debian_name(), *named]


def build(
    engine: Engine, step: Step, tiers: Collection[str] = OF_APPLICATION, *, pooler: bool = False
) -> AppImages:
    """Return the demo's images, under names that follow their content; what is there is not built again.

    Those of other than these `tiers` are only named. That of a `pooler` is built where there is one.
    """
    images = named(engine, pooler=pooler)
    built = False
    for tier in OF_APPLICATION:
        image = images.by_tier[tier]
        if tier not in tiers or engine.has("image", "inspect", image):
            continue
        arguments = {name: base.ensure(engine, step) for name, base in _bases_of(tier, engine).items()}
        step.note(tier)
        engine.build(
            image,
            dockerfile=_DEMO / tier / "Dockerfile",
            context=_DEMO / tier,
            arguments=arguments,
            log=cache.log(LOG),
            each=partial(noted, step),
        )
        built = True
    if engine.own:
        for each in (tier for tier in TIERS if not tier.of_application):
            _stand_in(each).ensure(engine, step)
        if pooler:
            _POOLER.ensure(engine, step)
    if built:
        engine.tidy(*images.all(), *bases(engine))
    return images


def noted(step: Step, line: str) -> None:
    """Have a line of a build's report shown where it says what is done."""
    if line.startswith("STEP"):
        step.note(line[:50])


def _bases_of(tier: str, engine: Engine) -> Mapping[str, _Base]:
    return _BASES_OF[tier] if engine.own else {}


def _stand_in(tier: TierFacts) -> _Base:
    return _Base(
        file=f"{tier.label}.Dockerfile",
        copied=_COPIED.get(tier.name, ()),
        version=_VERSIONS.get(tier.name, ""),
    )


def _name(tier: str, engine: Engine) -> str:
    arguments = {name: base.name() for name, base in _bases_of(tier, engine).items()}
    return f"localhost/feastflow/{tier}:{cache.key(*_sources(_DEMO / tier), repr(arguments))}"


def key(images: AppImages) -> str:
    """Return the name under which the archive of these images is cached."""
    return cache.key(*images.all())


def carry(cluster: Cluster, images: AppImages, step: Step) -> None:
    """Put the images on every node that lacks one."""
    others = {held.name for held in images.held}
    built = [image for image in images.all() if image not in others]
    if built:
        save = partial(programs.save, cluster.engine, built)
        transport.carry(cluster, built, cache.key(*built), save, step)
    for held in {held.name: held for held in images.held}.values():
        transport.carry(cluster, [held.name], cache.key(held.name, held.id), partial(_save, held), step)


def _save(held: Held, archive: Path) -> None:
    """Write the archive of an image under its name for the nodes, which its engine does not keep."""
    kept = held.engine.id(held.name) is not None
    if not kept:
        held.engine.run("tag", held.id, held.name)
    programs.save(held.engine, [held.name], archive)
    if not kept:
        held.engine.run("image", "rm", held.name)


def _sources(folder: Path) -> list[str | bytes | Path]:
    """Return what goes into an image: every file but tests, and what building leaves behind."""
    parts: list[str | bytes | Path] = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not _IGNORED & set(relative.parts):
            parts += [str(relative), path.read_bytes()]
    return parts
