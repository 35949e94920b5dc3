"""FeastFlow's own commands, called as `make` calls them, on a cluster of the suite's own."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tools.cluster.ports import encrypted, must_be_free
from tools.toolchain.errors import UserError

from . import localstack
from .running import CommandError, Ran, UnderWay, run

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "artifacts"
# Variables that a user may have set and that would change what the commands do.
_FOREIGN = (
    *("STACK", "CONTEXT", "APP", "BACKEND_IMAGE", "FRONTEND_IMAGE"),
    *("KUBECONFIG", "MAKEFLAGS", "MAKELEVEL"),
    *("DRILL", "RUNS", "RATE", "BENCH", "AGAINST"),
)
_IGNORED = shutil.ignore_patterns(
    ".git", ".venv", "artifacts", "node_modules", ".next", "__pycache__", ".*_cache", ".hypothesis"
)
_DECOY = """\
apiVersion: v1
kind: Config
current-context: of-the-user
contexts: [{name: of-the-user, context: {cluster: of-the-user, user: of-the-user}}]
clusters: [{name: of-the-user, cluster: {server: "https://127.0.0.1:9"}}]
users: [{name: of-the-user, user: {}}]
"""
_MINUTES = 60.0
# A machine on which nothing has been compiled or built yet.
FROM_NOTHING = 60 * _MINUTES


def free_port() -> int:
    """Return a port that is free on loopback with its neighbour for https, below the kernel's own range.

    Raises:
        AssertionError: when there is none from 18090 to 18189.
    """
    for port in range(18090, 18190):
        with suppress(UserError):
            must_be_free(port)
            return port
    raise AssertionError("no port from 18090 to 18189 is free on 127.0.0.1 with the one 363 above it")


@dataclass(frozen=True, kw_only=True)
class Product:
    """The checkout at `root`, with the cluster, the port and the state folder it is told to use.

    `said` keeps every finished command, for the tests that read what must not be in there.
    """

    cluster: str
    port: int
    state: Path
    root: Path = ROOT
    variables: Mapping[str, str] = field(default_factory=dict)
    said: list[Ran] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The machine's, without what a user's shell may have set for this project or for Pulumi."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in _FOREIGN and not name.startswith(("PULUMI_", "PYTEST_"))
        }
        own = {"CLUSTER": self.cluster, "PORT": str(self.port), "XDG_STATE_HOME": str(self.state)}
        # The user's kubeconfig: nothing may read it or write to it unless CONTEXT names a context in it.
        return {**kept, **own, "KUBECONFIG": str(self.users_kubeconfig), **self.variables}

    @property
    def users_kubeconfig(self) -> Path:
        """A kubeconfig that points to nothing that answers."""
        return self.state / "kubeconfig-of-the-user"

    def give_users_kubeconfig(self) -> None:
        """Write the kubeconfig of the user, whose only context leads nowhere."""
        self.users_kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        self.users_kubeconfig.write_text(_DECOY, encoding="utf-8")

    @property
    def encrypted_port(self) -> int:
        """The port of https that belongs to the one of http."""
        return encrypted(self.port)

    @property
    def known_port(self) -> int | None:
        """The port of the cluster that an earlier run left; None when it left none."""
        if not self._record.exists():
            return None
        return int(json.loads(self._record.read_text(encoding="utf-8"))["port"])

    @property
    def home(self) -> Path:
        """The project's own folder in the state folder."""
        return self.state / "feastflow"

    @property
    def kubeconfig(self) -> Path:
        """The local cluster's kubeconfig."""
        return self.home / "clusters" / self.cluster / "kubeconfig"

    def with_variables(self, **variables: str) -> "Product":
        """Return the product with more variables in make's environment: `make up CONTEXT=…`."""
        return replace(self, variables={**self.variables, **variables})

    def cloned(self, folder: Path) -> "Product":
        """The same from a second checkout, which a test may change; its stacks' files say everything."""
        shutil.copytree(self.root, folder, ignore=_IGNORED, symlinks=True)
        localstack.settle(folder)
        return replace(self, root=folder)

    def local(self, command: str, *, within: float = 15 * _MINUTES) -> Ran:
        """Run `make COMMAND` to its end, whatever its exit code."""
        with self.begin(command) as under_way:
            return self._kept(under_way.ended(within=within))

    def typed(self, line: str, *, within: float = 15 * _MINUTES) -> Ran:
        """Run a line in a shell of the checkout; it must succeed."""
        return _successful(self._kept(self._bash(line, within=within)))

    def begin(self, command: str) -> UnderWay:
        """Start `make COMMAND`."""
        return UnderWay([sys.executable, "-m", "tools.cli", command], self.environment, self.root)

    def done(self, command: str) -> Ran:
        """Run `make COMMAND`, which must succeed."""
        return _successful(self.local(command))

    def drill(self, *names: str) -> Ran:
        """Run `make drill DRILL=NAMES` to its end, whatever its exit code."""
        with self.begin_drill(*names) as under_way:
            return self._kept(under_way.ended(within=len(names) * 15 * _MINUTES))

    def begin_drill(self, *names: str) -> UnderWay:
        """Start `make drill DRILL=NAMES`."""
        command = [sys.executable, "-m", "tools.drills", "--drill", ",".join(names)]
        return UnderWay(command, self.environment, self.root)

    def node(self, command: str, node: str) -> Ran:
        """Run `python -m tools.cluster COMMAND NODE`."""
        line = [sys.executable, "-m", "tools.cluster", "--name", self.cluster, command, node]
        return self._kept(run(line, environment=self.environment, cwd=self.root, timeout=5 * _MINUTES))

    @cached_property
    def kubectl(self) -> str:
        """The kubectl that the project compiled, as `python -m tools.toolchain` puts it on PATH."""
        tools = f'eval "$({shlex.join([sys.executable, "-m", "tools.toolchain"])})" && command -v kubectl'
        return _successful(self._bash(tools, within=FROM_NOTHING)).out.strip()

    def shell(self, line: str) -> Ran:
        """Run a line in a shell after `eval "$(make -s shell)"`; it must succeed."""
        assignments = shlex.join([sys.executable, "-m", "tools.cli", "shell"])
        return _successful(self._bash(f'eval "$({assignments})" && {line}'))

    def engine(self, *arguments: str) -> str:
        """Run the container engine that carries the nodes and return its output; it must succeed."""
        settings = self.home / "engine"
        environment = dict(self.environment)
        if (settings / "containers.conf").exists():
            environment["CONTAINERS_CONF"] = str(settings / "containers.conf")
            environment["CONTAINERS_STORAGE_CONF"] = str(settings / "storage.conf")
        command = [self.carrier, *arguments]
        return _successful(run(command, environment=environment, timeout=_MINUTES)).out

    @property
    def carrier(self) -> str:
        """The name of that engine."""
        if not self._record.exists():
            return "podman"
        return str(json.loads(self._record.read_text(encoding="utf-8"))["engine"]["command"])

    def nodes(self) -> list[str]:
        """Return the containers of the cluster's nodes, running or not; none before an engine was chosen."""
        if not (self._record.exists() or (self.home / "engine").exists()):
            return []
        label = f"label=io.x-k8s.kind.cluster={self.cluster}"
        return sorted(self.engine("ps", "--all", "--filter", label, "--format", "{{.Names}}").split())

    @property
    def _record(self) -> Path:
        return self.home / "clusters" / self.cluster / "cluster.json"

    def _bash(self, script: str, *, within: float = 5 * _MINUTES) -> Ran:
        command = ["bash", "-c", f"set -o errexit -o pipefail; {script}"]
        return run(command, environment=self.environment, cwd=self.root, timeout=within)

    def _kept(self, ran: Ran) -> Ran:
        self.said.append(ran)
        assert "Traceback" not in ran.text, ran
        return ran


def _successful(ran: Ran) -> Ran:
    if ran.code != 0:
        raise CommandError(ran)
    return ran
