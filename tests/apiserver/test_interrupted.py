"""A power failure during `up`, at a first deployment and at a change: the next `up` continues from there.

The stack is destroyed at the end, which leaves nothing of it.
"""

import json

import pytest

from ..documented import documented
from ..harness.kube import Kube, name_of
from ..harness.machine import left_running
from ..harness.running import Ran
from ..harness.waiting import until
from .teams import Config, Office, Team

_MARK = "without power"


@pytest.fixture(scope="module")
def team(office: Office) -> Team:
    """Return a stack that nothing has been deployed of."""
    return office.team("interrupted")


@pytest.fixture(scope="module")
def recovered(team: Team) -> Ran:
    """Return the `up` after one that was cut off while Pulumi made the first workloads."""
    with team.product.begin("up") as under_way:
        until(lambda: team.kube.all("deployments,statefulsets"), what="Pulumi to deploy", within=300)
        assert under_way.runs(), under_way.ended(within=1)
        under_way.lose_power()
    return team.product.done("up")


def test_a_first_up_without_power_is_completed_by_the_next_one(team: Team, recovered: Ran) -> None:
    assert "created" in recovered.out, recovered
    assert "steps of a run that was cut off are done again" not in recovered.err
    until(team.kube.complete, what="as many pods as the autoscaler wants", within=300)
    _assert_nothing_to_do(team.product.done("up"))


def test_nothing_of_the_power_failure_is_left_in_the_state_or_among_the_processes(
    team: Team, recovered: Ran
) -> None:
    assert recovered.code == 0
    exported = json.loads(team.product.shell(f"pulumi stack export --stack {team.stack}").out)
    assert exported["deployment"].get("pending_operations", []) == []
    # What Pulumi's storage writes next to each file is not written at once, and a torn one hides the state.
    assert list((team.product.home / "stacks").rglob("*.attrs")) == []
    left = [line for line in left_running(str(team.product.state)).values() if "pulumi" in line]
    assert left == []


@pytest.mark.slow
def test_what_an_update_without_power_had_added_is_deleted_by_the_next_one(
    team: Team, recovered: Ran
) -> None:
    assert recovered.code == 0

    def unwanted(config: Config) -> None:
        config["feastflow:backend"]["env"] = {"RELEASE": _MARK}

    with team.changed(unwanted), team.product.begin("up") as under_way:
        until(lambda: _MARK in str(team.kube.all("deployments")), what="the update to begin", within=300)
        under_way.lose_power()
    assert "updated" in team.product.done("up").out
    assert _MARK not in str(team.kube.all("deployments"))
    until(team.kube.complete, what="as many pods as the autoscaler wants", within=300)
    _assert_nothing_to_do(team.product.done("up"))


def test_destroy_leaves_nothing_of_the_stack_in_the_cluster_or_in_the_state(
    team: Team, recovered: Ran
) -> None:
    assert recovered.code == 0
    assert any(team.kube.namespace in text for text in _cluster_scoped(team.kube).values())
    team.product.typed(documented("make destroy"))
    assert team.kube.ask("get", "namespace", team.kube.namespace).code != 0

    def left() -> list[str]:
        return [name for name, text in _cluster_scoped(team.kube).items() if team.kube.namespace in text]

    until(lambda: not left(), what="the volume of the database to be deleted", within=60)
    known = {stack["name"] for stack in json.loads(team.product.shell("pulumi stack ls --json").out)}
    assert team.stack not in known
    assert f"there is no stack {team.stack}" in team.product.done("destroy").out


def _assert_nothing_to_do(ran: Ran) -> None:
    assert "unchanged" in ran.out, ran
    assert ran.changes == []


def _cluster_scoped(kube: Kube) -> dict[str, str]:
    """Return every object that belongs to no namespace, persistent volumes too, by kind and name, as text."""
    kinds = kube.kinds(namespaced=False)
    assert "persistentvolumes" in kinds
    found = kube.all(",".join(kinds))
    return {f"{thing['kind']} {name_of(thing)}": json.dumps(thing) for thing in found}
