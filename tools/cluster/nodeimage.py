"""kind's node image, built here: Debian's packages, the compiled Kubernetes, every image the cluster runs.

Where kind's official image can be pulled, that is used and none of this happens.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.cluster import addons, programs
from tools.cluster.engine import Engine
from tools.toolchain import cache, golang, pins, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.golang import Build

_DISK_NEEDED_GIB = 8

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
_PACKAGES, _NETWORK, _HELPER = "packages.Dockerfile", "network.Dockerfile", "busybox.Dockerfile"
# It mounts the machine's /proc, /sys and /dev/shm below /tmp. Killed, it would leave them there, for the next
# `rm -r` to go into; in a namespace of its own they end with it.
_PRIVATELY = ("unshare", "--mount")
_BUSYBOX = "docker.io/library/busybox:1.35"
_BUILDS = (pins.NODE_BUILD, pins.STORAGE_BUILD, pins.TRAEFIK_BUILD)
_LOG = "image-node"


# What kubeadm must be told of the image: CoreDNS and etcd are of its own lines, and newer. And the kubelet of
# 1.35 or newer, that it may run where the machine has only cgroups v1.
_CLUSTER = f"""\
kind: ClusterConfiguration
dns: {{imageTag: {programs.COREDNS}}}
etcd: {{local: {{imageTag: {programs.ETCD}}}}}
"""
_KUBELET = """\
kind: KubeletConfiguration
failCgroupV1: false
"""
KUBEADM_PATCHES = (_CLUSTER, _KUBELET)


def debian_command() -> list[str]:
    """Return what makes Debian's minimal system, but for the archive that it writes."""
    return [*_PRIVATELY, *_MMDEBSTRAP]


def debian_name() -> str:
    """Return the name of Debian's minimal system as an image."""
    return f"localhost/feastflow/debian:{cache.key(*_MMDEBSTRAP)}"


def debian(engine: Engine, step: Step) -> str:
    """Return Debian's minimal system as an image, the base of all others built here."""
    tag = debian_name()
    if engine.has("image", "inspect", tag):
        return tag
    golang.room(cache.home(), _DISK_NEEDED_GIB, "the images of the cluster")
    step.note("a minimal Debian system")
    log = cache.log("image-debian")
    with cache.draft() as folder:
        archive = folder / "debian.tar"
        try:
            process.stream([*debian_command(), str(archive)], log=log, timeout=1200)
        except process.CommandError as failure:
            raise UserError(
                f"mmdebstrap could not make a Debian system\n{failure.tail}",
                "it is the base of the node and of the application's images",
                f"check the network and /etc/apt/sources.list, run it again; the log is {log}",
            ) from failure
        engine.run("import", str(archive), tag, timeout=600)
    return tag


def prepare(engine: Engine, step: Step) -> None:
    """Build what the node image needs of Debian's packages, which can be done while Kubernetes compiles."""
    if not engine.has("image", "inspect", name()):
        with cache.locked("node-image"):
            _build_bases(engine, step)


def builds(engine: Engine) -> tuple[Build, ...]:
    """Return what `ensure` compiles: nothing where the image is there already, or is fetched."""
    if not engine.own or all(cache.find("bin", golang.digest(build)) for build in _BUILDS):
        return ()
    return () if engine.has("image", "inspect", name()) else _BUILDS


def ensure(engine: Engine, step: Step) -> str:
    """Return the node image's tag, built now when it is not there."""
    tag = name()
    if engine.has("image", "inspect", tag):
        return tag
    prepare(engine, step)
    binaries = _binaries(step)
    with cache.locked("node-image"), cache.draft() as context:
        built = _build_bases(engine, step)
        _archive(engine, built[_NETWORK], binaries, context, step)
        (context / "bin").mkdir()
        for program in _ON_THE_NODE:
            (context / "bin" / program).hardlink_to(binaries[program])
        kind = golang.source(pins.KIND_BUILD.module, "sigs.k8s.io/kind")
        shutil.copytree(kind / "images" / "base" / "files", context / "kind" / "files")
        shutil.copyfile(programs.IMAGES / "service-addresses.service", context / "service-addresses.service")
        (context / "manifests").mkdir()
        shutil.copyfile(addons.storage(binaries["kubectl"]), context / "manifests" / "default-storage.yaml")
        step.note("systemd, containerd and Kubernetes on Debian")
        engine.build(
            tag,
            dockerfile=programs.IMAGES / "node.Dockerfile",
            context=context,
            arguments={
                "BASE_IMAGE": built[_PACKAGES],
                "KUBERNETES_VERSION": pins.KUBERNETES,
                "PAUSE_IMAGE": programs.PAUSE,
                "IMAGES": tag,
            },
            log=cache.log(_LOG),
        )
        # What only this build needed, and what it replaces.
        engine.run("image", "rm", "--force", built[_NETWORK])
        engine.tidy(tag, built[_PACKAGES])
    return tag


def name() -> str:
    """Return the node image's name, which follows what is in it."""
    digest = cache.key(
        *map(golang.digest, _BUILDS),
        addons.digest(),
        programs.IMAGES,
        repr(programs.OF_EVERY_CLUSTER),
        _BUSYBOX,
    )
    return f"localhost/feastflow/node:{digest}"


def bases() -> dict[str, str]:
    """Return the names of the images under the node image and those on it, by their Dockerfile."""
    found = {
        file: f"localhost/feastflow/{Path(file).stem}:{cache.key(debian_name(), programs.IMAGES / file)}"
        for file in (_PACKAGES, _NETWORK)
    }
    return {**found, _HELPER: _BUSYBOX}


def _build_bases(engine: Engine, step: Step) -> dict[str, str]:
    base = debian(engine, step)
    found = bases()
    for file, image in found.items():
        step.note(image)
        with cache.draft() as empty:
            engine.build(
                image,
                dockerfile=programs.IMAGES / file,
                context=empty,
                arguments={"BASE_IMAGE": base},
                log=cache.log(_LOG),
            )
    return found


def _binaries(step: Step) -> dict[str, Path]:
    found = {}
    for build in _BUILDS:
        folder = golang.binaries(build, step)
        found.update({name: folder / name for name in build.programs.values()})
    return found


def _archive(engine: Engine, network: str, binaries: Mapping[str, Path], context: Path, step: Step) -> None:
    """Write one archive of every image that runs on a node, so that layers they share are kept once."""
    for program in programs.OF_EVERY_CLUSTER:
        step.note(program.image)
        programs.build(engine, program, binaries[program.name], context, network)
    images = [_BUSYBOX, *(program.image for program in programs.OF_EVERY_CLUSTER)]
    step.note("one archive of all images")
    programs.save(engine, images, context / "images.tar")
    engine.run("image", "rm", "--force", *images)
