"""The program itself, in a workspace and a state of the run's own: plain, or judged as `make up` has it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.settings.file import stackfile
from tools.bench.kubectl import CHANGED
from tools.bench.place import Place
from tools.engine.driver import Driver
from tools.stacks import workspace
from tools.toolchain.pulumi import Pulumi

ROOT = Path(__file__).parents[2]
STACK = "bench"
_POLICIES = ("--policy-pack", str(ROOT / "policies"))
SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class Room:
    """A workspace with a state of its own, both below `folder`."""

    cli: Pulumi
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def driver(self) -> Driver:
        """Pulumi in the folder."""
        own = {
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.folder / "passphrase"),
        }
        return Driver(cli=self.cli, folder=self.folder, environment={**own, **self.environment})

    def run(self, *arguments: str, stack: str = STACK) -> str:
        """Return what the command prints."""
        return self.driver.output(*arguments, stack=stack, timeout=SECONDS)

    def settle(self) -> None:
        """Have the project in the folder, and an empty state."""
        (self.folder / "state").mkdir(parents=True)
        (self.folder / "passphrase").write_text(secrets.token_urlsafe(24), encoding="utf-8")
        workspace.describe(self.folder)

    def stack(self, name: str, settings: dict[str, Any]) -> None:
        """Make an empty stack with these settings."""
        self.driver.init(name, "passphrase")
        self.put(name, settings)

    def put(self, name: str, settings: dict[str, Any]) -> None:
        """Have these settings for the stack."""
        path = self.folder / f"Pulumi.{name}.yaml"
        known = stackfile.read(path.read_bytes()).rest
        path.write_text(stackfile.write({**known, "config": settings}), encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Program:
    """`pulumi up --skip-preview`: what is like `kubectl apply`; `flags` say otherwise."""

    cli: Pulumi
    name: str = "pulumi"
    what: str = "pulumi up --skip-preview"
    flags: Sequence[str] = ("--skip-preview",)

    def prepare(self, place: Place, folder: Path) -> None:
        """An empty stack with the settings."""
        room = self.room(place, folder)
        room.settle()
        room.stack(STACK, dict(place.settings))

    def install(self, place: Place, folder: Path) -> None:
        """The first up."""
        self.room(place, folder).run("up", "--yes", *self.flags)

    def again(self, place: Place, folder: Path) -> None:
        """The same up."""
        self.install(place, folder)

    def preview(self, place: Place, folder: Path) -> None:
        """`pulumi preview`."""
        self.room(place, folder).run("preview", *[flag for flag in self.flags if flag != "--skip-preview"])

    def change(self, place: Place, folder: Path) -> None:
        """Up with the changed settings."""
        room = self.room(place, folder)
        room.put(STACK, place.changed(CHANGED))
        room.run("up", "--yes", *self.flags)

    def room(self, place: Place, folder: Path) -> Room:
        """Its workspace for a run."""
        environment = {"KUBECONFIG": str(place.cluster.kubeconfig)}
        return Room(cli=self.cli, folder=folder, environment=environment)


def judged(cli: Pulumi) -> Program:
    """Up as `make up` has it: with the policy pack, and a preview first."""
    return Program(cli=cli, name="judged", what="pulumi up, as make up has it", flags=_POLICIES)
