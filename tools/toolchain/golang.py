"""Programs compiled from pinned Go modules.

A module here is a go.mod and a go.sum, with at most a small main of its own: they pin every version, go.sum
every byte. Programs share a module where their versions agree: what they have in common compiles once.
"""

import contextlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

from tools.toolchain import cache, process
from tools.toolchain.background import Task
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

MODULES = Path(__file__).parent / "go"

_OLDEST = (1, 26, 6)
_ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}
# What makes compiling cheaper and leaves the programs as they are, so that no key depends on it. The linker
# drops the debugging information anyway; and a compiler ends before its garbage would fill the memory.
_CHEAPER = ("-gcflags=all=-dwarf=false",)
_LESS_COLLECTING = {"GOGC": "off", "GOMEMLIMIT": "2GiB"}
# Builds that were begun ahead, by digest; the last one's sign that it only links any more.
_begun: dict[str, Task[Path]] = {}
_last: list[threading.Event] = []
# Go downloads as many modules at a time as it may use processors.
_DOWNLOADS = {"GOMAXPROCS": "12"}


@dataclass(frozen=True, kw_only=True)
class Build:
    """Programs of one module: package path → name of the binary.

    `embeds` copies files of a dependency next to a main that embeds them: file → "module path//file".
    `trimmed` are dependencies that are compiled without parts that cost much and serve nothing here: folder →
    module path. The module replaces the dependency by that folder; the build copies upstream's files there,
    at the version and checksum that the folder's `upstream/go.mod` pins; committed ones replace them.
    `variables` are string variables set by the linker, mostly versions. `gib` is the room on the disk that
    the modules and the build cache take when nothing is cached; it shapes nothing, so no key depends on it.
    """

    module: str
    programs: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    embeds: Mapping[str, str] = field(default_factory=dict)
    trimmed: Mapping[str, str] = field(default_factory=dict)
    gib: int = field(repr=False)


def check(*builds: Build) -> None:
    """Refuse a machine that cannot compile these builds: no Go, one too old, or a disk without room.

    Builds that are cached already need none of it.
    """
    missing = [build for build in builds if cache.find("bin", digest(build)) is None]
    if not missing:
        return
    if shutil.which("go") is None:
        raise UserError(
            "there is no `go` on PATH",
            "the tools this machine lacks are compiled from pinned Go modules",
            f"install Go {_version(_OLDEST)} or newer (https://go.dev/dl) and run it again;\n"
            "or deploy to a cluster of yours with your own pulumi and kubectl: make up CONTEXT=…",
        )
    text = process.output(["go", "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"}).strip()
    numbers = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", text)
    if numbers is None or tuple(int(n or 0) for n in numbers.groups()) < _OLDEST:
        raise UserError(
            f"`go` on PATH is {text or 'of an unknown version'}",
            f"the pinned modules need Go {_version(_OLDEST)}",
            "put a newer Go first on PATH (https://go.dev/dl) and run it again",
        )
    room(build_cache(), sum(build.gib for build in missing), "Go's build cache and the modules")


def build_cache() -> Path:
    """Return Go's build cache: the one in GOCACHE, else one of the project's own, which it may delete."""
    named = os.environ.get("GOCACHE")
    return Path(named) if named else cache.home() / "go-build"


def room(folder: Path, gib: int, purpose: str) -> None:
    """Refuse when the file system of `folder` has less than `gib` GiB free."""
    while not folder.exists():
        folder = folder.parent
    free = _free_gib(folder)
    if free < gib:
        raise UserError(
            f"{free:.1f} GiB are free where {folder} is",
            f"{purpose} take up to {gib} GiB; a build that runs out of room has to begin again",
            "free some room, or name a larger disk: XDG_CACHE_HOME=… GOCACHE=… GOMODCACHE=…",
        )


def _free_gib(folder: Path) -> float:
    return shutil.disk_usage(folder).free / 2**30


def digest(build: Build) -> str:
    """Return the name under which the binaries are cached: a hash of the pins and what shapes them."""
    machine = os.uname().machine
    return cache.key(MODULES / build.module, repr(build), repr(sorted(_ENVIRONMENT.items())), machine)


def binaries(build: Build, step: Step) -> Path:
    """Return the folder with the build's programs, compiled now when they are not in the cache."""
    begun = _begun.pop(digest(build), None)
    if begun is not None:
        begun.wait(step)
    return cache.entry("bin", digest(build), lambda folder: _compile(build, folder, step))


def ahead(*builds: Build) -> None:
    """Begin to compile what is missing, in this order, and to download what each needs before its turn.

    Runs in threads; `binaries` waits for what was begun and raises its failure. A build's last programs are
    linked while the next one compiles, since a linker keeps only one processor busy.
    """
    missing = [build for build in builds if cache.find("bin", digest(build)) is None]
    for build in missing:
        if digest(build) not in _begun:
            before, _last[:] = _last[:], [threading.Event()]
            _begun[digest(build)] = Task(partial(_in_turn, build, before, _last[0]))
    if missing:
        threading.Thread(target=_download, args=[missing], daemon=True).start()


def _in_turn(build: Build, before: Sequence[threading.Event], linking: threading.Event, step: Step) -> Path:
    for event in before:
        event.wait()
    try:
        return cache.entry("bin", digest(build), lambda folder: _compile(build, folder, step, linking.set))
    finally:
        linking.set()


