"""Failures that the stack recovers from by itself: a process, a node, a missing backend."""

import time

import pytest

from ..documented import documented
from ..harness.chromium import Confirmation, Customer
from ..harness.figures import Figures
from ..harness.kube import Kube, Object, condition, name_of
from ..harness.product import Product
from ..harness.site import Site, watched
from ..harness.waiting import until

_BACKEND = "deployment/feastflow-backend"
_ROUTER = ("--selector", "k8s-app=kube-router")
_POD_SUBNETS = "kube-router-pod-subnets"
_KILL = ("ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL")


@pytest.fixture(autouse=True)
def all_is_well(kube: Kube, site: Site) -> None:
    """Begin each test with every pod in its place."""
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)


def test_a_backend_process_that_is_killed_is_started_again_while_the_service_keeps_answering(
    product: Product, kube: Kube, site: Site, figures: Figures
) -> None:
    (victim, *_) = kube.pods("backend")
    name = name_of(victim)
    node, container, restarts = _container(victim)
    with watched(site) as watch:
        until(lambda: watch.answered > 0, what="the first answer", within=10)
        started = time.monotonic()
        product.engine("exec", node, *_KILL, container)

        def restarted() -> bool:
            pod = kube.get("pod", name)
            return _container(pod)[2] == restarts + 1 and condition(pod, "Ready") == "True"

        until(restarted, what=f"{name} to be started again", within=120)
        figures.seconds("backend process killed, Ready again", time.monotonic() - started, "~10 s")
    figures.text("  meanwhile, through the edge", str(watch))
    assert watch.kept_answering, watch.failures


def test_a_database_process_that_is_killed_comes_back_with_every_order(
    product: Product, kube: Kube, site: Site, ordered: Confirmation, figures: Figures
) -> None:
    before = kube.get("pod", "postgres-0")
    node, container, restarts = _container(before)
    started = time.monotonic()
    product.engine("exec", node, *_KILL, container)

    def back() -> bool:
        pod = kube.get("pod", "postgres-0")
        return _container(pod)[2] > restarts and condition(pod, "Ready") == "True" and site.answers()

    until(back, what="PostgreSQL, and the API on it", within=120)
    figures.seconds("PostgreSQL killed, the API answers again", time.monotonic() - started)
    _assert_stored(kube, ordered)


def test_a_worker_that_loses_its_power_takes_no_order_with_it(
    product: Product, kube: Kube, site: Site, ordered: Confirmation, figures: Figures
) -> None:
    node = kube.get("pod", "postgres-0")["spec"]["nodeName"]
    short = node.removeprefix(f"{product.cluster}-")
    started = time.monotonic()
    product.typed(documented(".venv/bin/python -m tools.cluster stop worker2", {"worker2": short}))
    try:
        until(lambda: not _is_ready(kube, node), what=f"{node} to be missed", within=120)
        figures.seconds("worker without power, noticed", time.monotonic() - started)
    finally:
        started = time.monotonic()
        product.typed(documented(".venv/bin/python -m tools.cluster start worker2", {"worker2": short}))
    until(lambda: _is_ready(kube, node), what=node, within=120)
    figures.seconds("worker switched on, Ready again", time.monotonic() - started)
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    figures.seconds("  and the whole site with it", time.monotonic() - started)
    _assert_stored(kube, ordered)


def test_the_page_shows_the_kept_menu_while_the_backend_is_away_and_recovers_by_itself(
    ordered: Confirmation, customer: Customer, site: Site, kube: Kube
) -> None:
    assert ordered.number
    menu = customer.reads_menu()
    assert not customer.sees_banner()
    kube.run("scale", _BACKEND, "--replicas", "0")
    try:
        until(lambda: not site.answers(), what="the API to go away", within=60)
        customer.reloads()
        assert "cannot be reached" in customer.reads_banner()
        assert customer.reads_menu() == menu
        customer.photographs("offline")
    finally:
        kube.run("scale", _BACKEND, "--replicas", "2")
    until(lambda: len(kube.ready("backend")) == 2, what="both backend pods", within=120)
    assert customer.sees_banner_go()
    assert customer.reads_menu() == menu


def _is_ready(kube: Kube, node: str) -> bool:
    return condition(kube.get("node", node), "Ready") == "True"


def _assert_stored(kube: Kube, order: Confirmation) -> None:
    rows = kube.sql("SELECT customer_name FROM orders WHERE number = :'number'", number=order.number)
    assert rows == [["Ada Lovelace"]]


def test_a_node_that_does_not_know_its_neighbours_pods_learns_of_them_before_a_customer_notices(
    kube: Kube,
) -> None:
    # As when a node joins after kube-router read the nodes: packets leave with the sending node's address.
    def asked(*command: str) -> str:
        pod = kube.run("get", "pods", "--namespace", "kube-system", *_ROUTER, "--output", "name").split()[0]
        return kube.run(
            "exec", "--namespace", "kube-system", pod, "--container", "kube-router", "--", *command
        )

    def known() -> set[str]:
        return {
            line.split()[2] for line in asked("ipset", "save", _POD_SUBNETS).splitlines() if line[:3] == "add"
        }

    before = known()
    assert before == {node["spec"]["podCIDR"] for node in kube.all("nodes")}
    asked("ipset", "del", _POD_SUBNETS, max(before))
    until(lambda: known() == before, what="kube-router to read the nodes again", within=60)


def _container(pod: Object) -> tuple[str, str, int]:
    """Return node, container id and restarts of a pod's first container."""
    (status, *_) = pod["status"]["containerStatuses"]
    container = status["containerID"].removeprefix("containerd://")
    return pod["spec"]["nodeName"], container, status["restartCount"]
