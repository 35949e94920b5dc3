"""Things that break and mend themselves: a pod, a process, a node."""

import time

import pytest

from ..documented import documented
from .chromium import Confirmation
from .figures import Figures
from .kube import Kube, Object, condition, name_of
from .product import Product
from .site import Site, watched
from .waiting import until

_KILL = ("ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL")


@pytest.fixture(autouse=True)
def all_is_well(kube: Kube, site: Site) -> None:
    """Each test begins with every pod in its place."""
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)


def test_a_backend_pod_that_is_deleted_comes_back_while_the_service_keeps_answering(
    kube: Kube, site: Site, figures: Figures
) -> None:
    present = kube.ready("backend")
    victim = present[0]
    with watched(site) as watch:
        until(lambda: watch.answered > 0, what="the first answer", within=10)
        started = time.monotonic()
        kube.run("delete", "pod", victim, "--force", "--grace-period", "0")

        def replaced() -> bool:
            ready = kube.ready("backend")
            return victim not in ready and len(ready) >= len(present)

        until(replaced, what="a new backend pod", within=120)
        figures.seconds("backend pod deleted, as many Ready again", time.monotonic() - started, "~10 s")
    figures.text("  meanwhile, through the edge", str(watch))
    assert watch.kept_answering, watch.failures


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
    product.typed(documented(".venv/bin/python -m cluster stop worker2", {"worker2": short}))
    try:
        until(lambda: not _is_ready(kube, node), what=f"{node} to be missed", within=120)
        figures.seconds("worker without power, noticed", time.monotonic() - started)
    finally:
        started = time.monotonic()
        product.typed(documented(".venv/bin/python -m cluster start worker2", {"worker2": short}))
    until(lambda: _is_ready(kube, node), what=node, within=120)
    figures.seconds("worker switched on, Ready again", time.monotonic() - started)
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    figures.seconds("  and the whole site with it", time.monotonic() - started)
    _assert_stored(kube, ordered)


def _is_ready(kube: Kube, node: str) -> bool:
    return condition(kube.get("node", node), "Ready") == "True"


def _assert_stored(kube: Kube, order: Confirmation) -> None:
    rows = kube.sql("SELECT customer_name FROM orders WHERE number = :'number'", number=order.number)
    assert rows == [["Ada Lovelace"]]


def _container(pod: Object) -> tuple[str, str, int]:
    """Node, container id and restarts of a pod's first container."""
    (status, *_) = pod["status"]["containerStatuses"]
    container = status["containerID"].removeprefix("containerd://")
    return pod["spec"]["nodeName"], container, status["restartCount"]
