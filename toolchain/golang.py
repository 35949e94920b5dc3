"""Programs compiled from pinned Go modules.

A module here is a go.mod and a go.sum, with at most a small main of its own: they pin every version, go.sum
every byte. Programs share a module where their versions agree: what they have in common compiles once.
"""

import contextlib
import os
import re
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolchain import cache, process
from toolchain.console import Step
from toolchain.refusal import Refusal

MODULES = Path(__file__).parent / "go"

_OLDEST = (1, 25, 0)
_ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}
_DISK_NEEDED_GIB = 17


@dataclass(frozen=True, kw_only=True)
class Build:
    """Programs of one module: package path → name of the binary.

    `embeds` copies files of a dependency beside a main that embeds them: file → "module path//file".
    `variables` are string variables set by the linker, mostly versions. `gib` is how much room it may take
    besides what is cached, where that is less than for all of them together; it shapes nothing, so it is no
    part of what the binaries are cached under.
    """

    module: str
    programs: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    embeds: Mapping[str, str] = field(default_factory=dict)
    gib: int | None = field(default=None, repr=False)


def check(gib: int | None = None) -> None:
    """Refuse a machine that cannot compile: no Go, one too old, or less than `gib` for its build cache.

    Without a number: what all builds may take together.
    """
    if shutil.which("go") is None:
        raise Refusal(
            "there is no `go` on PATH",
            "the tools this machine lacks are compiled from pinned Go modules",
            f"install Go {_version(_OLDEST)} or newer (https://go.dev/dl) and run it again;\n"
            "or deploy to a cluster of yours with your own pulumi and kubectl: make up CONTEXT=…",
        )
    text = process.output(["go", "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"}).strip()
    numbers = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", text)
    if numbers is None or tuple(int(n or 0) for n in numbers.groups()) < _OLDEST:
        raise Refusal(
            f"`go` on PATH is {text or 'of an unknown version'}",
            f"the pinned modules need Go {_version(_OLDEST)}",
            "put a newer Go first on PATH (https://go.dev/dl) and run it again",
        )
    folder = Path(process.output(["go", "env", "GOCACHE"]).strip())
    room(folder, _DISK_NEEDED_GIB if gib is None else gib, "Go's build cache and the modules")


def room(folder: Path, gib: int, purpose: str) -> None:
    """Refuse when the file system of `folder` has less than `gib` GiB free."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    if free < gib:
        raise Refusal(
            f"{free:.1f} GiB are free where {folder} is",
            f"{purpose} take up to {gib} GiB; a build that runs out of room has to begin again",
            "free some room, or name a larger disk: XDG_CACHE_HOME=… GOCACHE=… GOMODCACHE=…",
        )


def digest(build: Build) -> str:
    """The name under which the build's binaries are cached: a hash of the pins and what shapes them."""
    machine = os.uname().machine
    return cache.key(MODULES / build.module, repr(build), repr(sorted(_ENVIRONMENT.items())), machine)


def binaries(build: Build, step: Step) -> Path:
    """The folder with the build's programs, compiled now when they are not in the cache."""
    return cache.entry("bin", digest(build), lambda folder: _compile(build, folder, step))


def source(module: str, dependency: str) -> Path:
    """Where Go keeps a dependency's source: for upstream's manifests and scripts, as they are."""
    _go(["mod", "download", dependency], module)
    return Path(_go(["list", "-m", "-f", "{{.Dir}}", dependency], module).strip())


def prefetch(builds: Sequence[Build]) -> None:
    """Begin to download what builds not yet in the cache need, so that compiling never waits for the network.

    Runs beside the caller and says nothing: what fails here fails again, with a message, where it is needed.
    """
    missing = [build for build in builds if cache.find("bin", digest(build)) is None]

    def download() -> None:
        for build in missing:
            with contextlib.suppress(Refusal, OSError):
                _go(["list", "-deps", "-f", "{{.Dir}}", *build.programs], build.module, timeout=1800)

    threading.Thread(target=download, daemon=True).start()


def _compile(build: Build, folder: Path, step: Step) -> None:
    check(build.gib)
    work = folder / ".module"
    shutil.copytree(MODULES / build.module, work)
    for file, origin in build.embeds.items():
        dependency, _, path = origin.partition("//")
        shutil.copyfile(source(build.module, dependency) / path, work / file)
    step.note("finding out what there is to compile")
    total = len(_go(["list", "-deps", *build.programs], build.module, cwd=work, timeout=1800).splitlines())
    flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in build.variables.items())])
    done = 0

    def compiled(line: str) -> None:
        nonlocal done
        if line and not line.startswith(("go: ", "#")) and " " not in line:
            done += 1
            step.note(f"{done} packages compiled, {total} in all with those already in Go's cache")

    command = ["go", "build", "-v", "-trimpath", f"-ldflags={flags}", "-o", f"{folder}/", *build.programs]
    try:
        log = cache.log(f"go-{build.module}")
        process.stream(command, env=_ENVIRONMENT, cwd=work, log=log, each=compiled, timeout=5400)
    except process.CommandError as failure:
        raise _refused(build.module, failure, f"see the whole log, {log}, and run it again") from failure
    shutil.rmtree(work)
    for package, name in build.programs.items():
        built = folder / _base(package)
        if built.name != name:
            built.rename(folder / name)


def _go(arguments: list[str], module: str, *, cwd: Path | None = None, timeout: float = 900) -> str:
    folder = cwd or MODULES / module
    try:
        return process.output(["go", *arguments], env=_ENVIRONMENT, cwd=folder, timeout=timeout)
    except process.CommandError as failure:
        raise _refused(module, failure, "mend what it names and run it again") from failure


def _refused(module: str, failure: process.CommandError, fix: str) -> Refusal:
    found = f"{module}: {failure.tail or failure}"
    if "checksum mismatch" in failure.tail or "SECURITY ERROR" in failure.tail:
        return Refusal(
            f"a Go module is not what go.sum says it must be\n{failure.tail}",
            "it was changed on the way, or Go's module cache is damaged; nothing was compiled from it",
            "run `go clean -modcache` and try again; if it comes back, do not trust the network you are on",
        )
    if "no space left" in failure.tail:
        return Refusal(found, "the disk is full", "free some room and run it again: it goes on from there")
    if any(
        word in failure.tail
        for word in ("dial tcp", "i/o timeout", "no such host", "proxyconnect", "connection re")
    ):
        return Refusal(
            found,
            "a module could not be fetched",
            "check the network and GOPROXY, and run it again: what was fetched stays",
        )
    return Refusal(found, "the tools cannot be compiled without it", fix)


def _base(package: str) -> str:
    parts = package.split("/")
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) else parts[-1]


def _version(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
