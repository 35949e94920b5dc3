"""Images brought to the nodes of a local cluster: no registry has those that are built here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tools.toolchain import cache, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

if TYPE_CHECKING:
    from tools.cluster.handle import Cluster  # needs a package, and `make clean-cache` must do without

# Archives in this part of the cache can be read on every node, under this path.
IMAGES = "images"
IMAGES_ON_NODES = "/images"
ARCHIVE = "images.tar"

_LOAD_SECONDS = 300
# Enough for both stacks, the operator, observability's three, and a change that is undone.
_ARCHIVES = 7
_CTR = ("ctr", "--namespace", "k8s.io", "images")


def lacking(cluster: Cluster, images: Sequence[str], nodes: Sequence[str] | None = None) -> list[str]:
    """Return the nodes that lack one of the images: of these, or of all."""
    nodes = cluster.nodes() if nodes is None else nodes
    with ThreadPoolExecutor() as pool:
        present = list(pool.map(lambda node: _present(cluster, node), nodes))
    return [node for node, found in zip(nodes, present, strict=True) if not set(images) <= found]


def carry(
    cluster: Cluster,
    images: Sequence[str],
    key: str,
    save: Callable[[Path], None],
    step: Step,
    nodes: Sequence[str] | None = None,
) -> None:
    """Put the images on every node that lacks one, as one archive, which `save` writes where it is missing.

    `key` follows what is in the archive. Where `nodes` are named, only those are given the images.
    """
    nodes = lacking(cluster, images, nodes)
    if not nodes:
        return
    entry = cache.entry(IMAGES, key, lambda folder: save(folder / ARCHIVE))
    cache.keep_newest(IMAGES, _ARCHIVES, entry)
    step.note("to the nodes")
    # The nodes see the cache, so nothing is copied through the engine's pipes, once for each node.
    seen = f"{IMAGES_ON_NODES}/{entry.name}/{ARCHIVE}"
    command = [*_CTR, "import", "--all-platforms", "--no-unpack", seen]
    with ThreadPoolExecutor() as pool:
        work = [
            pool.submit(cluster.engine.run, "exec", node, *command, timeout=_LOAD_SECONDS) for node in nodes
        ]
    for done in work:
        try:
            done.result()
        except process.CommandError as failure:
            raise UserError(
                f"images could not be carried to the nodes: {failure.tail}",
                "pods would wait for images that no registry has",
                "see that there is room on the disk and the nodes run (make status), and run it again",
            ) from failure


def _present(cluster: Cluster, node: str) -> set[str]:
    return set(cluster.engine.run("exec", node, *_CTR, "list", "--quiet").split())
