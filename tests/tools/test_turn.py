"""Turns on a cluster: a command keeps all others waiting, by whatever name they call the cluster."""

from collections.abc import Callable

import pytest

from tools.cli import commands
from tools.cluster import __main__ as cluster_command
from tools.cluster.handle import Cluster
from tools.stacks import scope
from tools.stacks.options import Options
from tools.toolchain import turn
from tools.toolchain.errors import UserError

from .fakes import Machine

pytestmark = pytest.mark.usefixtures("checkout")

_BY_CLUSTER = Options(stack="dev", context=None, cluster="x", port=8080)
_BY_CONTEXT = Options(stack="dev", context="kind-x", cluster="another", port=8080)
_COMMANDS: dict[str, Callable[[], None]] = {
    "make up": lambda: commands.up(_BY_CLUSTER),
    "make down": lambda: commands.down(_BY_CLUSTER),
    "make destroy": lambda: commands.destroy(_BY_CLUSTER),
    "cluster up": lambda: cluster_command.main(["--name", "x", "up"]),
    "cluster down": lambda: cluster_command.main(["--name", "x", "down"]),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have commands wait for their turn only a moment."""
    monkeypatch.setattr(turn, "PATIENCE_SECONDS", 0.02)


@pytest.mark.usefixtures("standing")
@pytest.mark.parametrize("command", _COMMANDS)
def test_while_a_command_has_the_cluster_a_second_one_does_nothing_to_it(
    machine: Machine, command: str
) -> None:
    with turn.cluster("x"), pytest.raises(UserError, match="the cluster x is in use"):
        _COMMANDS[command]()

    assert machine.calls("docker") == machine.calls("kubectl") == machine.calls("pulumi") == []


@pytest.mark.usefixtures("standing")
def test_another_clusters_turn_keeps_nothing_waiting(machine: Machine) -> None:
    with turn.cluster("y"):
        commands.down(_BY_CLUSTER)

    assert machine.called("docker", "rm --force")


@pytest.mark.parametrize(
    ("first", "second", "act"),
    [
        (_BY_CLUSTER, _BY_CONTEXT, commands.destroy),
        (_BY_CONTEXT, _BY_CLUSTER, commands.destroy),
        (_BY_CONTEXT, _BY_CLUSTER, commands.down),
    ],
)
def test_a_cluster_by_its_name_and_by_its_context_has_one_turn_since_both_have_one_state(
    machine: Machine, standing: Cluster, first: Options, second: Options, act: Callable[[Options], None]
) -> None:
    config = f'{{"contexts": [{{"name": "{standing.context}"}}]}}'
    machine.program("kubectl", f"case \"$*\" in 'config view'*) echo '{config}' ;; *) printf 5ad1 ;; esac")

    with scope.alone(first), pytest.raises(UserError, match="the stacks of the cluster 5ad1 is in use"):
        act(second)

    assert machine.calls("pulumi") == machine.called("docker", "rm ") == []
