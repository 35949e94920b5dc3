"""`make down` leaves nothing."""

import pytest

from ..documented import documented
from ..harness import machine
from ..harness.figures import Figures
from ..harness.machine import Belongings, Machine
from ..harness.product import Product
from ..harness.running import Ran


@pytest.fixture(scope="module")
def ours(product: Product, first_up: Ran) -> Belongings:
    """Return what tells the traces of the suite's cluster, learnt while it runs."""
    assert first_up.code == 0
    return machine.belongings(product)


def test_down_leaves_nothing_on_the_machine(
    product: Product, ours: Belongings, before: Machine, figures: Figures
) -> None:
    ran = product.typed(documented("make down"))
    figures.seconds("down", ran.seconds)
    machine.wait_until_nothing_is_left(lambda: [*ours.left(), *machine.look().changes_since(before)])


def test_down_leaves_no_state_of_a_cluster_that_is_gone(product: Product, ours: Belongings) -> None:
    assert ours.words
    left = [str(path) for kind in ("stacks", "workspaces") for path in (product.home / kind).glob("*")]
    assert left == []
    assert not product.kubeconfig.exists()


def test_down_once_more_finds_nothing_to_do(product: Product, ours: Belongings) -> None:
    product.done("down")
    machine.wait_until_nothing_is_left(ours.left)
