"""A power failure and Ctrl-C while nodes are made, on a cluster that nothing else uses.

What they leave of a deployment that was under way, tests/apiserver proves.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..harness import machine, suite
from ..harness.figures import Figures
from ..harness.kube import Kube
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


def test_up_recovers_from_a_power_failure_while_nodes_are_made(victim: Product, figures: Figures) -> None:
    with _while_nodes_are_made(victim) as under_way:
        under_way.lose_power()
    assert not victim.kubeconfig.exists(), "kind was through before the power failed"
    ran = victim.done("up")
    figures.seconds("up after a power failure while nodes were made", ran.seconds)
    kube = Kube(kubectl=victim.kubectl, kubeconfig=victim.kubeconfig, namespace="feastflow-dev")
    site = Site(url=f"http://{kube.namespace}.localhost:{victim.port}")
    assert site.answers()
    assert kube.sql("SELECT count(*) FROM menu_items") == [["12"]]


def test_down_deletes_a_cluster_that_does_not_answer_too(victim: Product) -> None:
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
