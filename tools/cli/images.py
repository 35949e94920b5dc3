"""The tiers' images: built from `demo/` or Debian's packages, and carried to the local cluster's nodes."""

from __future__ import annotations

from collections.abc import Mapping
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
_LOG = "image-application"
TITLES = ", ".join(tier.title for tier in TIERS)
CARRIED = " and ".join(TITLES.rsplit(", ", 1)) + " are on the nodes"
_CACHES = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
_IGNORED = {"tests", "node_modules", ".next", "next-env.d.ts", "tsconfig.tsbuildinfo", *_CACHES}


@dataclass(frozen=True, kw_only=True)
class AppImages:
    """References to deploy, by tier. A tier whose own default can be pulled has none."""

    by_tier: Mapping[str, str]

    def all(self) -> list[str]:
        """Every image that must be carried to the nodes."""
        return list(self.by_tier.values())


@dataclass(frozen=True, kw_only=True)
class _Base:
    """An image from Debian's packages that takes an official one's place; built only with the own engine."""

    file: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    # CloudNativePG learns from the tag which PostgreSQL it is.
    version: str = ""

    def name(self) -> str:
        """A reference that follows everything in the image but Debian's updates."""
        name = self.file.removesuffix(".Dockerfile")
        arguments = repr(sorted(self.arguments.items()))
        content = cache.key(nodeimage.debian_name(), _BASES / self.file, arguments)
        return f"localhost/feastflow/{name}:{'-'.join(filter(None, (self.version, content)))}"

    def ensure(self, engine: Engine, step: Step) -> str:
        """The reference, built now when it is not there."""
        debian = nodeimage.debian(engine, step)
        step.note(f"{self.file.removesuffix('.Dockerfile')} from Debian's packages")
        engine.build(
            self.name(),
            dockerfile=_BASES / self.file,
            context=_BASES,
            arguments={"BASE_IMAGE": debian, **self.arguments},
            log=cache.log(_LOG),
        )
        return self.name()


_PYTHON = _Base(file="python.Dockerfile")
_NODE = _Base(file="nodejs.Dockerfile")
_NPM = _Base(file="nodejs.Dockerfile", arguments={"PACKAGES": "nodejs npm"})
_BASES_OF: Mapping[str, Mapping[str, _Base]] = {
    "backend": {"BASE_IMAGE": _PYTHON},
    "frontend": {"BASE_IMAGE": _NODE, "BUILD_IMAGE": _NPM},
}
_VERSIONS = {"database": "15"}


def named(engine: Engine) -> AppImages:
    """The names of the tiers' images, which follow what is in them; nothing is built.

    A tier that runs an image of others has one of Debian's packages, where those cannot be pulled.
    """
    found = {}
    for tier in TIERS:
        if tier.of_application:
            found[tier.name] = _name(tier.name, engine)
        elif engine.own:
            found[tier.name] = _stand_in(tier).name()
    return AppImages(by_tier=found)


def bases(engine: Engine) -> list[str]:
    """The names of the images under the application's."""
    if not engine.own:
        return []
    named = [base.name() for bases in _BASES_OF.values() for base in bases.values()]
    return [nodeimage.debian_name(), *named]


def build(engine: Engine, step: Step) -> AppImages:
    """The tiers' images, under names that follow their content; what is there is not built again."""
    images = named(engine)
    built = False
    for tier in OF_APPLICATION:
        image = images.by_tier[tier]
        if engine.has("image", "inspect", image):
            continue
        arguments = {name: base.ensure(engine, step) for name, base in _bases_of(tier, engine).items()}
        step.note(tier)
        engine.build(
            image,
            dockerfile=_DEMO / tier / "Dockerfile",
            context=_DEMO / tier,
            arguments=arguments,
            log=cache.log(_LOG),
            each=lambda line: step.note(line[:50]) if line.startswith("STEP") else None,
        )
        built = True
    if engine.own:
        for each in (tier for tier in TIERS if not tier.of_application):
            _stand_in(each).ensure(engine, step)
    if built:
        engine.tidy(*images.all(), *bases(engine))
    return images


def _bases_of(tier: str, engine: Engine) -> Mapping[str, _Base]:
    return _BASES_OF[tier] if engine.own else {}


def _stand_in(tier: TierFacts) -> _Base:
    return _Base(file=f"{tier.label}.Dockerfile", version=_VERSIONS.get(tier.name, ""))


def _name(tier: str, engine: Engine) -> str:
    arguments = {name: base.name() for name, base in _bases_of(tier, engine).items()}
    return f"localhost/feastflow/{tier}:{cache.key(*_sources(_DEMO / tier), repr(arguments))}"


def key(images: AppImages) -> str:
    """The name under which the archive of these images is cached."""
    return cache.key(*images.all())


def carry(cluster: Cluster, images: AppImages, step: Step) -> None:
    """Put the images on every node that lacks one."""
    wanted = images.all()
    transport.carry(cluster, wanted, key(images), partial(programs.save, cluster.engine, wanted), step)


def _sources(folder: Path) -> list[str | bytes | Path]:
    """What goes into an image: every file but tests, and what building leaves behind."""
    parts: list[str | bytes | Path] = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not _IGNORED & set(relative.parts):
            parts += [str(relative), path.read_bytes()]
    return parts
