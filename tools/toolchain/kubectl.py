"""kubectl for one cluster: every call begins with the same words, and every answer is had the same way."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain import process


@dataclass(frozen=True, kw_only=True)
class Kubectl:
    """kubectl with the words that name a cluster; as a text, what a user types before the rest."""

    command: tuple[str, ...]

    @property
    def program(self) -> Path:
        """Return the executable."""
        return Path(self.command[0])

    def within(self, namespace: str) -> Kubectl:
        """Return kubectl for a namespace; arguments may still name another one."""
        return Kubectl(command=(*self.command, "--namespace", namespace))

    def output(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Return what kubectl prints, within `timeout` seconds; see `process.output` for errors."""
        return process.output([*self.command, *arguments], stdin=stdin, timeout=timeout)

    def ended(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> process.Ended:
        """Return what kubectl prints and its exit code, for what is an answer before a failure, too."""
        return process.ended([*self.command, *arguments], stdin=stdin, timeout=timeout)

    def __str__(self) -> str:
        return shlex.join(self.command)


def of(program: Path, *, kubeconfig: Path | None = None, context: str | None = None) -> Kubectl:
    """Return kubectl for the context, or the current one, of the kubeconfig, or the user's own."""
    words = ["--kubeconfig", str(kubeconfig)] if kubeconfig else []
    words += ["--context", context] if context else []
    return Kubectl(command=(str(program), *words))
