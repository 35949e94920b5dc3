"""A program at one commit: its folder, its stacks, and of their settings what is known without keys."""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.settings.file import encrypted, prefixes, stackfile
from components.settings.file.stackfile import StackFile
from tools.toolchain import process
from tools.toolchain.errors import UserError

# The connection is the machine's that deploys; a preview of a pull request has none.
_CONNECTION = "kubernetes:"
_EDGE, _NO_HOST = "feastflow:edge", "not-set.example.com"
_ENVIRONMENT = "feastflow:environment"
_CONTEXT, _NAMESPACE = "kubernetes:context", "feastflow:namespace"


@dataclass(frozen=True, kw_only=True)
class Program:
    """A Pulumi program in a folder."""

    folder: Path

    def stacks(self) -> list[str]:
        """Return the stacks that have a file of settings."""
        return sorted(map(stackfile.stack, self.folder.glob("Pulumi.*.yaml")))

    def project(self) -> dict[str, Any]:
        """Return the content of Pulumi.yaml."""
        return _mapping(self.folder / "Pulumi.yaml")

    def settings(self, stack: str) -> dict[str, Any]:
        """Return the stack's configuration without the connection, with a name in place of what is encrypted.

        Another name stands for the host where none is set yet: that is no reason not to see what changes.

        Raises:
            UserError: when the stack's file cannot be read as settings.
        """
        settings = dict(encrypted.stand_ins(self._ours(stack)))
        edge = settings.get(_EDGE)
        known = {_NAMESPACE, _ENVIRONMENT} <= settings.keys()
        if known and (edge is None or (isinstance(edge, dict) and "host" not in edge)):
            settings[_EDGE] = {**(edge or {}), "host": _NO_HOST}
        return settings

    def secrets(self, stack: str) -> dict[str, str]:
        """Return these names by the places, in Pulumi's words, that hold what is encrypted."""
        settings = self.settings(stack)
        return {
            encrypted.called(path): encrypted.at(settings, path)
            for path in encrypted.paths(self._ours(stack))
        }

    def _ours(self, stack: str) -> dict[str, Any]:
        config = self._file(stack).config
        return {key: value for key, value in config.items() if not key.startswith(_CONNECTION)}

    def refused(self, stack: str) -> str:
        """Return why the stack's file cannot be deployed as it is written; nothing where it can."""
        try:
            file = self._file(stack)
            return "\n\n".join([*prefixes.problems(file.config), *stackfile.problems(file)])
        except UserError as refusal:
            return str(refusal)

    def _file(self, stack: str) -> StackFile:
        path = self.folder / f"Pulumi.{stack}.yaml"
        try:
            return stackfile.load(path) if path.exists() else StackFile()
        except stackfile.StackFileError as error:
            raise UserError(*error.words(path.name)) from error

    def destination(self, stack: str) -> dict[str, str]:
        """Return where the stack's file says that it is deployed, without credentials."""
        try:
            config = self._file(stack).config
        except UserError:
            # Its preview says so.
            return {}
        found = {}
        for key, value in config.items():
            if key in (_CONTEXT, _NAMESPACE):
                found[key] = str(value)
            elif key.startswith(_CONNECTION):
                text = json.dumps(value, sort_keys=True)
                found[key] = f"content {hashlib.sha256(text.encode()).hexdigest()[:12]}"
        return found


def moved(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the settings of a destination that differ, with both values."""
    keys = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    return tuple(f"{key}: {before.get(key, 'not set')} => {now.get(key, 'not set')}" for key in keys)


def at(repository: Path, commit: str, folder: Path) -> Program:
    """Return the program of this commit, in a folder of its own; the repository is only read."""
    folder.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "-C", str(repository), "archive", "--format=tar", commit],  # noqa: S607 - the user's git
        capture_output=True,
        check=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return Program(folder=folder)


def base(repository: Path, ref: str) -> str:
    """Return the commit from which the checkout departed from `ref`.

    Raises:
        UserError: when there is no such commit here, or nothing in common with it.
    """
    try:
        return process.output(["git", "-C", str(repository), "merge-base", ref, "HEAD"]).strip()
    except process.CommandError as failure:
        raise UserError(
            f"the base {ref} is not to be found: {failure.tail or 'nothing in common with this checkout'}",
            "a pull request's preview compares with the commit it departed from",
            f"fetch it, history included (git fetch --unshallow origin), or name another: "
            f"make pull-request-preview BASE={ref}",
        ) from failure


def head(repository: Path) -> str:
    """Return the checkout's commit."""
    return process.output(["git", "-C", str(repository), "rev-parse", "HEAD"]).strip()


def _mapping(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return document if isinstance(document, dict) else {}
