"""Pulumi's engine on a throwaway state: the base is deployed into files, the other program previewed over it.

The state is then as a deployment of the base would have left it, made by the providers themselves, so that
what is replaced is the providers' own judgement. No cluster is asked, no credentials are needed, and the
generated secrets are gone with the folder.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from components.settings.file import stackfile
from tools.delivery import events
from tools.delivery.program import Program
from tools.delivery.report import Preview
from tools.engine.driver import Deployment, Driver
from tools.engine.run import Run
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError
from tools.toolchain.pulumi import Pulumi
from tools.toolchain.unreachable import ENVIRONMENT, KUBECONFIG

_ROOT = Path(__file__).parents[2]
_RENDERING = _ROOT / "tools" / "delivery" / "rendering"
_PROVIDER = "pulumi:providers:kubernetes"
_RENDERED = "renderYamlToDirectory"
_CONTEXT = "context"
_LIMIT_SECONDS = 300
_TAIL_LINES = 25


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
        environment = {
            "FEASTFLOW_PROGRAM": str(program.folder),
            "FEASTFLOW_RENDERED": str(self.folder / "rendered"),
        }
        run, _ = self._run("up", "--skip-preview", environment=environment)
        found = events.preview(self.stack, run.events)
        if not found.errors:
            self._plant(self._driver().export(self.stack) or {"deployment": {}})
        return "\n\n".join(self._anywhere(error, program) for error in found.errors)

    def load(self, program: Program, state: Deployment) -> None:
        """Begin with the state that a deployment elsewhere left, as a provider without a cluster has it.

        Its secrets are in clear, and are encrypted here by this engine's own passphrase.
        """
        self._settle(program, main=program.folder)
        salt = stackfile.read(self._settings.read_bytes()).rest["encryptionsalt"]
        own = {"type": "passphrase", "state": {"salt": salt}}
        self._plant({**state, "deployment": {**state["deployment"], "secrets_providers": own}})

    def preview(self, program: Program) -> Preview:
        """Preview the program over what was deployed, with its own policy pack."""
        if refused := program.refused(self.stack):
            return Preview(stack=self.stack, errors=(refused,))
        self._settle(program, main=program.folder)
        run, said = self._run("preview", "--policy-pack", str(program.folder / "policies"))
        found = events.preview(self.stack, run.events)
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

    @property
    def _settings(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    def _plant(self, state: Deployment) -> None:
        """Have the state, with a provider that was never told to write files, and has no cluster."""
        for resource in state["deployment"].get("resources") or []:
            if resource["type"] == _PROVIDER:
                for kind in ("inputs", "outputs"):
                    resource[kind].pop(_RENDERED, None)
                    resource[kind].pop(_CONTEXT, None)
                    resource[kind]["kubeconfig"] = KUBECONFIG
        self._driver().load(self.stack, state)

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
            self._driver().init(self.stack, "passphrase")
        salt = stackfile.read(self._settings.read_bytes()).rest
        settings = {**salt, "config": program.settings(self.stack)}
        self._settings.write_text(stackfile.write(settings), encoding="utf-8")
        # What was encrypted is so again, by this engine's own passphrase: the program is to treat it alike.
        self._driver().conceal(self.stack, program.secrets(self.stack))

    def _run(self, action: str, *flags: str, environment: Mapping[str, str] | None = None) -> tuple[Run, str]:
        """Run the engine; returns what it told, and the end of its report when it failed."""
        run = Run()
        try:
            self._driver(environment).act(action, *flags, stack=self.stack, timeout=_LIMIT_SECONDS, run=run)
        except CommandError as failure:
            return run, "\n".join((failure.tail or str(failure)).splitlines()[-_TAIL_LINES:])
        return run, ""

    def _driver(self, environment: Mapping[str, str] | None = None) -> Driver:
        own = {
            **ENVIRONMENT,
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": self.passphrase,
        }
        return Driver(cli=self.cli, folder=self.folder, environment={**own, **(environment or {})})

    def _anywhere(self, text: str, program: Program) -> str:
        """Without the folders of this machine, which would differ from run to run."""
        for folder in (program.folder, self.folder, self.venv, _ROOT):
            text = text.replace(f"{folder}/", "").replace(str(folder), ".")
        return text
