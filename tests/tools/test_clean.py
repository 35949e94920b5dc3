"""The size of caches: what the pins use is kept, all else is deleted, and both are counted."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.cli import clean, images
from tools.cluster import addons, nodeimage, operator
from tools.cluster.engine import Engine
from tools.observe import images as observed
from tools.observe import maven
from tools.toolchain import cache, disk, environment, golang, openapi, pins, pulumi
from tools.toolchain.errors import UserError

from .fakes import ROOT, Machine, python, writes

_DEBIAN = ("podman", "runc", "conmon", "mmdebstrap", "iptables", "ip")
# `images` has all images; one of another checkout's is the image of a running node.
_PODMAN = """
case "$1 $2" in
  "image ls") show images ;;
  "image rm") case "$3" in *node:used) echo "in use" >&2; exit 2 ;; esac ;;
esac
"""
CURRENT = {
    "bin": [
        golang.digest(build)
        for build in (
            *pins.ALL_BUILDS,
            *pins.TEST_BUILDS,
            *pins.OBSERVE_BUILDS,
            *pins.STORE_BUILDS,
            *pins.BENCH_BUILDS,
        )
    ],
    "pulumi": [pulumi.digest()],
    "addons": [addons.digest()],
    openapi.KIND: [openapi.name(minor) for minor in openapi.DOCUMENTS],
    "maven": [maven.key()],
}


@pytest.fixture
def podman(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return the own engine, with a store in the cache."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in _DEBIAN:
        machine.program(name, _PODMAN if name == "podman" else "")
    machine.file("cache/feastflow/containers/overlay-layers/layers.json", "[]")
    return Engine(command="podman", own=True, why="")


def _names(kind: str) -> set[str]:
    return {path.name for path in (cache.home() / kind).iterdir()}


def test_what_the_pins_use_is_kept_and_what_they_do_not_use_is_deleted() -> None:
    for kind, names in CURRENT.items():
        for name in (*names, "old"):
            cache.entry(kind, name, writes())
    venvs = [environment.name(ROOT / lock) for lock in clean._LOCKS]
    for name in (*venvs, "old"):
        (cache.home() / "venv" / name).mkdir(parents=True)
    clean.main()

    assert {kind: _names(kind) for kind in CURRENT} == {kind: set(names) for kind, names in CURRENT.items()}
    assert _names("venv") == set(venvs)


def test_images_of_other_pins_are_deleted_but_for_those_that_a_container_uses(
    machine: Machine, podman: Engine
) -> None:
    application = images.named(podman, pooler=True)
    assert application.pooler in application.all()
    kept = [nodeimage.name(), *application.all(), *images.bases(podman), *nodeimage.bases().values()]
    old = ["localhost/feastflow/node:old", "localhost/feastflow/node:used", "localhost/feastflow/backend:old"]
    machine.file("images", "".join(f"{name}\n" for name in (*kept, *old, "<none>:<none>")))
    archives = [operator.key(), *observed.keys(), images.key(application)]
    archives.append(images.key(images.named(podman)))
    for name in (*archives, "old"):
        cache.entry("images", name, writes())
    clean.main()

    assert [call.split()[-1] for call in machine.called("podman", "image rm")] == old
    assert machine.called("podman", "image prune")
    assert _names("images") == set(archives)


def test_gos_build_cache_is_deleted_unless_a_build_was_cut_or_it_is_the_users(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = machine.file(f"cache/feastflow/bin/.{CURRENT['bin'][0]}.draft/half").parent
    compiled = machine.file("cache/feastflow/go-build/00/a")
    clean.main()
    assert compiled.exists()
    assert not begun.exists()

    theirs = machine.file("theirs/00/a")
    monkeypatch.setenv("GOCACHE", str(machine.root / "theirs"))
    clean.main()
    assert theirs.exists()

    monkeypatch.delenv("GOCACHE")
    clean.main()
    assert not compiled.exists()


def test_everything_goes_when_that_is_asked_for_but_the_state(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.entry("bin", CURRENT["bin"][0], writes("x" * 2**28))
    kept = machine.file("state/feastflow/passphrase", "kept")
    monkeypatch.setenv("ALL", "yes")
    clean.main()

    assert not cache.home().exists()
    assert kept.exists()
    assert "freed 0.2 GiB; left: 0.0 GiB" in capsys.readouterr().out


def test_what_a_cluster_runs_on_is_not_deleted_with_everything(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.file("state/feastflow/clusters/x/cluster.json", "{}")
    kept = machine.file("cache/feastflow/bin/x")
    monkeypatch.setenv("ALL", "yes")

    with pytest.raises(UserError, match=r"there is a cluster here: x(.|\n)*make down"):
        clean.main()
    assert kept.exists()


@contextmanager
def _elsewhere(name: str) -> Iterator[None]:
    """Yield another command that holds the lock."""
    script = (
        f"from tools.toolchain import cache\nwith cache.locked({name!r}):\n    print(1, flush=True); input()"
    )
    child = python(script)
    assert child.stdout is not None
    child.stdout.readline()
    yield
    child.communicate("\n")


def test_nothing_is_deleted_while_a_command_works(machine: Machine) -> None:
    kept = machine.file("cache/feastflow/bin/old/file")

    with _elsewhere("bin-x"), pytest.raises(UserError, match="a command works on bin-x"):
        clean.main()
    assert kept.exists()
    clean.main()
    assert not kept.exists()


def test_cleaning_needs_no_installed_package() -> None:
    child = python("import tools.cli.clean, sys; print('yaml' in sys.modules)")

    assert child.communicate()[0] == "False\n", sys.executable


def test_what_the_caches_take_is_told_from_what_is_written_down_there(machine: Machine) -> None:
    cache.entry("bin", "a", writes("x" * 3000))
    layers = json.dumps([{"id": "1", "diff-size": 5000}, {"id": "2", "diff-size": 400}, {"id": "3"}])
    machine.file("cache/feastflow/containers/overlay-layers/layers.json", layers)
    machine.file("cache/feastflow/go-build/00/a", "x" * 70)
    machine.file("cache/feastflow/venv/v/lib/module.py", "x" * 11)
    mark = machine.file("cache/feastflow/venv/v/.complete")

    assert disk.taken() == {"images": 5400, "programs": 3000, "Go's build cache": 70, "Python": 11}
    assert mark.read_text() == "11"


def test_the_largest_part_of_the_caches_is_named_first_and_nothing_that_is_empty() -> None:
    parts = {"images": 2**30, "programs": 0, "Python": 3 * 2**30}

    assert disk.told(parts) == f"4.0 GiB in {cache.home()} (Python 3.0, images 1.0)"


def test_a_build_cache_of_the_users_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOCACHE", str(tmp_path))

    assert "Go's build cache" not in disk.taken()
