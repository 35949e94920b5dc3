"""The Pulumi CLI: the official one when there is one, else one compiled from pinned modules."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain import cache, golang, pins, private, process, scratch
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.golang import Build

_SCRIPTS = (
    "python/cmd/pulumi-language-python-exec",
    "python/dist/pulumi-analyzer-policy-python",
    "python/dist/pulumi-resource-pulumi-python",
)
_SDK = "github.com/pulumi/pulumi/sdk/v3"
# Providers stay off PATH: the engine would take them from there and warn about it.
_COMMANDS = "bin"
_PROVIDERS = "providers"
_PLUGINS = {"kubernetes": pins.PULUMI_KUBERNETES, "random": pins.PULUMI_RANDOM}


@dataclass(frozen=True, kw_only=True)
class Pulumi:
    """A CLI that can run this program; `environment` is what its processes need besides the user's own.

    Its TMPDIR is removed with this process; `lasting` is the rest, for a shell that goes on after it.
    """

    executable: Path
    environment: dict[str, str]
    official: bool

    @property
    def lasting(self) -> dict[str, str]:
        """Return what is still there when this process has ended."""
        return {name: value for name, value in self.environment.items() if name != scratch.VARIABLE}


def builds() -> tuple[Build, ...]:
    """Return what `ensure` may compile: nothing where the official CLI is on PATH."""
    return () if shutil.which("pulumi") else (pins.PULUMI_BUILD, pins.PYTHON_HOST_BUILD)


def ensure(venv: Path, step: Step) -> Pulumi:
    """Return the CLI and its plugins, compiled now when this machine has neither them nor the official CLI.

    Raises:
        UserError: when there is no official CLI and this machine cannot compile one.
    """
    found = shutil.which("pulumi")
    if found:
        version = process.output([found, "version"], env={"PULUMI_SKIP_UPDATE_CHECK": "true"}).strip()
        if not version.startswith("v3."):
            raise UserError(
                f"`pulumi` on PATH ({found}) is {version or 'of an unknown version'}",
                "this program is written for Pulumi 3",
                "put Pulumi 3 first on PATH, or take `pulumi` off PATH to have one compiled",
            )
        step.result(f"the official pulumi {version} on PATH, with its own plugins")
        environment = {"PATH": _path(venv / "bin"), scratch.VARIABLE: str(scratch.folder())}
        return Pulumi(executable=Path(found), environment=environment, official=True)
    folder = cache.entry("pulumi", digest(), lambda draft: _assemble(draft, step))
    step.result(f"pulumi {pins.PULUMI}, kubernetes {_PLUGINS['kubernetes']}, random {_PLUGINS['random']}")
    environment = {
        # This language host takes the Python that is first on PATH.
        "PATH": _path(venv / "bin", folder / _COMMANDS),
        "PULUMI_HOME": str(_home(folder)),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        scratch.VARIABLE: str(scratch.folder()),
    }
    return Pulumi(executable=folder / _COMMANDS / "pulumi", environment=environment, official=False)


def digest() -> str:
    """Return the name under which the compiled CLI and its plugins are cached."""
    return cache.key(
        golang.digest(pins.PULUMI_BUILD),
        golang.digest(pins.PYTHON_HOST_BUILD),
        *_SCRIPTS,
        _COMMANDS,
        _PROVIDERS,
    )


def _assemble(draft: Path, step: Step) -> None:
    for folder in (draft / _COMMANDS, draft / _PROVIDERS):
        folder.mkdir()
    for build in (pins.PULUMI_BUILD, pins.PYTHON_HOST_BUILD):
        compiled = golang.binaries(build, step)
        for name in build.programs.values():
            place = _PROVIDERS if name.startswith("pulumi-resource-") else _COMMANDS
            (draft / place / name).hardlink_to(compiled / name)
    sdk = golang.source(pins.PULUMI_BUILD.module, _SDK)
    for script in _SCRIPTS:
        target = draft / _COMMANDS / Path(script).name
        shutil.copyfile(sdk / script, target)
        target.chmod(0o755)


def _home(folder: Path) -> Path:
    """Return PULUMI_HOME with links to the cached plugins where the engine looks for them."""
    home = cache.state_home() / "pulumi"
    for name, version in _PLUGINS.items():
        binary = f"pulumi-resource-{name}"
        link = home / "plugins" / f"resource-{name}-v{version}" / binary
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink() or link.readlink() != folder / _PROVIDERS / binary:
            private.link(link, folder / _PROVIDERS / binary)
    return home


def _path(*first: Path) -> str:
    return os.pathsep.join([*map(str, first), os.environ.get("PATH", os.defpath)])
