"""The real engine with the real plugins, the pack and no cluster: what `pulumi preview` says of a program.

Findings are read from the engine's event log, which is what Pulumi's own Automation API reads; the text is
what the user sees.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.toolchain import process
from tools.toolchain.pulumi import Pulumi

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policies"
_LIMIT_SECONDS = 600
_SUMMARIES = ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent")


@dataclass(frozen=True, kw_only=True, order=True)
class Violation:
    """One finding: `policy` is the rule, `type` and `resource` are Pulumi's, not the object's own name."""

    policy: str
    level: str
    type: str
    resource: str
    message: str

    @property
    def could_not_run(self) -> bool:
        """Return True if the rule met an unknown value; the engine makes any rule advisory then."""
        return self.message.startswith("can't run policy")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of the engine: exit code, output, violations, and the policies that judged anything."""

    code: int
    text: str
    violations: tuple[Violation, ...]
    judged: frozenset[str]

    def of(self, policy: str) -> list[Violation]:
        """Return a policy's violations."""
        return [violation for violation in self.violations if violation.policy == policy]


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A program's stack in a folder outside of the program's, with a state of its own."""

    folder: Path
    stack: str
    cli: Pulumi

    def preview(self, config: Mapping[str, Any], *, judged: bool = True) -> Run:
        """Preview the stack with this configuration, with the pack or without it."""
        return self._act("preview", config, judged=judged)

    def up(self, config: Mapping[str, Any]) -> Run:
        """Update without the pack; the program's provider must write files instead of asking a cluster."""
        return self._act("up", config, "--yes", "--skip-preview", judged=False)

    def exported(self) -> dict[str, Any]:
        """Return the state."""
        state: dict[str, Any] = json.loads(
            process.output(self._command("stack", "export"), env=self._environment())
        )
        return state

    def replace(self, state: Mapping[str, Any]) -> None:
        """Have another state."""
        process.output(
            self._command("stack", "import"), env=self._environment(), stdin=json.dumps(dict(state))
        )

    def create(self, program: Path) -> None:
        """Make the stack, which its first run needs."""
        home = self.folder / "home"
        for folder in (home, self.folder / "state"):
            folder.mkdir(parents=True)
        known = self.cli.environment.get("PULUMI_HOME") or os.environ.get("PULUMI_HOME") or "~/.pulumi"
        (home / "plugins").symlink_to(Path(known).expanduser() / "plugins")
        project = yaml.safe_load((program / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["main"] = str(program.resolve())
        project["runtime"] = {"name": "python", "options": {"virtualenv": str(ROOT / ".venv")}}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
        process.output(
            [
                *(str(self.cli.executable), "-C", str(self.folder)),
                *("stack", "init", self.stack, "--secrets-provider", "passphrase"),
            ],
            env=self._environment(),
        )
        self._settings.rename(self._salt)

    def _act(self, action: str, config: Mapping[str, Any], *flags: str, judged: bool) -> Run:
        settings = yaml.safe_load(self._salt.read_text(encoding="utf-8")) | {"config": dict(config)}
        self._settings.write_text(yaml.safe_dump(settings), encoding="utf-8")
        log = self.folder / "events.jsonl"
        log.unlink(missing_ok=True)
        lines: list[str] = []
        command = [*self._command(action), "--non-interactive", "--color", "never"]
        command += ["--event-log", str(log), *flags, *(("--policy-pack", str(PACK)) if judged else ())]
        code = 0
        try:
            process.stream(command, env=self._environment(), each=lines.append, timeout=_LIMIT_SECONDS)
        except process.CommandError as failure:
            if failure.code == process.TIMED_OUT:
                raise
            code = failure.code
        events = [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
        return Run(
            code=code,
            text="\n".join(lines),
            violations=tuple(
                sorted(_violation(event["policyEvent"]) for event in events if "policyEvent" in event)
            ),
            judged=frozenset(_names(events)),
        )

    @property
    def _settings(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    @property
    def _salt(self) -> Path:
        return self.folder / "salt.yaml"

    def _command(self, *action: str) -> list[str]:
        return [str(self.cli.executable), "-C", str(self.folder), *action, "--stack", self.stack]

    def _environment(self) -> dict[str, str]:
        return {
            **self.cli.environment,
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "of tests",
            # Without it the flag for the event log does not exist.
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "KUBECONFIG": "/nonexistent",
        }


def workspace(folder: Path, program: Path, cli: Pulumi, stack: str = "test") -> Workspace:
    """Return an empty stack of the program in this folder."""
    shutil.rmtree(folder, ignore_errors=True)
    made = Workspace(folder=folder, stack=stack, cli=cli)
    made.create(program)
    return made


def _violation(event: Mapping[str, Any]) -> Violation:
    _, _, type_, resource = str(event.get("resourceUrn") or "::::::").split("::", 3)
    # The engine puts the policy's description before what the rule says.
    first, _, rest = str(event["message"]).strip().partition("\n")
    return Violation(
        policy=event["policyName"],
        level=event["enforcementLevel"],
        type=type_.rsplit("$", 1)[-1],
        resource=resource,
        message=rest or first,
    )


def _names(events: list[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        for kind in _SUMMARIES:
            summary = event.get(kind) or {}
            yield from summary.get("passed") or ()
            yield from summary.get("failed") or ()
