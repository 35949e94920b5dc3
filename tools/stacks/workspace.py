"""A Pulumi workspace outside the checkout: the program, a stack's settings, and what is local to both.

The checkout stays clean: the images that were just built, the port that was free and the passphrase's salt
are written here. State lives beside it, under the identity of the cluster it describes, so that the state of
a cluster that is gone is never taken for that of its successor; or where `make backend` has moved it.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.settings.file import stackfile
from components.settings.file.stackfile import StackFile
from components.settings.values.merging import merged
from tools.stacks import releases
from tools.stacks.releases import Releases
from tools.state import lock, place
from tools.state.deployment import ENCRYPTION
from tools.state.lock import Owner
from tools.state.place import Place
from tools.toolchain import cache, private, proc, started
from tools.toolchain.errors import UserError

_ROOT = Path(__file__).parents[2]

_BACKEND = lock.BACKEND
# Where the runs of pulumi are recorded, in a workspace's folder.
_STARTED = "started"
_PULUMI = "pulumi"

Config = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A folder for `pulumi -C`, and the environment in which its stacks and their secrets are found.

    `secrets` is the provider for a stack that is made there. `shared` says that others may use the state too.
    """

    folder: Path
    environment: dict[str, str]
    secrets: str = place.PASSPHRASE
    shared: bool = False

    def write(self, stack: str, overrides: Config) -> dict[str, Any]:
        """Take the stack's settings from the checkout, with the local ones over them, key by key."""
        config = merged(settings(stack), overrides)
        self.put(stack, config)
        return config

    def put(self, stack: str, config: Config) -> None:
        """Have these settings for the stack, whatever the checkout says.

        How secrets are encrypted is what the checkout's file says, where it says so: its own are encrypted
        that way. Else it is what Pulumi wrote here.
        """
        document: dict[str, Any] = {"config": dict(config)}
        path = self.folder / f"Pulumi.{stack}.yaml"
        theirs = encryption(stack)
        if path.exists():
            known = stackfile.read(path.read_bytes()).rest
            superseded = ENCRYPTION if theirs else ()
            document.update({key: value for key, value in known.items() if key not in superseded})
        _replace(path, stackfile.write({**document, **theirs}))

    def provider(self, stack: str) -> str:
        """The secrets provider for making the stack: what its file here names, else the place's."""
        path = self.folder / f"Pulumi.{stack}.yaml"
        known = stackfile.read(path.read_bytes()).rest if path.exists() else {}
        return str(known.get("secretsprovider") or self.secrets)

    def releases(self, stack: str) -> Releases:
        """Return what was deployed of the stack before."""
        return Releases(folder=self.folder / "releases" / stack)

    def cut_off(self, stack: str) -> list[str]:
        """The names of the stack's resources whose update an earlier run did not see the end of."""
        path = self._cut_off(stack)
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    def note_cut_off(self, stack: str, names: Sequence[str]) -> None:
        """Remember them for the next run, beside those that are known; none: all has been seen to."""
        path = self._cut_off(stack)
        if names:
            _replace(path, "\n".join(sorted({*self.cut_off(stack), *names})) + "\n")
        else:
            path.unlink(missing_ok=True)

    def _cut_off(self, stack: str) -> Path:
        return self.folder / f"{stack}.cut-off"

    def holders(self, stack: str) -> list[Owner]:
        """Return who holds the stack in this machine's files; locks of processes that are gone are deleted.

        Empty where the state may be others' too: only Pulumi knows who holds that one.
        """
        if self.shared or _BACKEND not in self.environment:
            return []
        return lock.held(place.path(self.environment[_BACKEND]), self._project(), stack)

    def recorded(self) -> contextlib.AbstractContextManager[dict[str, str]]:
        """Record a run of pulumi for the length of the block; yields what its environment must say."""
        return started.recorded(self.folder / _STARTED)

    def end_orphans(self) -> list[int]:
        """End what recorded runs left of pulumi; returns the processes. A run whose pulumi lives goes on."""
        return _end_orphans(self.folder / _STARTED)

    def _project(self) -> str:
        described = yaml.safe_load((self.folder / "Pulumi.yaml").read_text(encoding="utf-8")) or {}
        return str(described.get("name", ""))


