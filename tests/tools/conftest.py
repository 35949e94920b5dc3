"""Each test has a machine of its own and cannot reach the real one's engines, clusters, caches or state."""

import os
from pathlib import Path

import pytest

from .fakes import Heard, Machine

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
