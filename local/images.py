"""The application's images: built from `demo/`, and carried to the nodes of the local cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cluster import nodeimage, programs, transport
from cluster.engine import Engine
from cluster.handle import Cluster
from toolchain import cache
from toolchain.console import Step

_ROOT = Path(__file__).parent.parent
_BASES = Path(__file__).parent / "images"
_DEMO = _ROOT / "demo"
_LOG = "image-application"
_CACHES = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
_IGNORED = {"tests", "node_modules", ".next", "next-env.d.ts", "tsconfig.tsbuildinfo", *_CACHES}


@dataclass(frozen=True, kw_only=True)
class AppImages:
    """References to deploy. `database` is None where the stack's own default can be pulled."""

    backend: str
    frontend: str
    database: str | None

    def all(self) -> list[str]:
        """Every image that must be carried to the nodes."""
        return [image for image in (self.backend, self.frontend, self.database) if image]


@dataclass(frozen=True, kw_only=True)
class _Base:
    """An image from Debian's packages that takes an official one's place; built only with the own engine."""

    file: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    # CloudNativePG learns from the tag which PostgreSQL it is.
    version: str = ""

    def tag(self, debian: str) -> str:
        """A reference that follows everything in the image but Debian's updates."""
        name = self.file.removesuffix(".Dockerfile")
        content = cache.key(debian, _BASES / self.file, repr(sorted(self.arguments.items())))
        return f"localhost/feastflow/{name}:{'-'.join(filter(None, (self.version, content)))}"

    def ensure(self, engine: Engine, debian: str, step: Step) -> str:
        """The reference, built now when it is not there."""
        step.note(f"{self.file.removesuffix('.Dockerfile')} from Debian's packages")
        tag = self.tag(debian)
        engine.build(
            tag,
            dockerfile=_BASES / self.file,
            context=_BASES,
            arguments={"BASE_IMAGE": debian, **self.arguments},
            log=cache.log(_LOG),
        )
        return tag


_PYTHON = _Base(file="python.Dockerfile")
_NODE = _Base(file="nodejs.Dockerfile")
_NPM = _Base(file="nodejs.Dockerfile", arguments={"PACKAGES": "nodejs npm"})
_POSTGRES = _Base(file="postgres.Dockerfile", version="15")


def build(engine: Engine, step: Step) -> AppImages:
    """The application's images, under tags that follow their content; what is there is not built again."""
    bases: dict[str, dict[str, str]] = {"backend": {}, "frontend": {}}
    database = None
    if engine.own:
        debian = nodeimage.debian(engine, step)
        bases["backend"] = {"BASE_IMAGE": _PYTHON.tag(debian)}
        bases["frontend"] = {"BASE_IMAGE": _NODE.tag(debian), "BUILD_IMAGE": _NPM.tag(debian)}
        database = _POSTGRES.ensure(engine, debian, step)
    tags = {}
    built = []
    for name, arguments in bases.items():
        source = _DEMO / name
        tag = f"localhost/feastflow/{name}:{cache.key(*_sources(source), repr(arguments))}"
        if not engine.has("image", "inspect", tag):
            if engine.own:
                for base in (_PYTHON,) if name == "backend" else (_NODE, _NPM):
                    base.ensure(engine, debian, step)
            step.note(f"{name}")
            engine.build(
                tag,
                dockerfile=source / "Dockerfile",
                context=source,
                arguments=arguments,
                log=cache.log(_LOG),
                each=lambda line: step.note(line[:50]) if line.startswith("STEP") else None,
            )
            built.append(tag)
        tags[name] = tag
    if built:
        underneath = [base for arguments in bases.values() for base in arguments.values()]
        engine.tidy(*tags.values(), *underneath, *filter(None, [database]))
    return AppImages(backend=tags["backend"], frontend=tags["frontend"], database=database)


def carry(cluster: Cluster, images: AppImages, step: Step) -> None:
    """Put the images on every node that lacks one."""
    wanted = images.all()
    transport.carry(cluster, wanted, cache.key(*wanted), partial(programs.save, cluster.engine, wanted), step)


def _sources(folder: Path) -> list[str | bytes | Path]:
    """What goes into an image: every file but tests, and what building leaves behind."""
    parts: list[str | bytes | Path] = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not _IGNORED & set(relative.parts):
            parts += [str(relative), path.read_bytes()]
    return parts
