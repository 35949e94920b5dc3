"""Each test has a machine of its own and cannot reach the real one's engines, clusters, caches or state."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import addons, footprint, lifecycle
from toolchain import cache

from .fakes import ENGINE, Heard, Machine, with_kind

_UNSET = ("KUBECONFIG", "SSL_CERT_FILE", "COLUMNS", "CONTEXT", "STACK", "CLUSTER", "PORT", "PULUMI_HOME")
_PULUMI = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with nothing on it."""
    made = Machine(root=tmp_path / "machine")
    made.bin.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setenv("HOME", str(made.root / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(made.root / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(made.root / "state"))
    # Nothing here survives the test, let alone a power failure, and the disk of a busy machine is slow.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "sync", lambda: None)
    for name in (*_UNSET, *_PULUMI, "BACKEND_IMAGE", "FRONTEND_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def step() -> Heard:
    """A step to tell things."""
    return Heard()


@pytest.fixture
def port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
    return found


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def docker(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with Docker, kind and kubectl, whose add-ons were rendered before."""
    machine.program("docker", ENGINE)
    with_kind(machine)
    cache.entry("addons", addons.digest(), lambda folder: (folder / "addons.yaml").touch())
    monkeypatch.setattr(lifecycle, "_RESTART_SECONDS", 0.05)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(footprint, "_MODULES", Path("/nonexistent"))