def of(identity: str, stack: str | None = None) -> Workspace:
    """The workspace for the cluster of this identity, and for this stack of it, wherever its state is.

    The user's own backend and passphrase go first.
    """
    own = _BACKEND in os.environ
    there = place.first(identity) if own or stack is None else place.read(identity, stack).current
    folder = prepare(identity, there)
    environment = {} if own else {_BACKEND: there.url}
    if there.local and not own:
        private.tidy(private.folder(place.files(there)))
    private.tidy(folder)
    return Workspace(
        folder=folder,
        environment={**environment, **passphrase()},
        secrets=there.secrets,
        shared=own or not there.local,
    )


def prepare(identity: str, there: Place) -> Path:
    """The folder of a place's workspace, with the project in it."""
    folder = private.folder(place.folder(identity, there))
    describe(folder)
    return folder


def describe(folder: Path) -> None:
    """Have the project in a folder, with the checkout's program and environment."""
    described = project()
    described["main"] = str(_ROOT)
    described["runtime"]["options"]["virtualenv"] = str((_ROOT / ".venv").resolve())
    _replace(folder / "Pulumi.yaml", yaml.safe_dump(described, sort_keys=False))


def project() -> dict[str, Any]:
    """The project as the checkout describes it."""
    described: dict[str, Any] = yaml.safe_load((_ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    return described


def passphrase() -> dict[str, str]:
    """Return where pulumi finds the passphrase; nothing where the user names one."""
    if {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys():
        return {}
    return {"PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase())}


def forget(identity: str) -> None:
    """Remove workspace and state of a cluster that is gone; a state that is not on this machine stays."""
    for runs in (cache.state_home() / "workspaces" / identity).rglob(_STARTED):
        _end_orphans(runs)
    for kind in ("workspaces", "stacks"):
        shutil.rmtree(cache.state_home() / kind / identity, ignore_errors=True)


def holders(identity: str) -> list[str]:
    """Return who holds any of the cluster's stacks in this machine's files."""
    found = []
    for bookkeeping in (cache.state_home() / "stacks" / identity).rglob(".pulumi"):
        files = bookkeeping.parent
        for project, stack in sorted(lock.stacks(files)):
            found += [f"{owner}, on {stack}" for owner in lock.held(files, project, stack)]
    return found


def settings(stack: str) -> dict[str, Any]:
    """The stack's settings in the checkout.

    Raises:
        UserError: when there is no such stack, its file cannot be read as settings, or a process would be
            told another text than it shows.
    """
    file = _file(stack)
    if altered := stackfile.problems(file):
        raise UserError(
            "\n\n".join(altered),
            "what is deployed would not be what the file shows",
            f"change Pulumi.{stack}.yaml as it says, and run it again",
        )
    return file.config


def section(config: Config, name: str) -> Config:
    """A section of a stack's settings; what else stands in its place is refused by the program itself."""
    return releases.section(config, f"feastflow:{name}")


def encryption(stack: str) -> dict[str, Any]:
    """Return how the checkout's file says that the stack's secrets are encrypted; empty where it does not."""
    document = _file(stack).rest
    return {key: document[key] for key in ENCRYPTION if key in document}


def _file(stack: str) -> StackFile:
    path = _ROOT / f"Pulumi.{stack}.yaml"
    known = sorted(map(stackfile.stack, _ROOT.glob("Pulumi.*.yaml")))
    if not path.exists():
        raise UserError(
            f"there is no stack {stack}: {path.name} does not exist",
            "a stack's settings say what to deploy",
            f"choose one of {', '.join(known)}: make up STACK={known[0]}"
            if known
            else f"begin {path.name} with `config:`, and below it one `feastflow:…:` a setting",
        )
    try:
        return stackfile.load(path)
    except stackfile.StackFileError as error:
        raise UserError(*error.words(path.name)) from error


def _end_orphans(runs: Path) -> list[int]:
    return started.end(runs, lambda number: _PULUMI in " ".join(proc.command(number)), main=_PULUMI)


def _passphrase() -> Path:
    """Return a passphrase made once for the local state; its readers can read the local stacks' secrets."""
    path = cache.state_home() / "passphrase"
    if not path.exists():
        private.write(path, secrets.token_urlsafe(32), durable=True)
    return path


def _replace(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        private.write(path, text)
