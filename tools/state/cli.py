"""`pulumi stack …` for one stack in one place: what a move asks of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.state import lock
from tools.state import place as places
from tools.state.deployment import Deployment
from tools.state.place import Place
from tools.toolchain import private, process
from tools.toolchain.errors import UserError
from tools.toolchain.pulumi import Pulumi

# What Pulumi says of a stack that a backend does not have.
ABSENT = "no stack named "
_SECONDS = 180


@dataclass(frozen=True, kw_only=True)
class At:
    """A stack in a place. `environment` holds what else pulumi needs, such as the passphrase.

    `ours` says that what is there was begun or left by a move of this machine.
    """

    stack: str
    place: Place
    folder: Path
    cli: Pulumi
    environment: Mapping[str, str]
    ours: bool = False

    @property
    def settings(self) -> Path:
        """The stack's file in the place's workspace."""
        return self.folder / f"Pulumi.{self.stack}.yaml"

    @property
    def provider(self) -> str:
        """The secrets provider that the stack's file names; none is named for a passphrase."""
        known = yaml.safe_load(self.settings.read_text(encoding="utf-8")) if self.settings.exists() else None
        return str((known or {}).get("secretsprovider") or "passphrase")

    def exists(self) -> bool:
        """Whether the place has the stack."""
        # `stack ls` reads every state of the bucket, those of other stacks too.
        try:
            self._output("stack", "export", "--stack", self.stack)
        except process.CommandError as failure:
            if ABSENT in failure.tail:
                return False
            raise self._failed(("stack", "export"), failure.tail) from failure
        return True

    def init(self, provider: str) -> None:
        """Make the stack, empty; fails when there is one."""
        self._run("init", self.stack, "--secrets-provider", provider, "--no-select")

    def export(self) -> Deployment:
        """The state, its secrets encrypted."""
        found: Deployment = json.loads(self._run("export", "--stack", self.stack))
        return found

    def opened(self) -> Deployment:
        """The state with its secrets in plain text: for memory alone."""
        found: Deployment = json.loads(
            self._quiet("stack", "export", "--stack", self.stack, "--show-secrets")
        )
        return found

    def configuration(self) -> dict[str, Any]:
        """The settings with their secrets in plain text: for memory alone."""
        text = self._quiet("config", "--stack", self.stack, "--json", "--show-secrets")
        found: dict[str, Any] = json.loads(text)
        return found

    def load(self, exported: Deployment) -> None:
        """Have this state."""
        self._run("import", "--stack", self.stack, stdin=json.dumps(exported))

    def encrypt(self, provider: str) -> None:
        """Have state and settings encrypted by another provider."""
        self._run("change-secrets-provider", provider, "--stack", self.stack)

    def remove(self) -> None:
        """Forget the stack; what it describes is left alone."""
        self._run("rm", "--yes", "--force", "--preserve-config", "--stack", self.stack)

    def _run(self, *arguments: str, stdin: str | None = None) -> str:
        return self._pulumi("stack", *arguments, stdin=stdin)

    def _pulumi(self, *arguments: str, stdin: str | None = None) -> str:
        try:
            return self._output(*arguments, stdin=stdin)
        except process.CommandError as failure:
            if not self._freed(failure.tail):
                raise self._failed(arguments, failure.tail) from failure
        try:
            return self._output(*arguments, stdin=stdin)
        except process.CommandError as failure:
            raise self._failed(arguments, failure.tail) from failure

    def _freed(self, text: str) -> bool:
        """Whether a killed move left the locks that kept pulumi out; they are taken away then.

        `pulumi cancel` would not do: a move may have been killed before there was a stack.
        """
        left = lock.left_behind(text)
        if not (left and self.ours):
            return False
        address = self.place.address
        if address is None:
            for path in left:
                (places.files(self.place) / path).unlink(missing_ok=True)
        else:
            # AWS's SDK is no part of what deploying needs.
            from tools.state import store  # noqa: PLC0415

            store.unlock(address, store.clients(address), left)
        return True

    def _quiet(self, *arguments: str) -> str:
        try:
            return self._output(*arguments)
        except process.CommandError as failure:
            code = failure.code
        # What it printed may hold secrets: it is neither shown nor kept as this refusal's cause.
        raise self._refused(arguments, f"it ended with {code}: its secrets cannot be read")

    def _output(self, *arguments: str, stdin: str | None = None) -> str:
        command = [str(self.cli.executable), "-C", str(self.folder), *arguments]
        environment = {**self.cli.environment, **self.environment, "PULUMI_BACKEND_URL": self.place.url}
        return process.output(
            [*command, "--non-interactive", "--color", "never"],
            env=environment,
            stdin=stdin,
            timeout=_SECONDS,
            umask=private.UMASK,
        )

    def _failed(self, arguments: tuple[str, ...], text: str) -> UserError:
        if lock.SAID in text:
            return lock.refused(text, self.stack)
        return self._refused(arguments, text)

    def _refused(self, arguments: tuple[str, ...], text: str) -> UserError:
        return UserError(
            f"pulumi {' '.join(arguments[:2])} failed in {self.place.url}\n{text}",
            "the state could not be carried over; it is used where it was",
            "mend what it names and run it again: it begins from where it stopped",
        )
