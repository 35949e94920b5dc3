"""`make down`, and power failures at the worst moments."""

import re

from .figures import Figures
from .kube import Kube
from .machine import Machine, left_running, look
from .product import Product
from .site import Site
from .waiting import until


def test_down_leaves_the_machine_as_it_was(product: Product, before: Machine, figures: Figures) -> None:
    ran = product.done("down")
    figures.seconds("down", ran.seconds)
    _assert_as_it_was(product, before)


def test_down_once_more_finds_nothing_to_do(product: Product, before: Machine) -> None:
    product.done("down")
    _assert_as_it_was(product, before)


def test_down_cleans_up_after_a_power_failure_while_nodes_are_made(product: Product, before: Machine) -> None:
    _kill_while_nodes_are_made(product)
    product.done("down")
    _assert_as_it_was(product, before)


def test_up_recovers_from_two_power_failures_while_nodes_are_made_and_while_pulumi_deploys(
    product: Product, figures: Figures
) -> None:
    _kill_while_nodes_are_made(product)
    kube = Kube(kubectl=product.kubectl, kubeconfig=product.kubeconfig, namespace="feastflow-dev")
    under_way = product.begin("up")
    # That it comes to deploying at all shows that the cluster recovered.
    until(lambda: len(kube.all("deployments,statefulsets")) > 0, what="Pulumi to deploy", within=300)
    assert under_way.runs(), under_way.ended(1)
    under_way.kill()
    ran = product.done("up")
    figures.seconds("up after a power failure while Pulumi deployed", ran.seconds)
    site = Site(url=f"http://{kube.namespace}.localhost:{product.port}")
    assert site.answers()
    assert kube.sql("SELECT count(*) FROM menu_items") == [["12"]]
    exported = product.shell("pulumi stack export --stack dev").out
    assert '"pending_operations"' not in exported
    assert not re.search(r"\b(created|updated|deleted|replaced)\b", product.done("up").out)


def test_down_takes_away_a_cluster_that_does_not_answer_too(product: Product, before: Machine) -> None:
    product.engine("kill", f"{product.cluster}-control-plane")
    product.done("down")
    _assert_as_it_was(product, before)


def test_down_leaves_no_state_of_a_cluster_that_is_gone(product: Product) -> None:
    left = [str(path) for kind in ("stacks", "workspaces") for path in (product.home / kind).glob("*")]
    assert left == []
    assert not product.kubeconfig.exists()


def _kill_while_nodes_are_made(product: Product) -> None:
    under_way = product.begin("up")
    until(lambda: len(product.nodes()) == 3, what="the containers of three nodes", within=300)
    assert under_way.runs(), under_way.ended(1)
    under_way.kill()
    assert not product.kubeconfig.exists(), "kind was through before the power failed"


def _assert_as_it_was(product: Product, before: Machine) -> None:
    assert product.nodes() == []
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
