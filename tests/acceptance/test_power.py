"""Power failures and Ctrl-C at the worst moments, on a cluster that nothing else uses."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..harness import machine, suite
from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.machine import left_running
from ..harness.product import Product, free_port
from ..harness.running import UnderWay
from ..harness.site import Site
from ..harness.waiting import until

# The cluster is the part's own.
NEEDS_THE_STACK = False
_CLUSTER = "feastflow-power"


@pytest.fixture(scope="module")
def victim(request: pytest.FixtureRequest) -> Iterator[Product]:
    """Return a cluster's name, port and state of the module's own; nothing is left of it afterwards."""
    state = Path(tempfile.mkdtemp(prefix="feastflow-power-"))
    victim = Product(cluster=_CLUSTER, port=free_port(), state=state)
    with suite.prepared(request, victim):
        victim.done("down")
        yield victim
        if suite.left(request):
            return
        victim.done("down")
    shutil.rmtree(state)


def test_down_cleans_up_after_ctrl_c_while_nodes_are_made(victim: Product) -> None:
    with _while_nodes_are_made(victim) as under_way:
        ours = machine.belongings(victim)
        ran = under_way.interrupt()
    assert ran.code == 130, ran
    assert "interrupted" in ran.err, ran
    assert "Traceback" not in ran.text, ran
    victim.done("down")
    machine.wait_until_nothing_is_left(ours.left)


def test_up_recovers_from_two_power_failures_while_nodes_are_made_and_while_pulumi_deploys(
    victim: Product, figures: Figures
) -> None:
    with _while_nodes_are_made(victim) as under_way:
        under_way.lose_power()
    assert not victim.kubeconfig.exists(), "kind was through before the power failed"
    kube = Kube(kubectl=victim.kubectl, kubeconfig=victim.kubeconfig, namespace="feastflow-dev")
    with victim.begin("up") as under_way:
        # That it comes to deploying at all shows that the cluster recovered.
        until(lambda: kube.all("deployments,statefulsets"), what="Pulumi to deploy", within=300)
        assert under_way.runs(), under_way.ended(within=1)
        under_way.lose_power()
    ran = victim.done("up")
    figures.seconds("up after a power failure while Pulumi deployed", ran.seconds)
    site = Site(url=f"http://{kube.namespace}.localhost:{victim.port}")
    assert site.answers()
    assert kube.sql("SELECT count(*) FROM menu_items") == [["12"]]
    assert not re.search(r"\b(created|updated|deleted|replaced)\b", victim.done("up").out)


def test_nothing_of_the_power_failures_is_left_in_the_state_or_among_the_processes(victim: Product) -> None:
    exported = json.loads(victim.shell("pulumi stack export --stack dev").out)
    assert exported["deployment"].get("pending_operations", []) == []
    # What Pulumi's storage writes beside each file is not written at once, and a torn one hides the state.
    assert list((victim.home / "stacks").rglob("*.attrs")) == []
    left = [line for line in left_running(str(victim.state)).values() if "pulumi" in line]
    assert left == []


def test_down_takes_away_a_cluster_that_does_not_answer_too(victim: Product) -> None:
    ours = machine.belongings(victim)
    victim.engine("kill", f"{victim.cluster}-control-plane")
    victim.done("down")
    machine.wait_until_nothing_is_left(ours.left)


@contextmanager
def _while_nodes_are_made(victim: Product) -> Iterator[UnderWay]:
    with victim.begin("up") as under_way:
        until(lambda: len(victim.nodes()) == 3, what="the containers of three nodes", within=300)
        assert under_way.runs(), under_way.ended(within=1)
        yield under_way
