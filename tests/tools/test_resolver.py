"""The end of aardvark-dns with the last network that it serves, also after a missed signal."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.cluster import resolver
from tools.cluster.engine import Engine

Begin = Callable[[Path], "subprocess.Popen[bytes]"]

# aardvark-dns 1.4 reads its folder at a signal, and loses a signal that arrives meanwhile.
_AARDVARK = """
import os, pathlib, signal, sys, time
networks, missed = pathlib.Path(sys.argv[1]), int(sys.argv[2])
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
print("reads its folder", flush=True)
while missed or any(networks.iterdir()):
    signal.sigwait({signal.SIGHUP})
    missed = max(0, missed - 1)
"""


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of networks for which names are resolved."""
    folder = tmp_path / "networks"
    folder.mkdir()
    monkeypatch.setattr(resolver, "NETWORKS", folder)
    return folder


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return an own Podman."""
    environment = {"CONTAINERS_CONF": str(tmp_path / "containers.conf")}
    return Engine(command="podman", own=True, why="", environment=environment)


@pytest.fixture
def begin(tmp_path: Path, networks: Path) -> Iterator[Begin]:
    """Begin an aardvark-dns with the settings in that file; it misses one signal."""
    begun: list[subprocess.Popen[bytes]] = []
    program = tmp_path / "aardvark-dns"
    program.symlink_to(sys.executable)

    def one(settings: Path) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(  # noqa: S603 - this Python by another name
            [str(program), "-c", _AARDVARK, str(networks), "1"],
            env={"CONTAINERS_CONF": str(settings), "PYTHONHOME": sys.base_prefix},
            stdout=subprocess.PIPE,
        )
        begun.append(process)
        assert process.stdout
        assert process.stdout.readline()
        return process

    yield one
    for process in begun:
        process.kill()
        process.communicate()


def test_it_is_told_until_it_ends(begin: Begin, engine: Engine, networks: Path, tmp_path: Path) -> None:
    (networks / "feastflow-1").write_text("10.89.0.1\n")
    process = begin(tmp_path / "containers.conf")

    resolver.end(engine, ["feastflow-1"])

    assert process.wait(timeout=10) == 0
    assert list(networks.iterdir()) == []


def test_one_that_serves_another_network_goes_on(
    begin: Begin, engine: Engine, networks: Path, tmp_path: Path
) -> None:
    (networks / "theirs").write_text("10.90.0.1\n")
    process = begin(tmp_path / "containers.conf")

    resolver.end(engine, ["feastflow-1"])

    assert process.poll() is None
    assert (networks / "theirs").exists()


def test_one_of_another_podman_is_not_told(
    begin: Begin, engine: Engine, networks: Path, tmp_path: Path
) -> None:
    process = begin(tmp_path / "theirs.conf")

    resolver.end(engine, ["feastflow-1"])

    assert process.poll() is None
    assert list(networks.iterdir()) == []


@pytest.mark.usefixtures("networks")
def test_without_one_there_is_nothing_to_do(engine: Engine) -> None:
    resolver.end(engine, ["feastflow-1"])
