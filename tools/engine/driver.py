"""The one driver of the Pulumi CLI: a project's folder, and what is asked and done there.

Not by `pulumi.automation`: see docs/decisions/0072.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.engine.run import Run
from tools.toolchain import private, process
from tools.toolchain.aside import Aside
from tools.toolchain.process import CommandError
from tools.toolchain.pulumi import Pulumi

# The CLI's exit code says neither.
ABSENT = "no stack named "
LOCKED = "the stack is currently locked"

Deployment = dict[str, Any]

_ANSWER_SECONDS = 180.0


class LockedError(CommandError):
    """Another process holds the stack; `tail` says which."""


@dataclass(frozen=True, kw_only=True)
class Driver:
    """Pulumi for the project in a folder. `environment` is what its processes need besides the CLI's own.

    Whatever it writes is this user's alone. Errors are `CommandError`, or `LockedError` where the stack is
    another process's.
    """

    cli: Pulumi
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, *arguments: str, stack: str = "") -> list[str]:
        """Return the command line, which never prompts."""
        named = ("--stack", stack) if stack else ()
        program = (str(self.cli.executable), "-C", str(self.folder))
        return [*program, "--non-interactive", "--color", "never", *arguments, *named]

    def variables(self) -> dict[str, str]:
        """Return what a process needs in its environment."""
        return {**self.cli.environment, "PULUMI_SKIP_UPDATE_CHECK": "true", **self.environment}

    def output(
        self, *arguments: str, stack: str = "", stdin: str | None = None, timeout: float = _ANSWER_SECONDS
    ) -> str:
        """Return what a command prints."""
        try:
            return process.output(
                self.command(*arguments, stack=stack),
                env=self.variables(),
                stdin=stdin,
                timeout=timeout,
                umask=private.UMASK,
            )
        except CommandError as failure:
            raise _told(failure, failure.tail) from None

    def init(self, stack: str, provider: str) -> None:
        """Make the stack, empty; fails where there is one."""
        self.output("stack", "init", stack, "--secrets-provider", provider, "--no-select")

    def export(self, stack: str, *, secrets: bool = False) -> Deployment | None:
        """Return the state; None where the backend has no such stack.

        With `secrets` they are in clear: never to be written or shown.
        """
        # `stack ls` reads every state of the bucket, those of other stacks too.
        shown = ("--show-secrets",) if secrets else ()
        try:
            found: Deployment = json.loads(self.output("stack", "export", *shown, stack=stack))
        except CommandError as failure:
            if ABSENT in failure.tail:
                return None
            raise
        return found

    def load(self, stack: str, state: Deployment) -> None:
        """Have this for the stack's state."""
        self.output("stack", "import", stack=stack, stdin=json.dumps(state))

    def conceal(self, stack: str, secrets: Mapping[str, str]) -> None:
        """Have these settings, by their places in Pulumi's words, encrypted by the stack's own provider.

        The values are seen by every user who may list processes: they must be none that anything depends on.
        """
        told = [part for place, value in secrets.items() for part in ("--secret", f"{place}={value}")]
        if told:
            self.output("config", "set-all", "--path", *told, stack=stack)

    def act(
        self,
        action: str,
        *flags: str,
        stack: str,
        timeout: float,
        run: Run | None = None,
        log: Path | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Run:
        """Have the engine preview, update, refresh or destroy; returns what it told, which `run` hears.

        `log` is given its report for users; `stop` is asked every second, and interrupts it.

        Raises:
            CommandError: when it fails; `tail` is the whole of its report. `run` has what it told until then.
        """
        run = run or Run()
        lines: list[str] = []
        aside = Aside(run.hear)
        consent = () if action == "preview" else ("--yes",)
        # Without the variable the flag for the event log does not exist.
        environment = {**self.variables(), "PULUMI_DEBUG_COMMANDS": "true"}
        try:
            process.stream(
                self.command(action, *consent, "--event-log", aside.path, *flags, stack=stack),
                env=environment,
                log=log,
                each=lines.append,
                timeout=timeout,
                umask=private.UMASK,
                stop=stop,
                aside=aside,
            )
        except CommandError as failure:
            text = failure.tail if failure.code == process.TIMED_OUT else "\n".join(lines)
            raise _told(failure, text) from None
        return run


def _told(failure: CommandError, text: str) -> CommandError:
    kind = LockedError if LOCKED in text else CommandError
    return kind(failure.command, failure.code, text)
