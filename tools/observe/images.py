"""Images of the parts: built from compiled programs and one jar, and carried to the nodes that run them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tools.cluster import nodeimage, programs, transport
from tools.cluster.engine import Engine
from tools.cluster.programs import Program
from tools.observe import maven
from tools.toolchain import cache, golang, pins
from tools.toolchain.background import Task
from tools.toolchain.console import Step
from tools.toolchain.golang import Build

if TYPE_CHECKING:
    from tools.cluster.handle import Cluster  # needs a package, and `make clean-cache` must do without

BUILDS = (pins.VICTORIAMETRICS_BUILD, *pins.OBSERVE_BUILDS)

_HERE = Path(__file__).parent / "images"
_ZIPKIN = "zipkin"
_OFFICIAL = "docker.io/library/debian:bookworm-slim"
_LOG = "image-observe"
_COMPILED: Mapping[str, tuple[Build, str]] = {
    "victoria-metrics": (pins.VICTORIAMETRICS_BUILD, pins.VICTORIAMETRICS),
    "vmalert": (pins.VICTORIAMETRICS_BUILD, pins.VICTORIAMETRICS),
    "victoria-logs": (pins.OBSERVE_BUILD, pins.VICTORIALOGS),
    "companion": (pins.OBSERVE_BUILD, "1"),
    "vlagent": (pins.OBSERVE_BUILD, pins.VICTORIALOGS),
    "otel-collector": (pins.COLLECTOR_BUILD, pins.OTEL_COLLECTOR),
    "alertmanager": (pins.ALERTMANAGER_BUILD, pins.ALERTMANAGER),
    "prometheus-adapter": (pins.ADAPTER_BUILD, pins.PROMETHEUS_ADAPTER),
}
_ON_EVERY_NODE = ("vlagent",)


@dataclass(frozen=True, kw_only=True)
class Load:
    """One archive of images, and whether every node is given it, or the one of the edge alone."""

    programs: Sequence[str]
    every_node: bool = False

    def key(self) -> str:
        """Return the name under which the archive is cached."""
        return cache.key(*(_reference(program) for program in self.programs))


# Apart, so that a change of one program does not cost the largest image.
_LOADS = (
    Load(programs=_ON_EVERY_NODE, every_node=True),
    Load(programs=tuple(program for program in _COMPILED if program not in _ON_EVERY_NODE)),
    Load(programs=(_ZIPKIN,)),
)


def named() -> dict[str, str]:
    """Return the reference of each program's image, which follows what is in it; nothing is built."""
    return {program: _reference(program) for program in (*_COMPILED, _ZIPKIN)}


def keys() -> list[str]:
    """Return the names under which the archives are cached."""
    return [load.key() for load in _LOADS]


def carry(cluster: Cluster, step: Step) -> None:
    """Put the images on the nodes that lack them; an archive in the cache is not made again."""
    edge = cluster.nodes()[:1]
    missing = [
        load
        for load in _LOADS
        if cache.find(transport.IMAGES, load.key()) is None
        and transport.lacking(cluster, _references(load), None if load.every_node else edge)
    ]
    compiled = {id(build): build for load in missing for build in _builds(load)}
    golang.check(*compiled.values())
    golang.ahead(*compiled.values())
    # What is downloaded comes while the processors compile.
    java = None
    if any(_ZIPKIN in load.programs for load in missing):
        java = Task(partial(_build_zipkin, cluster.engine))
    for load in _LOADS:
        save = partial(_save, cluster.engine, load, java, step)
        nodes = None if load.every_node else edge
        transport.carry(cluster, _references(load), load.key(), save, step, nodes)


def remove(cluster: Cluster, step: Step) -> int:
    """Delete the parts' images from every node, older ones too; return how many names were deleted."""
    return sum(_removed(cluster, node, step) for node in cluster.nodes())


def _removed(cluster: Cluster, node: str, step: Step) -> int:
    """Delete from one node what bears a name of ours, and the names that Kubernetes gave the same images."""
    step.note(f"images of {node}")
    ctr = ("exec", node, "ctr", "--namespace", "k8s.io", "images")
    listed = [line.split() for line in cluster.engine.run(*ctr, "list").splitlines()[1:]]
    known = [(columns[0], columns[2]) for columns in listed if len(columns) > 2]  # noqa: PLR2004 - name, type, digest
    ours = re.compile(rf"localhost/feastflow/(?:{'|'.join(map(re.escape, named()))}):")
    digests = {digest for name, digest in known if ours.match(name)}
    names = [name for name, digest in known if digest in digests]
    if names:
        cluster.engine.run(*ctr, "remove", "--sync", *names)
    return len(names)


def _reference(program: str) -> str:
    if program == _ZIPKIN:
        content = cache.key(nodeimage.debian_name(), _HERE / "zipkin.Dockerfile", maven.key())
        return f"localhost/feastflow/{program}:{maven.ZIPKIN}-{content}"
    build, version = _COMPILED[program]
    content = cache.key(golang.digest(build), programs.IMAGES / "program.Dockerfile")
    return f"localhost/feastflow/{program}:{version}-{content}"


def _references(load: Load) -> list[str]:
    return [_reference(program) for program in load.programs]


def _builds(load: Load) -> list[Build]:
    return [_COMPILED[program][0] for program in load.programs if program in _COMPILED]


def _save(engine: Engine, load: Load, java: Task[None] | None, step: Step, archive: Path) -> None:
    """Write the archive of a load; the engine keeps nothing of it."""
    for program in load.programs:
        if program in _COMPILED:
            _build_program(engine, program, step)
        elif java is not None:
            java.wait(step)
        else:
            _build_zipkin(engine, step)
    step.note("one archive of the images")
    programs.save(engine, _references(load), archive)
    engine.run("image", "rm", "--force", *_references(load))


def _build_program(engine: Engine, program: str, step: Step) -> None:
    build, _ = _COMPILED[program]
    binary = golang.binaries(build, step) / program
    step.note(program)
    with cache.draft() as context:
        programs.build(engine, Program(name=program, image=_reference(program)), binary, context)


def _build_zipkin(engine: Engine, step: Step) -> None:
    jar = maven.zipkin(step)
    base = nodeimage.debian(engine, step) if engine.own else _OFFICIAL
    step.note("Zipkin on Debian's Java")
    with cache.draft() as context:
        (context / maven.JAR).hardlink_to(jar)
        engine.build(
            _reference(_ZIPKIN),
            dockerfile=_HERE / "zipkin.Dockerfile",
            context=context,
            arguments={"BASE_IMAGE": base},
            log=cache.log(_LOG),
        )
