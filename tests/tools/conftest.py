"""Each test has a machine of its own and cannot reach the real one's engines, clusters, caches or state."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tools.cluster import addons, engine, footprint, lifecycle, ports, record, resolver, silent
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.stacks import workspace
from tools.toolchain import cache, environment, golang, proc
from tools.toolchain.errors import UserError

from .fakes import ENGINE, Begin, Heard, Machine, with_kind

_UNSET = (
    "KUBECONFIG",
    "SSL_CERT_FILE",
    "COLUMNS",
    "CONTEXT",
    "STACK",
    "CLUSTER",
    "PORT",
    "PULUMI_HOME",
    "GOCACHE",
)
_CONTEXTS = '{"contexts": [{"name": "theirs"}]}'
# Sleep forever without a child process, which would have this program's name until it calls exec.
_RUNS = 'read _ < "$ROOT/never"'
_PULUMI = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield folders for machines, one after another: there are hundreds, and `tmp_path` is slow."""
    base = tmp_path_factory.mktemp("machines")
    return (base / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def machine(machines: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine with nothing on it."""
    made = Machine(root=next(machines))
    made.bin.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setenv("HOME", str(made.root / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(made.root / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(made.root / "state"))
    # A wrong test reaches neither the checkout's own environment nor the real /run, /sys and /lib.
    link = made.root / "venv"
    link.mkdir()
    monkeypatch.setattr(environment, "_LINK", link)
    # The machine's free disk space must not matter.
    monkeypatch.setattr(golang, "_free_gib", lambda _: 1000.0)
    monkeypatch.setattr(golang, "_begun", {})
    monkeypatch.setattr(golang, "_last", [])
    monkeypatch.setattr(engine, "RUNTIME", made.root / "run")
    monkeypatch.setattr(footprint, "_MODULES", made.root / "modules")
    monkeypatch.setattr(footprint, "_CGROUPS", made.root / "cgroup")
    monkeypatch.setattr(footprint, "_NAMESPACES", made.root / "netns")
    monkeypatch.setattr(resolver, "NETWORKS", made.root / "networks")
    monkeypatch.setattr(footprint, "_INTERFACES", made.root / "interfaces")
    monkeypatch.setattr(footprint, "SYSCTLS", ())
    # Nothing here survives the test, let alone a power failure, and the disk of a busy machine is slow.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "sync", lambda: None)
    for name in (*_UNSET, *_PULUMI, "BACKEND_IMAGE", "FRONTEND_IMAGE", "APP"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def step() -> Heard:
    """Return a step to tell things."""
    return Heard()


@pytest.fixture
def port() -> int:
    """Return a free loopback port, the one for https free too; none that the kernel hands out."""
    for found in range(20_000 + os.getpid() % 5_000, 30_000):
        with contextlib.suppress(UserError):
            ports.must_be_free(found)
            return found
    raise AssertionError("no port is free")


@pytest.fixture
def taken() -> Iterator[int]:
    """Yield a port that is listened on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def _rendered(folder: Path) -> None:
    for name in addons._PARTS:
        (folder / f"{name}.yaml").touch()


@pytest.fixture
def docker(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine with Docker, kind and kubectl, whose add-ons were rendered before."""
    machine.program("docker", ENGINE)
    with_kind(machine)
    cache.entry("addons", addons.digest(), _rendered)
    monkeypatch.setattr(silent, "_SECONDS", 0.05)
    monkeypatch.setattr(silent, "_BUSY_SECONDS", 0.05)
    monkeypatch.setattr(silent, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return machine


@pytest.fixture
def standing(docker: Machine, port: int) -> Cluster:
    """Return a cluster of three nodes that answers, as an earlier run left it."""
    names = ("x-control-plane", "x-worker", "x-worker2")
    carrier = Engine(command="docker", own=False, why="")
    known = {"port": port, "engine": asdict(carrier), "identity": "5ad1", "addons": addons.digest()}
    record.write("x", known | {"addresses": {name: f"10.0.0.{len(name)}" for name in names}})
    (record.home("x") / "kubeconfig").touch()
    docker.file("nodes", "".join(f"{name}\n" for name in names))
    docker.file("serves", "True\nTrue\nTrue\n")
    found = lifecycle.find("x")
    assert found is not None
    return found


@pytest.fixture
def checkout(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with one stack, an environment, the official pulumi, and a cluster of the user's."""
    machine.file("checkout/Pulumi.yaml", "name: shop\nruntime: {name: python, options: {}}\n")
    machine.file("checkout/Pulumi.dev.yaml", "config: {feastflow:frontend: {image: page:1}}\n")
    link = machine.file("checkout/.venv/bin/activate").parent.parent
    monkeypatch.setattr(workspace, "_ROOT", link.parent)
    monkeypatch.setattr(environment, "_LINK", link)
    machine.program(
        "kubectl", f"case \"$*\" in 'config view'*) echo '{_CONTEXTS}' ;; *) printf uid-1 ;; esac"
    )
    machine.program(
        "pulumi",
        """
        case "$*" in
          version) echo v3.200.0 ;;
          *" export "*)
            grep -q dev "$ROOT/stacks" || { echo "error: no stack named 'dev' found" >&2; exit 255; }
            echo '{}' ;;
          *) echo said ;;
        esac
        """,
    )
    machine.file("stacks", '[{"name": "dev"}]')
    return link.parent


@pytest.fixture
def begin(machine: Machine) -> Iterator[Begin]:
    """Start a program of that name with that environment; returns its number."""
    begun: list[subprocess.Popen[bytes]] = []
    os.mkfifo(machine.root / "never")

    def one(name: str, **variables: str) -> int:
        program = machine.program(name, _RUNS)
        process = subprocess.Popen([str(program)], env={**os.environ, **variables})  # noqa: S603 - made here
        begun.append(process)
        while program.name not in proc.programs(process.pid):
            time.sleep(0.005)
        return process.pid

    yield one
    for process in begun:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
