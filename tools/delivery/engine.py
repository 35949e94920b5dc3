"""Pulumi's engine on a throwaway state: the base is deployed into files, the other program previewed over it.

The state is then as a deployment of the base would have left it, made by the providers themselves, so that
what is replaced is the providers' own judgement. No cluster is asked, no credentials are needed, and the
generated secrets are gone with the folder.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.settings.file import stackfile
from tools.delivery import events
from tools.delivery.program import Program
from tools.delivery.report import Preview
from tools.toolchain import process
from tools.toolchain.errors import UserError
from tools.toolchain.pulumi import Pulumi
from tools.toolchain.unreachable import ENVIRONMENT, KUBECONFIG

_ROOT = Path(__file__).parents[2]
_RENDERING = _ROOT / "tools" / "delivery" / "rendering"
_PROVIDER = "pulumi:providers:kubernetes"
_RENDERED = "renderYamlToDirectory"
_LIMIT_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One stack's state in a folder that is thrown away. `venv` has the packages of both programs."""

    folder: Path
    stack: str
    cli: Pulumi
    venv: Path
    passphrase: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def deploy(self, program: Program) -> str:
        """Deploy the program into files; returns what went wrong, or nothing."""
        try:
            self._settle(program, main=_RENDERING)
        except UserError as refusal:
            return str(refusal)
        log = self.folder / "up.jsonl"
        environment = {
            "FEASTFLOW_PROGRAM": str(program.folder),
            "FEASTFLOW_RENDERED": str(self.folder / "rendered"),
        }
        self._run("up", log, "--yes", "--skip-preview", environment=environment)
        found = events.preview(self.stack, _read(log))
        if not found.errors:
            self._plant()
        return "\n\n".join(self._anywhere(error, program) for error in found.errors)

    def preview(self, program: Program) -> Preview:
        """Preview the program over what was deployed, with its own policy pack."""
        if refused := program.refused(self.stack):
            return Preview(stack=self.stack, errors=(refused,))
        self._settle(program, main=program.folder)
        log = self.folder / "preview.jsonl"
        said = self._run("preview", log, "--policy-pack", str(program.folder / "policies"), environment={})
        found = events.preview(self.stack, _read(log))
        errors = tuple(self._anywhere(error, program) for error in found.errors)
        if said and not errors and not found.violations:
            errors = (self._anywhere(said, program),)
        return Preview(
            stack=self.stack,
            changes=found.changes,
            unchanged=found.unchanged,
            violations=found.violations,
            errors=errors,
            unprotected=found.unprotected,
        )

    def _plant(self) -> None:
        """Make the state that of a provider which was never told to write files."""
        state = json.loads(process.output(self._command("stack", "export"), env=self._environment()))
        for resource in state["deployment"].get("resources") or []:
            if resource["type"] == _PROVIDER:
                for kind in ("inputs", "outputs"):
                    del resource[kind][_RENDERED]
                    resource[kind]["kubeconfig"] = KUBECONFIG
        process.output(self._command("stack", "import"), env=self._environment(), stdin=json.dumps(state))

    def _settle(self, program: Program, main: Path) -> None:
        """Have the program's project and settings in the folder, and a stack when there was none."""
        state = self.folder / "state"
        first = not state.exists()
        state.mkdir(parents=True, exist_ok=True)
        project = program.project()
        project["main"] = str(main)
        project["runtime"] = {"name": "python", "options": {"virtualenv": str(self.venv)}}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
        if first:
            init = self._command("stack", "init", "--secrets-provider", "passphrase")
            process.output(init, env=self._environment())
        path = self.folder / f"Pulumi.{self.stack}.yaml"
        salt = stackfile.read(path.read_bytes()).rest
        settings = {**salt, "config": program.settings(self.stack)}
        path.write_text(stackfile.write(settings), encoding="utf-8")
        # What was encrypted is so again, by this engine's own passphrase: the program is to treat it alike.
        secret = [
            part
            for place, name in program.secrets(self.stack).items()
            for part in ("--secret", f"{place}={name}")
        ]
        if secret:
            process.output(self._command("config", "set-all", "--path", *secret), env=self._environment())

    def _run(self, action: str, log: Path, *flags: str, environment: Mapping[str, str]) -> str:
        """Run the engine; returns the end of what it said when it failed, which the log explains better."""
        command = self._command(
            action, "--non-interactive", "--color", "never", "--event-log", str(log), *flags
        )
        try:
            process.stream(command, env={**self._environment(), **environment}, timeout=_LIMIT_SECONDS)
        except process.CommandError as failure:
            return failure.tail or str(failure)
        return ""

    def _command(self, *action: str) -> list[str]:
        return [str(self.cli.executable), "-C", str(self.folder), *action, "--stack", self.stack]

    def _environment(self) -> dict[str, str]:
        return {
            **self.cli.environment,
            **ENVIRONMENT,
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": self.passphrase,
            # Without it the flag for the event log does not exist.
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def _anywhere(self, text: str, program: Program) -> str:
        """Without the folders of this machine, which would differ from run to run."""
        for folder in (program.folder, self.folder, self.venv, _ROOT):
            text = text.replace(f"{folder}/", "").replace(str(folder), ".")
        return text


def _read(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
