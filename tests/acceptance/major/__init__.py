"""An image of a newer PostgreSQL, of packages that Debian's next release has; nothing else needs it."""

import tempfile
from pathlib import Path

from tools.cluster import nodeimage
from tools.cluster.engine import Engine
from tools.toolchain import cache, process

from ...harness.product import ROOT, Product

MAJOR = 17
_DOCKERFILE = Path(__file__).parent / "postgres.Dockerfile"
_IMAGES = ROOT / "tools" / "cli" / "images"
_DEBIAN = [each.replace("bookworm", "trixie") for each in nodeimage.debian_command()]
_OFFICIAL = "docker.io/library/debian:trixie-slim"
_LOG = "image-postgres-next"


def image(product: Product) -> str:
    """Return the image, built now where the engine that carries the nodes has it not; it is kept there."""
    engine = _engine(product)
    base = _debian(engine) if engine.own else _OFFICIAL
    # CloudNativePG reads the version from the tag.
    name = (
        f"localhost/feastflow-tests/postgres:{MAJOR}-{cache.key(base, _DOCKERFILE, _IMAGES / 'barman.txt')}"
    )
    engine.build(
        name,
        dockerfile=_DOCKERFILE,
        context=_IMAGES,
        arguments={"BASE_IMAGE": base},
        log=cache.log(_LOG),
    )
    return name


def _engine(product: Product) -> Engine:
    settings = product.home / "engine"
    own = (settings / "containers.conf").exists()
    files = {"CONTAINERS_CONF": "containers.conf", "CONTAINERS_STORAGE_CONF": "storage.conf"}
    environment = {name: str(settings / file) for name, file in files.items()} if own else {}
    return Engine(command=product.carrier, own=own, why="it carries the nodes", environment=environment)


def _debian(engine: Engine) -> str:
    name = f"localhost/feastflow-tests/debian:{cache.key(*_DEBIAN)}"
    if not engine.has("image", "inspect", name):
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch) / "debian.tar"
            process.stream([*_DEBIAN, str(archive)], log=cache.log(_LOG), timeout=1200)
            engine.run("import", str(archive), name, timeout=600)
    return name
