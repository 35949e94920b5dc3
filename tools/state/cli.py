"""`pulumi stack …` for one stack in one place: what a move asks of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tools.engine.driver import ABSENT, Driver, LockedError
from tools.state import lock
from tools.state import place as places
from tools.state.deployment import Deployment
from tools.state.place import Place
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError
from tools.toolchain.pulumi import Pulumi

_Done = TypeVar("_Done")


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

    @property
    def _driver(self) -> Driver:
        environment = {**self.environment, "PULUMI_BACKEND_URL": self.place.url}
        return Driver(cli=self.cli, folder=self.folder, environment=environment)

    def exists(self) -> bool:
        """Return whether the place has the stack."""
        try:
            return self._driver.export(self.stack) is not None
        except CommandError as failure:
            raise self._failed("stack export", failure) from failure

    def init(self, provider: str) -> None:
        """Make the stack, empty; fails when there is one."""
        self._unlocked("stack init", lambda: self._driver.init(self.stack, provider))

    def export(self) -> Deployment:
        """The state, its secrets encrypted."""
        return self._unlocked("stack export", self._exported)

    def opened(self) -> Deployment:
        """The state with its secrets in plain text: for memory alone."""
        return self._quiet("stack export", lambda: self._exported(secrets=True))

    def configuration(self) -> dict[str, Any]:
        """The settings with their secrets in plain text: for memory alone."""
        words = ("config", "--json", "--show-secrets")
        text = self._quiet("config", lambda: self._driver.output(*words, stack=self.stack))
        found: dict[str, Any] = json.loads(text)
        return found

    def load(self, exported: Deployment) -> None:
        """Have this state."""
        self._unlocked("stack import", lambda: self._driver.load(self.stack, exported))

    def encrypt(self, provider: str) -> None:
        """Have state and settings encrypted by another provider."""
        words = ("stack", "change-secrets-provider", provider)
        self._unlocked(" ".join(words[:2]), lambda: self._driver.output(*words, stack=self.stack))

    def remove(self) -> None:
        """Forget the stack; what it describes is left alone."""
        words = ("stack", "rm", "--yes", "--force", "--preserve-config")
        self._unlocked("stack rm", lambda: self._driver.output(*words, stack=self.stack))

    def _exported(self, *, secrets: bool = False) -> Deployment:
        found = self._driver.export(self.stack, secrets=secrets)
        if found is None:
            raise CommandError(["pulumi", "stack", "export"], 1, f"{ABSENT}{self.stack!r}")
        return found

    def _unlocked(self, asked: str, act: Callable[[], _Done]) -> _Done:
        """Act, and once more where it was a killed move that kept Pulumi out."""
        try:
            return act()
        except CommandError as failure:
            if not self._freed(failure.tail):
                raise self._failed(asked, failure) from failure
        try:
            return act()
        except CommandError as failure:
            raise self._failed(asked, failure) from failure

    def _freed(self, text: str) -> bool:
        """Delete the locks of a killed move that kept pulumi out; return whether there were any.

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

    def _quiet(self, asked: str, act: Callable[[], _Done]) -> _Done:
        try:
            return act()
        except CommandError as failure:
            code = failure.code
        # What it printed may hold secrets: it is neither shown nor kept as this error's cause.
        raise self._refused(asked, f"it ended with {code}: its secrets cannot be read")

    def _failed(self, asked: str, failure: CommandError) -> UserError:
        if isinstance(failure, LockedError):
            return lock.refused(failure.tail, self.stack)
        return self._refused(asked, failure.tail)

    def _refused(self, asked: str, text: str) -> UserError:
        return UserError(
            f"pulumi {asked} failed in {self.place.url}\n{text}",
            "the state could not be carried over; it is used where it was",
            "mend what it names and run it again: it begins from where it stopped",
        )
