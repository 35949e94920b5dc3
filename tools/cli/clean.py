"""`python -m tools.cli.clean`: free the room of what the current pins do not use. Needs no installed package.

Kept are the binaries, images and Python environments that the next `make up`, `make test` and `make bench` of
this checkout take from the cache, and what a cluster runs on. With ALL=yes everything is deleted: the next
command begins as on a new machine.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from tools.cli import images
from tools.cluster import addons, engine, nodeimage, operator
from tools.cluster.engine import Engine
from tools.observe import images as observed
from tools.observe import maven
from tools.toolchain import cache, console, disk, environment, golang, openapi, pins, process, pulumi, turn
from tools.toolchain.errors import UserError

_LOCKS = ("requirements-dev.txt", "requirements.txt", "tests/judges/requirements.txt")
_ROOT = Path(__file__).parents[2]


def main() -> None:
    """Delete from the cache what nothing here needs; state is left alone."""
    busy = [*turn.busy(), *(name for name in cache.locks() if cache.is_held(name))]
    if busy:
        raise UserError(
            f"a command works on {', '.join(busy)}",
            "it needs what would be deleted",
            "wait until it has ended, or interrupt it, and run this again",
        )
    before = sum(disk.taken().values())
    if os.environ.get("ALL") == "yes":
        _delete_everything()
    else:
        _delete_unused()
        console.say("kept: what the current pins use; `make clean-cache ALL=yes` deletes that too")
    left = disk.taken()
    console.say(f"freed {(before - sum(left.values())) / 2**30:.1f} GiB; left: {disk.told(left)}")


def _delete_everything() -> None:
    clusters = sorted(path.parent.name for path in (cache.state_home() / "clusters").glob("*/cluster.json"))
    if clusters:
        raise UserError(
            f"there is a cluster here: {', '.join(clusters)}",
            "its nodes run from images in the cache",
            "delete it first: make down",
        )
    shutil.rmtree(cache.home(), ignore_errors=True)


def _delete_unused() -> None:
    builds = (
        *pins.ALL_BUILDS,
        *pins.TEST_BUILDS,
        *pins.OBSERVE_BUILDS,
        *pins.STORE_BUILDS,
        *pins.BENCH_BUILDS,
    )
    current = [golang.digest(build) for build in builds]
    # What is half compiled goes on from where it was.
    if golang.build_cache().is_relative_to(cache.home()) and not any(map(_begun, current)):
        shutil.rmtree(golang.build_cache(), ignore_errors=True)
    _keep("bin", current)
    _keep("pulumi", [pulumi.digest()])
    _keep("addons", [addons.digest()])
    _keep(openapi.KIND, map(openapi.name, openapi.DOCUMENTS))
    _keep("venv", [environment.name(_ROOT / lock) for lock in _LOCKS])
    _keep("maven", [maven.key()])
    _keep("drafts", [])
    # Only the store of the own engine is in the cache; images of another one are its user's.
    carrier = engine.present() if (cache.home() / "containers").exists() else None
    if carrier is not None:
        application = images.named(carrier, pooler=True)
        carried = map(images.key, (application, images.named(carrier)))
        _keep("images", [operator.key(), *observed.keys(), *carried])
        under = (*nodeimage.bases().values(), *images.bases(carrier))
        _delete_images(carrier, {nodeimage.name(), *application.all(), *under})


def _begun(digest: str) -> bool:
    return (cache.home() / "bin" / f".{digest}.draft").exists()


def _keep(kind: str, names: Iterable[str]) -> None:
    wanted = set(names)
    for path in (cache.home() / kind).glob("*"):
        if path.name not in wanted:
            shutil.rmtree(path, ignore_errors=True)


def _delete_images(carrier: Engine, but: set[str]) -> None:
    for image in carrier.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split():
        if image not in but and not image.startswith("<none>"):
            # What a container uses is refused, and stays.
            with contextlib.suppress(process.CommandError):
                carrier.run("image", "rm", image)
    carrier.run("image", "prune", "--force", timeout=600)
    # Of nodes that are gone: the store holds no others.
    carrier.run("volume", "prune", "--force", timeout=600)


if __name__ == "__main__":
    console.run(main)
