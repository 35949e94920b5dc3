"""The container engine that carries the nodes: the user's Docker or Podman, or Debian's set up here."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.toolchain import cache, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

# What containers need until the next reboot.
RUNTIME = Path("/run/feastflow")

_OFFICIAL_NODE = "docker.io/kindest/node:latest"
_UNNAMED_STAYS = "2h"
_PACKAGES = ("podman", "runc", "netavark", "aardvark-dns", "mmdebstrap", "iptables", "iproute2")
_COMMANDS = ("podman", "runc", "conmon", "mmdebstrap", "iptables", "ip")

_CONTAINERS_CONF = """\
[containers]
# Without CAP_SYS_RESOURCE no limit may be raised, so none above the machine's own is asked for.
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
pids_limit = 0
# crun refuses hybrid cgroups, and there may be no systemd to make any.
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{state}/networks"
"""
_STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{images}"
runroot = "{runtime}"
"""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The recipe of an image: a Dockerfile, the folder that it copies from, its arguments and its stage."""

    dockerfile: Path
    context: Path
    arguments: Mapping[str, str] = field(default_factory=dict)
    target: str = ""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A container engine and how to call it. `own` is the Podman that lives by this project's settings."""

    command: str
    own: bool
    why: str
    network: str = "kind"
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, timeout: float = 300) -> str:
        """Return what the engine prints; see `process.output` for errors."""
        return process.output([self.command, *arguments], env=self.environment, timeout=timeout)

    def has(self, *arguments: str) -> bool:
        """Return whether a question to the engine is answered with success."""
        return process.answers([self.command, *arguments], env=self.environment, timeout=60)

    def build(
        self,
        tag: str,
        *,
        dockerfile: Path,
        context: Path,
        arguments: Mapping[str, str],
        log: Path,
        each: Callable[[str], None] | None = None,
    ) -> None:
        """Build an image unless the tag is there already, so a tag must follow its content."""
        if not self.has("image", "inspect", tag):
            recipe = Recipe(dockerfile=dockerfile, context=context, arguments=arguments)
            # What the own engine builds from was built here, too.
            self._build(tag, recipe, ["--pull=never"] if self.own else [], log=log, each=each)

    def rebuild(
        self, tag: str, recipe: "Recipe", *, log: Path, each: Callable[[str], None] | None = None
    ) -> str:
        """Build an image from what is there now, and return its id; layers that are the same stay."""
        self._build(tag, recipe, [], log=log, each=each)
        return self._id(tag)

    def id(self, image: str) -> str | None:
        """Return the image's id, in hexadecimal digits; None where the engine has no such image."""
        try:
            return self._id(image)
        except (process.CommandError, OSError):
            return None

    def _id(self, image: str) -> str:
        return self.run("image", "inspect", "--format", "{{.Id}}", image).strip().removeprefix("sha256:")

    def _build(
        self,
        tag: str,
        recipe: "Recipe",
        flags: Sequence[str],
        *,
        log: Path,
        each: Callable[[str], None] | None,
    ) -> None:
        flags = [*(["--isolation", "chroot"] if self.own else []), *flags]
        for name, value in recipe.arguments.items():
            flags += ["--build-arg", f"{name}={value}"]
        if recipe.target:
            flags += ["--target", recipe.target]
        if _certificates():
            flags += ["--secret", f"id=ca,src={_certificates()}"]
        places = ["--file", str(recipe.dockerfile), "--tag", tag, str(recipe.context)]
        # An attestation has the time in it, and so the same image would have another id each time.
        environment = {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        try:
            process.stream(
                [self.command, "build", *flags, *places],
                env={**self.environment, **environment},
                log=log,
                each=each,
                timeout=1800,
            )
        except process.CommandError as failure:
            raise UserError(
                f"the image {tag.rsplit('/', maxsplit=1)[-1]} could not be built\n{failure.tail[-1500:]}",
                "the cluster cannot run it without",
                f"the whole log is {log}; when a download failed, run it again: finished layers stay",
            ) from failure

    def tidy(self, *current: str) -> None:
        """Delete images that `current` replaced: of the same names, all but those and the newest other one.

        The other one is for a second checkout, or a change that is undone. With the own engine also what old
        builds left without a name; a young one spares the next build. What a container uses stays.
        """
        listed = self.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
        left = {_name(image): 1 for image in current}
        for image in listed:  # the newest first
            if image not in current and _name(image) in left:
                left[_name(image)] -= 1
                if left[_name(image)] < 0:
                    with contextlib.suppress(process.CommandError):
                        self.run("image", "rm", image)
        if self.own:
            self.run("image", "prune", "--force", "--filter", f"until={_UNNAMED_STAYS}")


def _name(image: str) -> str:
    return image.rpartition(":")[0]


def choose() -> Engine:
    """Return the engine to use, with the reason.

    Raises:
        UserError: when there is none and this machine cannot get Debian's Podman.
    """
    for command in ("docker", "podman"):
        if shutil.which(command) and _can_carry(command):
            return Engine(
                command=command,
                own=False,
                why=f"{command} answers and can fetch kind's official node image",
                # Left alone, kind takes Docker where there is so much as its client.
                environment={"KIND_EXPERIMENTAL_PROVIDER": command},
            )
    return own()


def _can_carry(command: str) -> bool:
    """Return whether the user's engine answers and has, or can fetch, kind's node image."""

    def has(*arguments: str) -> bool:
        return process.answers([command, *arguments], timeout=60)

    if command == "docker":
        return has("info") and (
            has("image", "inspect", _OFFICIAL_NODE) or has("manifest", "inspect", _OFFICIAL_NODE)
        )
    # To ask Podman anything makes and mounts its store, so that is read, and the registry is asked as well.
    if podman_holds(_OFFICIAL_NODE):
        return has("info")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        elsewhere = [f"--root={scratch}/root", f"--runroot={scratch}/run", "--storage-driver=vfs"]
        if os.uname().sysname != "Linux" or "CONTAINER_HOST" in os.environ:
            # A Podman that only speaks to another one has no store here, and no such flags.
            elsewhere.clear()
        return has(*elsewhere, "manifest", "inspect", _OFFICIAL_NODE) and has("info")


def podman_holds(image: str) -> bool:
    """Return whether the user's Podman has an image of this whole name, without starting Podman."""
    place = "/var/lib/containers/storage" if os.geteuid() == 0 else "~/.local/share/containers/storage"
    store = Path(place).expanduser()
    try:
        images = json.loads((store / "overlay-images" / "images.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return any(image in (known.get("names") or []) for known in images)


def again(known: Engine) -> Engine:
    """Return the engine that carries a cluster already, ready for use.

    Raises:
        UserError: when it does not answer any more.
    """
    if known.own:
        return own()
    if not process.answers([known.command, "info"]):
        raise UserError(
            f"{known.command} does not answer",
            "the nodes of the cluster are its containers",
            f"start {known.command} and run it again, or give the cluster up: make down",
        )
    return known


def present() -> Engine | None:
    """Return the own Podman when it is installed already: to delete things, which must not install any."""
    return own() if os.geteuid() == 0 and all(map(shutil.which, _COMMANDS)) else None


def own() -> Engine:
    """Return Debian's Podman with its own settings: no other containers, networks, settings are touched."""
    if os.geteuid() != 0:
        raise UserError(
            f"no Docker or Podman here can fetch kind's node image, and user {os.geteuid()} is not root",
            "a cluster of its own needs Debian's Podman, network namespaces and mounts",
            "start Docker, or run it as root (sudo make up), or name a cluster you have: make up CONTEXT=…",
        )
    missing = [name for name in _COMMANDS if shutil.which(name) is None]
    if missing:
        _install(missing)
    state = cache.state_home() / "engine"
    images = cache.home() / "containers"
    for folder in (state / "networks", images, runtime()):
        folder.mkdir(parents=True, exist_ok=True)
    (state / "containers.conf").write_text(_CONTAINERS_CONF.format(state=state), encoding="utf-8")
    storage = _STORAGE_CONF.format(images=images, runtime=runtime())
    (state / "storage.conf").write_text(storage, encoding="utf-8")
    # netavark keeps names, addresses and rules by the network's name, for the whole machine.
    network = f"feastflow-{cache.key(str(cache.home()), str(cache.state_home()))}"
    return Engine(
        command="podman",
        own=True,
        why="no engine answers that can fetch kind's node image: Debian's Podman and an image built here",
        network=network,
        environment={
            "CONTAINERS_CONF": str(state / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(state / "storage.conf"),
            "KIND_EXPERIMENTAL_PROVIDER": "podman",
            "KIND_EXPERIMENTAL_PODMAN_NETWORK": network,
        },
    )


def runtime() -> Path:
    """Return the own Podman's folder for what a reboot may delete: one for each store of images."""
    return RUNTIME / cache.key(str(cache.home()))


def _install(missing: list[str]) -> None:
    if shutil.which("apt-get") is None:
        raise UserError(
            f"{', '.join(missing)}: not on PATH, and there is no apt-get",
            "the local cluster is built from Debian's packages",
            "install Docker, or Podman with runc and netavark, or name a cluster: make up CONTEXT=…",
        )
    log = cache.log("apt")
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *_PACKAGES]
    with Step("packages", f"installing {', '.join(_PACKAGES)}") as step:
        try:
            process.stream(["apt-get", "update"], env=environment, log=log, timeout=600)
            process.stream(install, env=environment, log=log, timeout=1200)
        except process.CommandError as failure:
            raise UserError(
                f"Debian's packages could not be installed\n{failure.tail}",
                f"the local cluster needs {', '.join(_PACKAGES)}",
                "check /etc/apt/sources.list and the network; or name a cluster you have: make up CONTEXT=…",
            ) from failure
        step.result(f"{', '.join(missing)}: installed from Debian's packages")


def _certificates() -> str | None:
    """Return the machine's certificate authorities, if it trusts more than the usual: so must builds."""
    bundle = os.environ.get("SSL_CERT_FILE")
    return bundle if bundle and Path(bundle).is_file() else None
