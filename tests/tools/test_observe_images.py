"""Images of observability: built once, kept as archives, and carried to the nodes that run them."""

import hashlib
import os
from dataclasses import replace

import pytest

from tools.cluster.handle import Cluster
from tools.observe import images, maven
from tools.toolchain import cache, golang
from tools.toolchain.errors import UserError

from .fakes import Heard, Machine, writes

# `has-NODE` are the names on a node, `saved` those of the last archive.
_PODMAN = """
case "$1" in
  ps) printf 'x-control-plane\\nx-worker\\nx-worker2\\n' ;;
  save) echo "$*" | tr ' ' '\\n' | grep / | grep -v '[.]tar$' > "$ROOT/saved"
    while [ "$1" != --output ]; do shift; done; cp "$ROOT/saved" "$2" ;;
  exec) case "$*" in
    *list*) show "has-$2" ;;
    *import*) for last; do :; done; key="${last#/images/}"
      cat "$ROOT/cache/feastflow/images/$key" >> "$ROOT/has-$2" ;; esac ;;
  image) [ "$2" != inspect ] ;;
esac
"""
# Writes the jar where it is told to; `jar` is what it holds.
_MAVEN = """
[ ! -e "$ROOT/offline" ] || { echo "Could not transfer artifact" >&2; exit 1; }
for each; do case "$each" in -DoutputDirectory=*) folder="${each#*=}" ;; esac; done
show jar > "$folder/zipkin-server-3.5.1-exec.jar"
"""
_NODES = ("x-control-plane", "x-worker", "x-worker2")


@pytest.fixture
def own(machine: Machine, standing: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Return a cluster whose images are built here, with every program compiled and a Maven."""
    machine.program("podman", _PODMAN)
    for build in images.BUILDS:
        _compiled(build)
    machine.program("mvn", _MAVEN)
    # It runs what makes a Debian system.
    machine.program("unshare", 'for last; do :; done; : > "$last"')
    machine.file("jar", "a jar\n")
    monkeypatch.setattr(maven, "_SHA256", hashlib.sha256(b"a jar\n").hexdigest())
    return replace(standing, engine=replace(standing.engine, command="podman", own=True))


def _compiled(build: golang.Build) -> None:
    def make(folder: object) -> None:
        for name in build.programs.values():
            writes(name=name)(folder)  # type: ignore[arg-type]

    cache.entry("bin", golang.digest(build), make)


def _has(machine: Machine, node: str) -> set[str]:
    path = machine.root / f"has-{node}"
    return set(path.read_text().split()) if path.exists() else set()


def test_every_node_is_given_the_agent_and_the_one_of_the_edge_all_the_rest(
    machine: Machine, own: Cluster, step: Heard
) -> None:
    images.carry(own, step)

    agent = images.named()["vlagent"]
    assert _has(machine, "x-control-plane") == set(images.named().values())
    assert _has(machine, "x-worker") == _has(machine, "x-worker2") == {agent}


def test_nodes_that_have_them_cost_nothing(machine: Machine, own: Cluster, step: Heard) -> None:
    for node in _NODES:
        machine.file(f"has-{node}", "".join(f"{name}\n" for name in images.named().values()))
    images.carry(own, step)

    assert machine.called("podman", "save") == []
    assert machine.called("podman", "import") == []
    assert machine.calls("mvn") == []


def test_new_nodes_are_given_what_is_in_the_cache(machine: Machine, own: Cluster, step: Heard) -> None:
    images.carry(own, step)
    saved = machine.called("podman", "save")
    for node in _NODES:
        (machine.root / f"has-{node}").unlink()
    images.carry(own, step)

    assert len(saved) == 3
    assert machine.called("podman", "save") == saved
    assert _has(machine, "x-control-plane") == set(images.named().values())


def test_the_engine_keeps_no_image(machine: Machine, own: Cluster, step: Heard) -> None:
    images.carry(own, step)

    deleted = " ".join(machine.called("podman", "image rm --force"))
    assert all(name in deleted for name in images.named().values())


def test_a_jar_that_was_changed_is_refused_and_nothing_of_it_is_kept(
    machine: Machine, own: Cluster, step: Heard
) -> None:
    assert own
    machine.file("jar", "another jar\n")

    with pytest.raises(UserError, match=r"has the checksum [0-9a-f]{64}, not(.|\n)*do not trust the network"):
        maven.zipkin(step)
    assert cache.find("maven", maven.key()) is None


def test_a_jar_that_cannot_be_fetched_is_told_with_mavens_words(
    machine: Machine, own: Cluster, step: Heard
) -> None:
    assert own
    machine.file("offline")

    with pytest.raises(UserError, match=r"could not fetch io.zipkin(.|\n)*Could not transfer artifact"):
        maven.zipkin(step)


def test_without_maven_and_the_right_to_install_it_the_user_is_told(
    machine: Machine, own: Cluster, step: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own
    (machine.bin / "mvn").unlink()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(UserError, match="there is no `mvn` on PATH"):
        maven.zipkin(step)


def test_maven_comes_from_debian_where_it_may_be_installed(
    machine: Machine, own: Cluster, step: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own
    (machine.bin / "mvn").rename(machine.root / "mvn")
    machine.program("apt-get", 'case "$1" in install) mv "$ROOT/mvn" "$ROOT/bin/mvn" ;; esac')
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert maven.zipkin(step).read_text() == "a jar\n"
