"""A small stack on a machine of its own: deployed, moved, and looked at, by the real CLI."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.stacks import workspace
from tools.state import deployment, place, store
from tools.state.address import Address
from tools.state.cli import At
from tools.state.deployment import Deployment
from tools.state.move import Moved, Mover
from tools.state.place import Place
from tools.toolchain import proc
from tools.toolchain.pulumi import Pulumi

PROJECT = "parcel"
STACK = "dev"
IDENTITY = "uid-of-the-cluster"
_SECONDS = 180


class PowerCut(BaseException):
    """A simulated kill: it leaves the process no time to tidy up."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The result of a pulumi command: its exit code and its output."""

    code: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """The stack. `home` is the machine's state folder, which the environment names too."""

    home: Path
    cli: Pulumi

    def pulumi(self, *arguments: str, **environment: str) -> Ran:
        """Run pulumi where the stack's state is now."""
        process = self.start(*arguments, **environment)
        text, _ = process.communicate(timeout=_SECONDS)
        return Ran(code=process.returncode, text=text)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start pulumi where the stack's state is now, in a process group of its own."""
        here = workspace.of(IDENTITY, STACK)
        return subprocess.Popen(  # noqa: S603 - the toolchain's
            [str(self.cli.executable), "-C", str(here.folder), *arguments, "--color", "never"],
            env={**os.environ, **self.cli.environment, **here.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def up(self, *flags: str, **environment: str) -> Ran:
        """Deploy."""
        return self.pulumi(*UP, *flags, **environment)

    def is_whole(self) -> bool:
        """Return True if a deployment finds everything as it is recorded."""
        return self.up("--expect-no-changes").code == 0

    def mover(self, *, cut_at: str | None = None, provider: str | None = None) -> Mover:
        """Return the state's mover, which is killed at step `cut_at`."""

        def reached(step: str) -> None:
            if step == cut_at:
                raise PowerCut(step)

        return Mover(
            stack=STACK,
            project=PROJECT,
            identity=IDENTITY,
            cli=self.cli,
            environment=workspace.passphrase(),
            prepare=lambda there: workspace.prepare(IDENTITY, there),
            provider=provider,
            reached=reached,
        )

    def move(self, address: Address | None, **options: Any) -> Moved:
        """Move it, the bucket made first."""
        if address:
            store.ensure(address, store.clients(address))
        return self.mover(**options).to(address)

    @property
    def place(self) -> Place:
        """Return the state's present place."""
        return place.read(IDENTITY, STACK).current

    def at(self, there: Place | None = None) -> At:
        """Return the stack in a place, by default the one where it is."""
        there = there or self.place
        return At(
            stack=STACK,
            place=there,
            folder=workspace.prepare(IDENTITY, there),
            cli=self.cli,
            environment=workspace.passphrase(),
        )

    def opened(self, there: Place | None = None) -> Deployment:
        """Return the state with its secrets."""
        return self.at(there).opened()

    def resources(self) -> list[dict[str, Any]]:
        """Return all that is recorded, secrets included, but for the paths of the program's lines."""
        found = deployment.resources(self.opened())
        lines = {"sourcePosition", "stackTrace"}
        return [{name: value for name, value in one.items() if name not in lines} for one in found]

    def files(self) -> Iterator[Path]:
        """Yield all that the machine keeps of it."""
        for kind in ("workspaces", "stacks"):
            yield from (path for path in (self.home / kind).rglob("*") if path.is_file())


UP = ("up", "--stack", STACK, "--yes", "--skip-preview", "--non-interactive")


@contextmanager
def closed(gate: Path) -> Iterator[dict[str, str]]:
    """Close a gate that holds an update in its middle; yield the environment that the update needs."""
    reached(gate).unlink(missing_ok=True)
    gate.touch()
    try:
        yield {"PARCEL_GATE": str(gate)}
    finally:
        gate.unlink(missing_ok=True)


def reached(gate: Path) -> Path:
    """Return the file that the program writes when it waits at the gate."""
    return gate.with_suffix(".reached")


def awaited(what: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until it is so."""
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends, "it never came to be so"
        time.sleep(0.1)


def end(process: "subprocess.Popen[str]", gate: Path | None = None) -> None:
    """End a process that the test started, with what it started, at once.

    Pulumi's plugins live in groups of their own; those of an update are known by its gate.
    """
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    if gate:
        awaited(lambda: not _of(gate))


def _of(gate: Path) -> list[int]:
    """End what carries the gate in its environment; returns what did."""
    found = [number for number in proc.numbers() if proc.variables(number).get("PARCEL_GATE") == str(gate)]
    for number in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)
    return found
