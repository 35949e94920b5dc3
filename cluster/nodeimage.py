"""kind's node image, built here: Debian's packages, the compiled Kubernetes, every image the cluster runs.

Where kind's official image can be pulled, that is used and none of this happens.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import addons
from cluster.engine import Engine
from toolchain import cache, golang, pins, process
from toolchain.console import Step
from toolchain.golang import Build
from toolchain.refusal import Refusal

_IMAGES = Path(__file__).parent / "images"
_DISK_NEEDED_GIB = 8

_COREDNS = "v1.12.3"
_PAUSE = "registry.k8s.io/pause:3.10.1"
_K8S = f"v{pins.KUBERNETES}"
# As Go calls it.
_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


@dataclass(frozen=True, kw_only=True)
class _Program:
    """A program in an image of the name that upstream's manifests use, so that they apply as they are."""

    name: str
    image: str
    filters_packets: bool = False
    # Where else upstream's image has it, and its manifests or itself look.
    paths: tuple[str, ...] = ()


_PROGRAMS = (
    _Program(name="kube-apiserver", image=f"registry.k8s.io/kube-apiserver:{_K8S}"),
    _Program(name="kube-controller-manager", image=f"registry.k8s.io/kube-controller-manager:{_K8S}"),
    _Program(name="kube-scheduler", image=f"registry.k8s.io/kube-scheduler:{_K8S}"),
    _Program(name="kube-proxy", image=f"registry.k8s.io/kube-proxy:{_K8S}", filters_packets=True),
    _Program(name="etcd", image="registry.k8s.io/etcd:3.6.5-0"),
    _Program(name="coredns", image=f"registry.k8s.io/coredns/coredns:{_COREDNS}"),
    _Program(name="pause", image=_PAUSE),
    _Program(name="kube-router", image="docker.io/cloudnativelabs/kube-router:v2.6.3", filters_packets=True),
    _Program(name="metrics-server", image="registry.k8s.io/metrics-server/metrics-server:v0.8.0"),
    _Program(name="traefik", image="docker.io/library/traefik:v3.5.3"),
    _Program(name="local-path-provisioner", image="docker.io/rancher/local-path-provisioner:v0.0.30"),
    _Program(
        name="cloudnative-pg",
        image=f"ghcr.io/cloudnative-pg/cloudnative-pg:{pins.CLOUDNATIVE_PG}",
        paths=("manager", f"operator/manager_{_ARCHITECTURE}"),
    ),
)
_ON_THE_NODE = ("kubeadm", "kubelet", "kubectl")
# Documentation and translations are never read in a container, and every image and node would carry them.
_UNREAD = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
# What apt downloaded would stay in a layer of every image.
_APT = 'APT::Keep-Downloaded-Packages "false"; Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";'
_MMDEBSTRAP = (
    "mmdebstrap",
    "--variant=minbase",
    "--include=ca-certificates",
    *(f"--dpkgopt=path-exclude={path}" for path in _UNREAD),
    f"--customize-hook=echo '{_APT}' > $1/etc/apt/apt.conf.d/99-image",
    "bookworm",
)
_BUSYBOX = "docker.io/library/busybox:1.35"
_BUILDS = (pins.NODE_BUILD, pins.STORAGE_BUILD, pins.TRAEFIK_BUILD, pins.OPERATOR_BUILD)
_LOG = "image-node"


# What kubeadm must be told of the image: CoreDNS is one of the same line that agrees with the other modules.
KUBEADM_PATCH = f"kind: ClusterConfiguration\ndns:\n  imageTag: {_COREDNS}\n"


def debian(engine: Engine, step: Step) -> str:
    """Debian's minimal system as an image, the base of all others built here."""
    tag = f"localhost/feastflow/debian:{cache.key(*_MMDEBSTRAP)}"
    if engine.has("image", "inspect", tag):
        return tag
    golang.room(cache.home(), _DISK_NEEDED_GIB, "the images of the cluster")
    step.note("a minimal Debian system")
    log = cache.log("image-debian")
    with tempfile.TemporaryDirectory(dir=_drafts()) as folder:
        archive = Path(folder) / "debian.tar"
        try:
            process.stream([*_MMDEBSTRAP, str(archive)], log=log, timeout=1200)
        except process.CommandError as failure:
            raise Refusal(
                f"mmdebstrap could not make a Debian system\n{failure.tail}",
                "it is the base of the node and of the application's images",
                f"check the network and /etc/apt/sources.list, run it again; the log is {log}",
            ) from failure
        engine.run("import", str(archive), tag, timeout=600)
    return tag


