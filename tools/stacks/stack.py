"""`pulumi` for one stack in a workspace: up, preview, destroy, outputs. Recovers from an interrupted run."""

import contextlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.stacks.holding import ATTEMPTS, Holding, LockedError
from tools.stacks.workspace import Workspace
from tools.state import deployment, lock
from tools.state.cli import ABSENT
from tools.toolchain import cache, private, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.pulumi import Pulumi

_MINUTES = 20
# These write the state, and are kept out by its lock.
_WRITERS = {"select", "import", "rm"}
_LOG = "pulumi"
# Whatever is deployed or shown here has been judged by the policy pack.
_JUDGED = ("--policy-pack", str(Path(__file__).parents[2] / "policies"))
_EVENT = re.compile(
    r"\s*[+~-]+\s+\S+\s+(?P<name>\S+)\s+(?P<what>creating|created|updating|updated|deleting|deleted|replacing|replaced)"
)
# An object of the cluster that is made, changed or deleted; the others are in the state alone.
_OF_CLUSTER = re.compile(r"\s*[+~-]+\s+kubernetes:\S+\s+\S+\s+(creat|updat|delet|replac)(ing|ed)")
_SECTION = re.compile(r"^(Policies|Diagnostics|Outputs|Resources|Duration):", re.MULTILINE)
# How a rule that was broken is listed; the others are only counted.
_VIOLATION = "- ["


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
        self._output("stack", "select", self.name, "--create", "--secrets-provider", provider)

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

    def _deploy(self, step: Step, *flags: str) -> str:
        created = self._reopen(step)
        lines = self._act("up", step, *flags)
        if created:
            # Objects that the killed run made are known as they are only now: bring them into line once more.
            self._act("refresh", step, "--skip-preview", "--clear-pending-creates")
            self._act("up", step, *flags)
            self.workspace.note_cut_off(self.name, [])
        return _summary(lines)

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
            document = json.dumps(deployment.reopened(exported, cut_off))
            try:
                self._import(exported, document)
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

    def _import(self, exported: deployment.Deployment, document: str) -> None:
        """Have the document for a state, unless another process holds it or has written since the export."""
        if self.workspace.holders(self.name) or self.exported() != exported:
            raise _OvertakenError
        try:
            self._pulumi("stack", "import", "--stack", self.name, stdin=document)
        except process.CommandError as failure:
            if lock.SAID in failure.tail:
                raise _OvertakenError from failure
            raise _refused("stack import", failure.tail, None) from failure

    def exported(self, *, secrets: bool = False) -> deployment.Deployment | None:
        """Return what the last deployment recorded; None where the workspace's backend has no such stack.

        With `secrets` they are in clear: never to be written or shown.
        """
        # `stack ls` reads every state of the bucket, those of other stacks too.
        shown = ("--show-secrets",) if secrets else ()
        try:
            text = self._pulumi("stack", "export", *shown, "--stack", self.name)
        except process.CommandError as failure:
            if ABSENT in failure.tail:
                return None
            raise _refused("stack export", failure.tail, None) from failure
        found: deployment.Deployment = json.loads(text)
        return found

    def destroy(self, step: Step) -> str:
        """Take everything the stack deployed away; the stack itself stays, empty.

        With a preview first: it finds what is protected before anything else is gone.
        """
        return _summary(self._act("destroy", step))

    def preview(self) -> str:
        """What `up` would change, as pulumi prints it."""
        return self._output("preview", "--diff", "--non-interactive", *_JUDGED, timeout=300)

    def conceal(self, secrets: Mapping[str, str]) -> None:
        """Have these settings, by their places in Pulumi's words, encrypted by the workspace's own provider.

        The values are seen by whoever may list processes: they must be none that anything depends on.
        """
        if secrets:
            told = [part for place, value in secrets.items() for part in ("--secret", f"{place}={value}")]
            self._output("config", "set-all", "--stack", self.name, "--path", *told)

    def remove(self) -> None:
        """Remove the empty stack with its history."""
        self._output("stack", "rm", "--yes", "--preserve-config", self.name)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secrets stay hidden."""
        found: dict[str, Any] = json.loads(self._output("stack", "output", "--json"))
        return found

    def owner(self) -> str:
        """Return the identity that its state gives the stack, empty before there is one."""
        return deployment.owner(self.exported() or {})

    def exists(self) -> bool:
        """Whether there is such a stack in the workspace's backend."""
        return self.exported() is not None

    def _act(self, action: str, step: Step, *flags: str) -> list[str]:
        command = [str(self.cli.executable), "-C", str(self.workspace.folder), action, "--stack", self.name]
        command += [
            *(() if action == "preview" else ("--yes",)),
            "--non-interactive",
            "--color",
            "never",
            *flags,
        ]
        log, hopeless = cache.log(_LOG), self.hopeless

        def act() -> list[str]:
            lines: list[str] = []
            under_way: dict[str, str] = {}
            try:
                with self._noting(under_way), self.workspace.recorded() as mark:
                    process.stream(
                        command,
                        env={**self.variables(), **mark},
                        log=log,
                        each=_collecting(lines, under_way, step),
                        timeout=_MINUTES * 60,
                        umask=private.UMASK,
                        stop=(lambda: hopeless(list(under_way))) if hopeless else None,
                    )
            except process.CommandError as failure:
                text = failure.tail if failure.code == process.TIMED_OUT else "\n".join(lines)
                if lock.SAID in text:
                    raise LockedError(text) from failure
                raise _refused(action, text, log, changed=_changed(lines)) from failure
            return lines

        return self.holding.act(act, step.note)

    @contextlib.contextmanager
    def _noting(self, under_way: Mapping[str, str]) -> Iterator[None]:
        """When what happens here is cut off, by Ctrl-C or by a failure, note the updates that came to no end.

        Pulumi's provider may have changed an object then and not have recorded it: whoever goes back to the
        settings from before would find no difference.
        """
        try:
            yield
        except BaseException:
            if names := [name for name, what in under_way.items() if what == "updating"]:
                self.workspace.note_cut_off(self.name, names)
            raise

    def _output(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        def act() -> str:
            try:
                return self._pulumi(*arguments, stdin=stdin, timeout=timeout)
            except process.CommandError as failure:
                if lock.SAID in failure.tail and writes:
                    raise LockedError(failure.tail) from failure
                raise _refused(" ".join(arguments[:2]), failure.tail, None) from failure

        writes = bool(_WRITERS.intersection(arguments[:2]))
        return self.holding.act(act, lambda _: None) if writes else act()

    def _pulumi(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        command = [str(self.cli.executable), "-C", str(self.workspace.folder), *arguments]
        if arguments[0] == "preview" or arguments[:2] == ("stack", "output"):
            command += ["--stack", self.name]
        with self.workspace.recorded() as mark:
            return process.output(
                command,
                env={**self.variables(), **mark},
                stdin=stdin,
                timeout=timeout,
                umask=private.UMASK,
            )

    def variables(self) -> dict[str, str]:
        """What a process needs in its environment to act on this stack."""
        return {**self.cli.environment, **self.workspace.environment, **self.environment}


def _collecting(lines: list[str], under_way: dict[str, str], step: Step) -> Callable[[str], None]:
    """Keep each line, and what pulumi began and did not end: by resource, what becomes of it."""

    def collect(line: str) -> None:
        lines.append(line)
        event = _EVENT.match(line)
        if event is None:
            return
        if event["what"].endswith("ing"):
            under_way[event["name"]] = event["what"]
        else:
            under_way.pop(event["name"], None)
        awaited = list(reversed(under_way))
        step.note(f"waiting for {', '.join(awaited[:3])}" if awaited else f"{event['name']} {event['what']}")

    return collect


def _summary(lines: list[str]) -> str:
    """`+ 30 created, 5 unchanged` from the end of pulumi's report."""
    try:
        begin = max(index for index, line in enumerate(lines) if line.strip() == "Resources:")
    except ValueError:
        return "nothing to do"
    found = []
    for line in lines[begin + 1 :]:
        if not line.startswith("    "):
            break
        found.append(line.strip())
    return ", ".join(found) or "nothing to do"


def _changed(lines: list[str]) -> bool:
    """Whether anything on the cluster was begun. A preview says `create`, an update `creating`."""
    return any(_OF_CLUSTER.match(line) for line in lines)


def _refused(action: str, text: str, log: Path | None, *, changed: bool = False) -> UserError:
    """Pulumi's own diagnostics and what the policies found, without the list of resources around them."""
    sections = _SECTION.split(text)
    found = dict(zip(sections[1::2], sections[2::2], strict=True))
    violations = found.get("Policies", "")
    parts = [violations if _VIOLATION in violations else "", found.get("Diagnostics", "")]
    told = "\n".join(parts).strip() or text
    shown = "\n".join(line for line in told.strip().splitlines() if line.strip())[-3000:]
    return UserError(
        f"pulumi {action} failed\n{shown}",
        "the stack is not as its settings say; what had been done stays done and is recorded"
        if changed
        else "nothing was changed: the stack is as it was before",
        f"mend what it names and run it again{': it goes on from there' if changed else ''}"
        + (f". The whole report: {log}" if log else ""),
    )
