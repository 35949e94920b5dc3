"""Programs that run on the local cluster, each in an image of the name that upstream's manifests use."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.cluster.engine import Engine
from tools.toolchain import cache, golang, pins
from tools.toolchain.console import Step
from tools.toolchain.golang import Build

IMAGES = Path(__file__).parent / "images"
COREDNS = "v1.14.7"
ETCD = "3.6.16-0"
PAUSE = "registry.k8s.io/pause:3.10.2"
_K8S = f"v{pins.KUBERNETES}"
# As Go calls it.
_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
_LOG = "image-node"


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program in an image of the name that upstream's manifests use, so that they apply as they are."""

    name: str
    image: str
    filters_packets: bool = False
    # Where else upstream's image has it, and its manifests or itself look.
    paths: tuple[str, ...] = ()


OF_EVERY_CLUSTER = (
    Program(name="kube-apiserver", image=f"registry.k8s.io/kube-apiserver:{_K8S}"),
    Program(name="kube-controller-manager", image=f"registry.k8s.io/kube-controller-manager:{_K8S}"),
    Program(name="kube-scheduler", image=f"registry.k8s.io/kube-scheduler:{_K8S}"),
    Program(name="kube-proxy", image=f"registry.k8s.io/kube-proxy:{_K8S}", filters_packets=True),
    Program(name="etcd", image=f"registry.k8s.io/etcd:{ETCD}"),
    Program(name="coredns", image=f"registry.k8s.io/coredns/coredns:{COREDNS}"),
    Program(name="pause", image=PAUSE),
    Program(name="kube-router", image="docker.io/cloudnativelabs/kube-router:v2.6.3", filters_packets=True),
    Program(name="metrics-server", image="registry.k8s.io/metrics-server/metrics-server:v0.9.0"),
    Program(name="traefik", image="docker.io/library/traefik:v3.7.13"),
    Program(name="local-path-provisioner", image="docker.io/rancher/local-path-provisioner:v0.0.30"),
)
OPERATOR = Program(
    name="cloudnative-pg",
    image=f"ghcr.io/cloudnative-pg/cloudnative-pg:{pins.CLOUDNATIVE_PG}",
    paths=("manager", f"operator/manager_{_ARCHITECTURE}"),
)


def build(engine: Engine, program: Program, binary: Path, context: Path, network: str = "") -> None:
    """Build the program's image from its binary; `network` is the base of those that filter packets.

    `context` is a folder on the file system of the binary, which is only linked to.
    """
    rootfs = context / program.name / "rootfs"
    for path in (f"usr/local/bin/{program.name}", *program.paths):
        (rootfs / path).parent.mkdir(parents=True, exist_ok=True)
        (rootfs / path).symlink_to("/program")
    (rootfs / "program").hardlink_to(binary)
    # The name says the version and not what shaped the binary: an older one would be taken for this one.
    engine.run("image", "rm", "--force", program.image)
    engine.build(
        program.image,
        dockerfile=IMAGES / "program.Dockerfile",
        context=rootfs.parent,
        arguments={"BASE_IMAGE": network if program.filters_packets else "scratch"},
        log=cache.log(_LOG),
    )
    shutil.rmtree(rootfs.parent)


def key(program: Program, compiled: Build) -> str:
    """Return the name under which the archive of the program's image alone is cached."""
    return cache.key(golang.digest(compiled), repr(program), IMAGES)


def save_alone(engine: Engine, program: Program, compiled: Build, step: Step, archive: Path) -> None:
    """Write the archive of the program's image, compiled and built now; the engine does not keep it."""
    binary = golang.binaries(compiled, step) / program.name
    step.note(program.image)
    with cache.draft() as folder:
        build(engine, program, binary, folder)
    save(engine, [program.image], archive)
    engine.run("image", "rm", "--force", program.image)


def save(engine: Engine, images: Sequence[str], archive: Path) -> None:
    """Write one archive of all the images, so that layers they share are kept once."""
    flags = ["--multi-image-archive", "--format", "docker-archive"] if engine.command == "podman" else []
    engine.run("save", *flags, "--output", str(archive), *images, timeout=600)
