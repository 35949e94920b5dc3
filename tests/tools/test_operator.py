"""The database operator: on a cluster when a stack there replicates its database, and not before."""

from dataclasses import replace

import pytest

from tools.cli import bringup
from tools.cluster import addons, handle, lifecycle, operator, programs
from tools.cluster.handle import Cluster
from tools.toolchain import cache, golang, pins

from .fakes import Machine, writes

REPLICATED = {"feastflow:database": {"engine": "replicated"}}
# `loaded` has the nodes' images; an import loads the last argument of `save`.
_PODMAN = """
case "$1" in
  ps) printf 'x-control-plane\\nx-worker\\n' ;;
  save) for last; do :; done; echo "$last" > "$ROOT/saved" ;;
  exec) case "$*" in *list*) show loaded ;; *import*) cat "$ROOT/saved" > "$ROOT/loaded" ;; esac ;;
  image) [ "$2" != inspect ] ;;
esac
"""


@pytest.fixture
def own(machine: Machine, standing: Cluster) -> Cluster:
    """Return a cluster whose images are built here, and an operator that was compiled."""
    machine.program("podman", _PODMAN)
    cache.entry("bin", golang.digest(pins.OPERATOR_BUILD), writes(name=programs.OPERATOR.name))
    return replace(standing, engine=replace(standing.engine, command="podman", own=True))


def _applied(machine: Machine) -> list[str]:
    return machine.called("kubectl", "apply", f"{addons.OPERATOR_PART}.yaml")


@pytest.mark.parametrize(
    ("settings", "times"),
    [(REPLICATED, 1), ({"feastflow:database": {"engine": "standalone"}}, 0), ({}, 0)],
)
def test_only_a_stack_with_a_replicated_database_brings_the_operator(
    machine: Machine, standing: Cluster, settings: dict[str, object], times: int
) -> None:
    bringup.admitting(standing, settings)

    assert len(_applied(machine)) == times


def test_an_operator_that_was_seen_is_neither_applied_nor_awaited_again(
    machine: Machine, standing: Cluster
) -> None:
    operator.ensure(standing)
    lifecycle.ready(standing)
    operator.ensure(standing)

    assert len(_applied(machine)) == 1


def test_an_operator_is_awaited_again_when_a_node_was_started(machine: Machine, standing: Cluster) -> None:
    operator.ensure(standing)
    handle.switch_on(standing, "x-worker")
    operator.ensure(standing)

    assert len(machine.called("kubectl", "rollout status", "cnpg-controller-manager")) == 2


def test_images_of_a_users_engine_are_pulled_by_the_nodes(machine: Machine, standing: Cluster) -> None:
    operator.ensure(standing)

    assert operator.builds(standing.engine) == ()
    assert machine.called("docker", "exec") == []


def test_where_images_are_built_here_the_operators_is_carried_to_the_nodes_before_it_is_applied(
    machine: Machine, own: Cluster
) -> None:
    operator.ensure(own)

    assert operator.builds(own.engine) == (pins.OPERATOR_BUILD,)
    assert (machine.root / "loaded").read_text() == f"{programs.OPERATOR.image}\n"
    assert len(machine.called("podman", "exec", "import")) == 2
    assert machine.called("podman", "image rm", programs.OPERATOR.image)
    assert _applied(machine)


def test_nodes_that_have_the_operators_image_need_none_compiled(machine: Machine, own: Cluster) -> None:
    machine.file("loaded", f"{programs.OPERATOR.image}\n")
    (cache.home() / "bin" / golang.digest(pins.OPERATOR_BUILD) / programs.OPERATOR.name).unlink()

    operator.ensure(own)

    assert machine.called("podman", "save") == []
    assert _applied(machine)