def _download(builds: Sequence[Build]) -> None:
    """Download modules and say nothing: what fails here fails again, with a message, where it is needed."""
    for build in builds:
        with contextlib.suppress(UserError, OSError), cache.draft() as folder:
            work = folder / "module"
            _assemble(build, work)
            _dependencies(build, work)


def source(module: str, dependency: str) -> Path:
    """Return where Go keeps a dependency's source: for upstream's manifests and scripts, as they are."""
    for trimmed in (MODULES / module).glob("*/upstream/go.mod"):
        if f"require {dependency} v" in trimmed.read_text(encoding="utf-8"):
            # The module itself has only our part of it.
            module = f"{module}/{trimmed.parent.relative_to(MODULES / module)}"
    _go(["mod", "download", dependency], module)
    return Path(_go(["list", "-m", "-f", "{{.Dir}}", dependency], module).strip())


def _compile(build: Build, folder: Path, step: Step, linking: Callable[[], None] = lambda: None) -> None:
    check(build)
    work = folder / ".module"
    _assemble(build, work)
    step.note("finding out what there is to compile")
    total = len(_dependencies(build, work))
    flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in build.variables.items())])
    done = 0
    mains = set(build.programs)

    def compiled(line: str) -> None:
        nonlocal done
        if line and not line.startswith(("go: ", "#")) and " " not in line:
            done += 1
            step.note(f"{done} packages compiled, {total} in all with those already in Go's cache")
            mains.difference_update([main for main in mains if line.endswith(main.removeprefix("."))])
            if not mains:
                linking()

    command = [
        *_calmly(),
        "go",
        "build",
        "-v",
        "-trimpath",
        f"-ldflags={flags}",
        *_CHEAPER,
        "-o",
        f"{folder}/",
    ]
    try:
        log = cache.log(f"go-{build.module}")
        environment = {**_environment(), **_LESS_COLLECTING}
        process.stream(
            [*command, *build.programs], env=environment, cwd=work, log=log, each=compiled, timeout=5400
        )
    except process.CommandError as failure:
        raise _refused(build.module, failure, f"see the whole log, {log}, and run it again") from failure
    shutil.rmtree(work)
    for package, name in build.programs.items():
        built = folder / _base(package)
        if built.name != name:
            built.rename(folder / name)


def _calmly() -> tuple[str, ...]:
    """Let everything else go before a compiler: a control plane that starts meanwhile has time limits."""
    return ("nice", "-n", "10") if shutil.which("nice") else ()


def _assemble(build: Build, work: Path) -> None:
    """Make the module that is compiled: the committed one, completed from its dependencies."""
    shutil.copytree(MODULES / build.module, work)
    for place, dependency in build.trimmed.items():
        # As files: what Go keeps is read-only, and ours take their places.
        _copy(source(f"{build.module}/{place}/upstream", dependency), work / place)
        _copy(MODULES / build.module / place, work / place)
    for file, origin in build.embeds.items():
        dependency, _, path = origin.partition("//")
        shutil.copyfile(source(build.module, dependency) / path, work / file)


def _copy(origin: Path, target: Path) -> None:
    for path in origin.rglob("*"):
        if path.is_file():
            place = target / path.relative_to(origin)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def _dependencies(build: Build, folder: Path) -> list[str]:
    """Return every package that the build compiles; download what of it is missing."""
    command = ["list", "-deps", *build.programs]
    return _go(command, build.module, cwd=folder, timeout=1800, extra=_DOWNLOADS).splitlines()


def _go(
    arguments: Sequence[str],
    module: str,
    *,
    cwd: Path | None = None,
    timeout: float = 900,
    extra: Mapping[str, str] = MappingProxyType({}),
) -> str:
    try:
        return process.output(
            ["go", *arguments],
            env={**_environment(), **extra},
            cwd=cwd or MODULES / module,
            timeout=timeout,
        )
    except process.CommandError as failure:
        raise _refused(module, failure, "fix what it names and run it again") from failure


def _environment() -> dict[str, str]:
    return {**_ENVIRONMENT, "GOCACHE": str(build_cache())}


def _refused(module: str, failure: process.CommandError, fix: str) -> UserError:
    found = f"{module}: {failure.tail or failure}"
    if "checksum mismatch" in failure.tail or "SECURITY ERROR" in failure.tail:
        return UserError(
            f"a Go module is not what go.sum says it must be\n{failure.tail}",
            "it was changed on the way, or Go's module cache is damaged; nothing was compiled from it",
            "run `go clean -modcache` and try again; if it comes back, do not trust the network you are on",
        )
    if "no space left" in failure.tail:
        return UserError(found, "the disk is full", "free some room and run it again: it goes on from there")
    if any(
        word in failure.tail
        for word in ("dial tcp", "i/o timeout", "no such host", "proxyconnect", "connection re")
    ):
        return UserError(
            found,
            "a module could not be fetched",
            "check the network and GOPROXY, and run it again: what was fetched stays",
        )
    return UserError(found, "the tools cannot be compiled without it", fix)


def _base(package: str) -> str:
    parts = package.split("/")
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) else parts[-1]


def _version(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
