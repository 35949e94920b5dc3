"""A Pulumi workspace outside the checkout: the program, a stack's settings, and what is local to both.

The checkout stays clean: the images that were just built, the port that was free and the passphrase's salt
are written here. State lives beside it, under the identity of the cluster it describes, so that the state of
a cluster that is gone is never taken for that of its successor.
"""

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local import orphans
from local.releases import Releases
from toolchain import cache
from toolchain.refusal import Refusal

_ROOT = Path(__file__).parent.parent

_BACKEND = "PULUMI_BACKEND_URL"

Config = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A folder for `pulumi -C`, and the environment in which its stacks and their secrets are found."""

    folder: Path
    environment: dict[str, str]

    def write(self, stack: str, overrides: Config) -> dict[str, Any]:
        """Take the stack's settings from the checkout, with the local ones over them, key by key."""
        config = merged(settings(stack), overrides)
        self.put(stack, config)
        return config

    def put(self, stack: str, config: Config) -> None:
        """Have these settings for the stack, whatever the checkout says."""
        document: dict[str, Any] = {"config": dict(config)}
        path = self.folder / f"Pulumi.{stack}.yaml"
        if path.exists():
            known = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            document.update({key: value for key, value in known.items() if key != "config"})
        _replace(path, yaml.safe_dump(document, sort_keys=False))

    def releases(self, stack: str) -> Releases:
        """What was deployed of the stack before."""
        return Releases(folder=self.folder / "releases" / stack)

    def end_orphans(self) -> None:
        """End what a killed run left of pulumi; nothing where the state is not this project's own."""
        if _BACKEND in self.environment:
            orphans.end(_BACKEND, self.environment[_BACKEND])


def of(identity: str) -> Workspace:
    """The workspace for the cluster of this identity; the user's own backend and passphrase go first."""
    home = cache.state_home()
    folder = home / "workspaces" / identity
    folder.mkdir(parents=True, exist_ok=True)
    project = yaml.safe_load((_ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["main"] = str(_ROOT)
    project["runtime"]["options"]["virtualenv"] = str((_ROOT / ".venv").resolve())
    _replace(folder / "Pulumi.yaml", yaml.safe_dump(project, sort_keys=False))
    environment = {}
    if _BACKEND not in os.environ:
        state = home / "stacks" / identity
        state.mkdir(parents=True, exist_ok=True)
        # Metadata would be a second file beside each one, not written at once: a kill in between leaves it
        # empty, and Pulumi cannot read the state at all then ("failed to load checkpoint: EOF").
        environment[_BACKEND] = f"file://{state}?metadata=skip"
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys():
        environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase())
    return Workspace(folder=folder, environment=environment)


def forget(identity: str) -> None:
    """Remove workspace and state of a cluster that is gone."""
    of(identity).end_orphans()
    for kind in ("workspaces", "stacks"):
        shutil.rmtree(cache.state_home() / kind / identity, ignore_errors=True)


def merged(below: Config, above: Config) -> dict[str, Any]:
    """Both, the upper one's values winning; mappings are merged key by key, everything else is replaced."""
    result = dict(below)
    for key, value in above.items():
        lower = result.get(key)
        if isinstance(value, Mapping) and isinstance(lower, Mapping):
            result[key] = merged(lower, value)
        else:
            result[key] = value
    return result


def settings(stack: str) -> dict[str, Any]:
    """The stack's settings in the checkout.

    Raises:
        Refusal: when there is no such stack, or its file cannot be read as settings.
    """
    path = _ROOT / f"Pulumi.{stack}.yaml"
    known = sorted(file.name.split(".")[1] for file in _ROOT.glob("Pulumi.*.yaml"))
    if not path.exists():
        raise Refusal(
            f"there is no stack {stack}: {path.name} does not exist",
            "a stack's settings say what to deploy",
            f"choose one of {', '.join(known)}: make up STACK={known[0]}",
        )
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        why = "its settings cannot be read"
        raise Refusal(f"{path.name} is not YAML: {error}", why, f"mend {path.name}") from error
    config = document.get("config") or {} if isinstance(document, dict) else document
    if not isinstance(config, dict):
        raise Refusal(
            f"{path.name} holds a {type(config).__name__} where settings belong",
            "its settings cannot be read",
            f"begin {path.name} with `config:`, and below it one `feastflow:…:` a setting",
        )
    return config


def _passphrase() -> Path:
    """A passphrase made once for the local state; whoever can read it can read the local stacks' secrets."""
    path = cache.state_home() / "passphrase"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(32))
            handle.flush()
            os.fsync(handle.fileno())
        draft.rename(path)
    return path


def _replace(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        draft = path.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        draft.rename(path)
