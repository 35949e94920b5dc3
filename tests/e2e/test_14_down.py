"""`make down`, and power failures at the worst moments."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..documented import documented
from .figures import Figures
from .kube import Kube
from .machine import Machine, left_running, look
from .product import Product
from .running import UnderWay
from .site import Site
from .waiting import until


def test_down_leaves_the_machine_as_it_was(product: Product, before: Machine, figures: Figures) -> None:
    ran = product.typed(documented("make down"))
    figures.seconds("down", ran.seconds)
    _assert_as_it_was(product, before)


def test_down_once_more_finds_nothing_to_do(product: Product, before: Machine) -> None:
    product.done("down")
    _assert_as_it_was(product, before)


def test_down_cleans_up_after_ctrl_c_while_nodes_are_made(product: Product, before: Machine) -> None:
    with _while_nodes_are_made(product) as under_way:
        ran = under_way.interrupt()
    assert ran.code == 130, ran
    assert "interrupted" in ran.err, ran
    assert "Traceback" not in ran.text, ran
    product.done("down")
    _assert_as_it_was(product, before)


def test_up_recovers_from_two_power_failures_while_nodes_are_made_and_while_pulumi_deploys(
    product: Product, figures: Figures
) -> None:
    with _while_nodes_are_made(product) as under_way:
        under_way.lose_power()
    assert not product.kubeconfig.exists(), "kind was through before the power failed"
    kube = Kube(kubectl=product.kubectl, kubeconfig=product.kubeconfig, namespace="feastflow-dev")
    with product.begin("up") as under_way:
        # That it comes to deploying at all shows that the cluster recovered.
        until(lambda: kube.all("deployments,statefulsets"), what="Pulumi to deploy", within=300)
        assert under_way.runs(), under_way.ended(within=1)
        under_way.lose_power()
    ran = product.done("up")
    figures.seconds("up after a power failure while Pulumi deployed", ran.seconds)
    site = Site(url=f"http://{kube.namespace}.localhost:{product.port}")
    assert site.answers()
    assert kube.sql("SELECT count(*) FROM menu_items") == [["12"]]
    assert not re.search(r"\b(created|updated|deleted|replaced)\b", product.done("up").out)


def test_nothing_of_the_power_failures_is_left_in_the_state_or_among_the_processes(product: Product) -> None:
    exported = json.loads(product.shell("pulumi stack export --stack dev").out)
    assert exported["deployment"].get("pending_operations", []) == []
    # What Pulumi's storage writes beside each file is not written at once, and a torn one hides the state.
    assert list((product.home / "stacks").rglob("*.attrs")) == []
    left = [line for line in left_running(str(product.state)).values() if "pulumi" in line]
    assert left == []


def test_down_takes_away_a_cluster_that_does_not_answer_too(product: Product, before: Machine) -> None:
    product.engine("kill", f"{product.cluster}-control-plane")
    product.done("down")
    _assert_as_it_was(product, before)


def test_down_leaves_no_state_of_a_cluster_that_is_gone(product: Product) -> None:
    left = [str(path) for kind in ("stacks", "workspaces") for path in (product.home / kind).glob("*")]
    assert left == []
    assert not product.kubeconfig.exists()


@contextmanager
def _while_nodes_are_made(product: Product) -> Iterator[UnderWay]:
    with product.begin("up") as under_way:
        until(lambda: len(product.nodes()) == 3, what="the containers of three nodes", within=300)
        assert under_way.runs(), under_way.ended(within=1)
        yield under_way


def _assert_as_it_was(product: Product, before: Machine) -> None:
    # Unmounting and the end of a namespace's last process take the kernel a moment.
    changes: list[str] = []

    def same() -> bool:
        changes[:] = look(str(product.state)).changes_since(before)
        return not changes

    try:
        until(same, what="the machine to be as it was", within=20)
    except AssertionError as problem:
        report = "\n".join(changes)
        raise AssertionError(f"{problem}\n{report}\n{left_running(str(product.state))}") from None