def builds(engine: Engine) -> tuple[Build, ...]:
    """Return what `ensure` compiles: nothing where the image is there already, or is fetched."""
    if not engine.own or all(cache.find("bin", golang.digest(build)) for build in _BUILDS):
        return ()
    return () if engine.has("image", "inspect", _tag()) else _BUILDS


def ensure(engine: Engine, step: Step) -> str:
    """The node image's tag, built now when it is not there."""
    tag = _tag()
    if engine.has("image", "inspect", tag):
        return tag
    binaries = _binaries(step)
    with cache.locked("node-image"), tempfile.TemporaryDirectory(dir=_drafts()) as folder:
        base = debian(engine, step)
        context = Path(folder)
        _archive(engine, base, binaries, context, step)
        (context / "bin").mkdir()
        for name in _ON_THE_NODE:
            (context / "bin" / name).hardlink_to(binaries[name])
        kind = golang.source(pins.KIND_BUILD.module, "sigs.k8s.io/kind")
        shutil.copytree(kind / "images" / "base" / "files", context / "kind" / "files")
        shutil.copyfile(_IMAGES / "service-addresses.service", context / "service-addresses.service")
        (context / "manifests").mkdir()
        shutil.copyfile(addons.storage(binaries["kubectl"]), context / "manifests" / "default-storage.yaml")
        step.note("systemd, containerd and Kubernetes on Debian")
        engine.build(
            tag,
            dockerfile=_IMAGES / "node.Dockerfile",
            context=context,
            arguments={
                "BASE_IMAGE": base,
                "KUBERNETES_VERSION": pins.KUBERNETES,
                "PAUSE_IMAGE": _PAUSE,
                "IMAGES": tag,
            },
            log=cache.log(_LOG),
        )
        # What only this build needed, and what it replaces.
        engine.run("image", "rm", "--force", _network(base))
        engine.tidy(tag)
    return tag


def _tag() -> str:
    digest = cache.key(*map(golang.digest, _BUILDS), addons.digest(), _IMAGES, repr(_PROGRAMS), _BUSYBOX)
    return f"localhost/feastflow/node:{digest}"


def _network(base: str) -> str:
    return f"localhost/feastflow/network:{cache.key(base, _IMAGES / 'network.Dockerfile')}"


def _binaries(step: Step) -> dict[str, Path]:
    found = {}
    for build in _BUILDS:
        folder = golang.binaries(build, step)
        found.update({name: folder / name for name in build.programs.values()})
    return found


def _archive(engine: Engine, base: str, binaries: Mapping[str, Path], context: Path, step: Step) -> None:
    """One archive of every image that runs on a node, so that layers they share are kept once."""
    network = _network(base)
    empty = context / "empty"
    empty.mkdir()
    for image, dockerfile in ((network, "network.Dockerfile"), (_BUSYBOX, "busybox.Dockerfile")):
        step.note(image)
        engine.build(
            image,
            dockerfile=_IMAGES / dockerfile,
            context=empty,
            arguments={"BASE_IMAGE": base},
            log=cache.log(_LOG),
        )
    for program in _PROGRAMS:
        step.note(program.image)
        rootfs = context / program.name / "rootfs"
        for path in (f"usr/local/bin/{program.name}", *program.paths):
            (rootfs / path).parent.mkdir(parents=True, exist_ok=True)
            (rootfs / path).symlink_to("/program")
        (rootfs / "program").hardlink_to(binaries[program.name])
        engine.run("image", "rm", "--force", program.image)
        engine.build(
            program.image,
            dockerfile=_IMAGES / "program.Dockerfile",
            context=rootfs.parent,
            arguments={"BASE_IMAGE": network if program.filters_packets else "scratch"},
            log=cache.log(_LOG),
        )
        shutil.rmtree(rootfs.parent)
    images = [_BUSYBOX, *(program.image for program in _PROGRAMS)]
    step.note("one archive of all images")
    archive = context / "images.tar"
    engine.run(
        "save",
        "--multi-image-archive",
        "--format",
        "docker-archive",
        "-o",
        str(archive),
        *images,
        timeout=600,
    )
    engine.run("image", "rm", "--force", *images)


def _drafts() -> Path:
    folder = cache.home() / "drafts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
