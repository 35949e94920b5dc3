"""`pulumi` for one stack in a workspace: up, preview, destroy, outputs. Recovers from an interrupted run."""

import contextlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.engine.driver import Driver, LockedError
from tools.engine.run import Run
from tools.stacks.holding import ATTEMPTS, Holding
from tools.stacks.workspace import Workspace
from tools.state import deployment
from tools.toolchain import cache, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError
from tools.toolchain.pulumi import Pulumi

_MINUTES = 20
_LOG = "pulumi"
# Whatever is deployed or shown here has been judged by the policy pack.
_JUDGED = ("--policy-pack", str(Path(__file__).parents[2] / "policies"))
_LONGEST = 3000


class _OvertakenError(Exception):
    """Another process has written the state meanwhile, or is about to."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack of a workspace. `environment` is what pulumi and its provider need besides the workspace's.

    `chosen` is what follows a `make` command that is about this stack. `hopeless` is told what an update
    waits for, by the resources' names in Pulumi, and says whether that cannot come: it is interrupted then.
    """

    name: str
    workspace: Workspace
    cli: Pulumi
    environment: dict[str, str]
    chosen: str | None = None
    hopeless: Callable[[Collection[str]], bool] | None = None

    @property
    def holding(self) -> Holding:
        """The hold on it, to be waited for before anything of it is written."""
        return Holding(workspace=self.workspace, stack=self.name, chosen=self.chosen)

    def ensure(self) -> None:
        """Select the stack, made now when it does not exist."""
        provider = self.workspace.provider(self.name)
        self._write("stack", "select", self.name, "--create", "--secrets-provider", provider)

    def judge(self, step: Step) -> None:
        """Preview for `up` with `judged`: that need only wait for what is applied then."""
        self._act("preview", step, *_JUDGED)

    def up(self, step: Step, *, judged: bool = False) -> str:
        """Deploy; returns what changed, in a few words. `judged` says that a preview was made just now."""
        # With a preview first: rules across the stack are judged at the end of a run, and what breaks
        # one must not have been touched by then.
        return self._deploy(step, *_JUDGED, *(("--skip-preview",) if judged else ()))

    def back(self, step: Step) -> str:
        """Deploy settings that were judged and deployed before, at once; returns what changed."""
        return self._deploy(step, "--skip-preview")

    def refresh(self, step: Step) -> str:
        """Have the state know only what is there; returns what changed. Nothing on the cluster does."""
        return self._act("refresh", step, "--skip-preview").summary

    def _deploy(self, step: Step, *flags: str) -> str:
        created = self._reopen(step)
        run = self._act("up", step, *flags)
        if created:
            # Objects that the killed run made are known as they are only now: bring them into line once more.
            self._act("refresh", step, "--skip-preview", "--clear-pending-creates")
            self._act("up", step, *flags)
            self.workspace.note_cut_off(self.name, [])
        return run.summary

    def _reopen(self, step: Step) -> bool:
        """Have the steps that a killed run left open done again; returns whether to look at them then."""
        for _ in range(ATTEMPTS):
            self.holding.wait(step.note)
            exported = self.exported() or {}
            steps = deployment.open_steps(exported)
            cut_off = self.workspace.cut_off(self.name)
            if not steps and not cut_off:
                return False
            step.note(f"{len(steps) + len(cut_off)} steps of a run that was cut off are done again")
            if self.workspace.shared:
                # Another user may have deployed since the export: what they recorded is not written over.
                return True
            try:
                self._import(exported, deployment.reopened(exported, cut_off))
            except _OvertakenError:
                continue
            # From here on the state knows.
            self.workspace.note_cut_off(self.name, [])
            return "creating" in steps.values()
        raise UserError(
            f"the state of {self.name} was changed {ATTEMPTS} times by others while it was repaired",
            "steps of a run that was cut off are still open in it, and what others record is kept",
            "wait until nothing else deploys the stack, and run this again",
        )

    def _import(self, exported: deployment.Deployment, reopened: deployment.Deployment) -> None:
        """Have this for a state, unless another process holds it or has written since the export."""
        if self.workspace.holders(self.name) or self.exported() != exported:
            raise _OvertakenError
        try:
            with self._asked("stack import") as driver:
                driver.load(self.name, reopened)
        except LockedError as locked:
            raise _OvertakenError from locked

    def exported(self, *, secrets: bool = False) -> deployment.Deployment | None:
        """Return what the last deployment recorded; None where the workspace's backend has no such stack.

        With `secrets` they are in clear: never to be written or shown.
        """
        with self._asked("stack export") as driver:
            return driver.export(self.name, secrets=secrets)

    def destroy(self, step: Step) -> str:
        """Take everything the stack deployed away; the stack itself stays, empty.

        With a preview first: it finds what is protected before anything else is gone.
        """
        return self._act("destroy", step).summary

    def preview(self) -> str:
        """Return what `up` would change, as pulumi prints it."""
        return self._output("preview", "--diff", *_JUDGED, timeout=300)

    def conceal(self, secrets: Mapping[str, str]) -> None:
        """Have these settings, by their places in Pulumi's words, encrypted by the workspace's own provider.

        The values are seen by every user who may list processes: they must be none that anything depends on.
        """
        with self._asked("config set-all") as driver:
            driver.conceal(self.name, secrets)

    def remove(self) -> None:
        """Remove the empty stack with its history."""
        self._write("stack", "rm", "--yes", "--preserve-config", self.name)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secrets stay hidden."""
        found: dict[str, Any] = json.loads(self._output("stack", "output", "--json"))
        return found

    def owner(self) -> str:
        """Return the identity that its state gives the stack, empty before there is one."""
        return deployment.owner(self.exported() or {})

    def exists(self) -> bool:
        """Return whether there is such a stack in the workspace's backend."""
        return self.exported() is not None

    def _act(self, action: str, step: Step, *flags: str) -> Run:
        log, hopeless = cache.log(_LOG), self.hopeless
        told: list[str] = []

        def act() -> Run:
            run = Run(heard=lambda run, _: _note(run, step, told))
            try:
                with self._noting(run), self._driver() as driver:
                    return driver.act(
                        action,
                        *flags,
                        stack=self.name,
                        timeout=_MINUTES * 60,
                        run=run,
                        log=log,
                        stop=(lambda: hopeless(list(run.under_way))) if hopeless else None,
                    )
            except LockedError:
                raise
            except CommandError as failure:
                said = failure.tail if failure.code == process.TIMED_OUT else run.said or failure.tail
                raise _refused(action, said, log, changed=run.changed) from failure

        return self.holding.act(act, step.note)

    @contextlib.contextmanager
    def _noting(self, run: Run) -> Iterator[None]:
        """Note the updates that came to no end when the block is cut off, by Ctrl-C or by a failure.

        Pulumi's provider may have changed an object then and not have recorded it: with the settings
        from before, no difference would be found.
        """
        try:
            yield
        except BaseException:
            if names := [name for name, what in run.under_way.items() if what == "updating"]:
                self.workspace.note_cut_off(self.name, names)
            raise

    def _write(self, *arguments: str) -> None:
        """Run a command that writes the state, and is kept out by its lock."""

        def act() -> None:
            with self._asked(" ".join(arguments[:2])) as driver:
                driver.output(*arguments)

        self.holding.act(act, lambda _: None)

    def _output(self, *arguments: str, timeout: float = 120) -> str:
        with self._asked(" ".join(arguments[:2])) as driver:
            return driver.output(*arguments, stack=self.name, timeout=timeout)

    @contextlib.contextmanager
    def _asked(self, what: str) -> Iterator[Driver]:
        """Pulumi in the workspace; where it fails, all but a lock is for the user to put right."""
        try:
            with self._driver() as driver:
                yield driver
        except LockedError:
            raise
        except CommandError as failure:
            raise _refused(what, failure.tail) from failure

    @contextlib.contextmanager
    def _driver(self) -> Iterator[Driver]:
        """Pulumi in the workspace, recorded for the length of the block."""
        with self.workspace.recorded() as mark:
            environment = {**self.workspace.environment, **self.environment, **mark}
            yield Driver(cli=self.cli, folder=self.workspace.folder, environment=environment)

    def variables(self) -> dict[str, str]:
        """Return what a process needs in its environment to act on this stack."""
        return {**self.cli.environment, **self.workspace.environment, **self.environment}


def _note(run: Run, step: Step, told: list[str]) -> None:
    for text in run.warnings[len(told) :]:
        step.tell(f"warning: {text}")
        told.append(text)
    newest = list(reversed(run.under_way))
    if text := f"waiting for {', '.join(newest[:3])}" if newest else run.ended:
        step.note(text)


def _refused(action: str, told: str, log: Path | None = None, *, changed: bool = False) -> UserError:
    """Return what Pulumi and the policies said, without the list of resources around it."""
    shown = "\n".join(line for line in told.strip().splitlines() if line.strip())[-_LONGEST:]
    return UserError(
        f"pulumi {action} failed\n{shown}",
        "the stack is not as its settings say; what had been done stays done and is recorded"
        if changed
        else "nothing was changed: the stack is as it was before",
        f"mend what it names and run it again{': it goes on from there' if changed else ''}"
        + (f". The whole report: {log}" if log else ""),
    )
