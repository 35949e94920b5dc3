"""Prod day by day: idle runs and drained nodes."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import pytest

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube, Object, name_of
from ..harness.prod import assert_none_lost, healthy, primary, settled, wait_until_whole
from ..harness.product import Product
from ..harness.site import Site, ordering, watched
from ..harness.waiting import until

_CUSTOMER = "Failover"
_SWITCHES = "Switchover in progress"
# Seconds that a planned change of the primary may cost at most.
_SWITCHOVER = 30


@pytest.fixture(scope="module", autouse=True)
def spread_again(kube: Kube, there: Kube) -> Iterator[None]:
    """Give the drained nodes their share of pods again: Kubernetes moves none by itself.

    The other nodes would stay full, and a new version in another part finds no room in their zones.
    """
    yield
    for tier in ("backend", "frontend"):
        pods = [(space, name_of(pod)) for space in (kube, there) for pod in space.pods(tier)]
        for space, name in pods:
            space.run("delete", "pod", name)
            until(kube.complete, what="all of dev", within=120)
            wait_until_whole(there)


def test_a_preview_of_prod_finds_nothing_to_do(prod: Product, there: Kube, figures: Figures) -> None:
    until(lambda: settled(there), what="every pod of prod", within=120)
    preview = "pulumi preview --stack prod --non-interactive --expect-no-changes"
    prod.shell(preview)
    ran = prod.shell(f"time {preview}")
    (line,) = (line for line in ran.err.splitlines() if line.startswith("real"))
    minutes, seconds = line.split()[1].removesuffix("s").split("m")
    figures.seconds("pulumi preview of prod, warm", 60 * int(minutes) + float(seconds), "< 5 s")


def test_a_second_up_of_prod_changes_nothing_and_neither_does_a_refresh(
    product: Product, prod: Product, there: Kube, kube: Kube, figures: Figures
) -> None:
    until(lambda: settled(there), what="every pod of prod", within=120)
    ran = prod.done("up")
    assert "unchanged" in ran.out, ran
    assert ran.changes == []
    # Each from a shell of its own: the two states may be in different backends.
    for stack, typed, namespace in (("prod", prod, there), ("dev", product, kube)):
        # A refresh records a Deployment that is being scaled as unhealthy, and the next run updates it.
        until(partial(settled, namespace), what=f"every pod of {stack}", within=120)
        typed.shell(
            f"pulumi refresh --stack {stack} --yes --non-interactive --expect-no-changes --skip-preview"
        )
    figures.seconds("up of prod when all is up", ran.seconds, "< 15 s")


def test_a_node_without_the_primary_is_drained_while_both_sites_keep_answering(
    product: Product, kube: Kube, there: Kube, site: Site, shop: Site, figures: Figures
) -> None:
    node = _drainable(product, kube)
    _have_lead(there, lambda home: home != node)
    with watched(site) as dev, watched(shop) as prod, _drained(product, node, figures):
        pass
    figures.text("  meanwhile, through dev's edge", str(dev), "0 failed")
    figures.text("  meanwhile, through prod's edge", str(prod), "0 failed")
    assert dev.kept_answering
    assert prod.kept_answering
    assert str(http.client.NOT_FOUND) not in prod.failures
    wait_until_whole(there)


def test_the_primarys_node_is_drained_at_the_price_of_a_switchover_and_no_order_is_lost(
    product: Product, kube: Kube, there: Kube, shop: Site, figures: Figures
) -> None:
    node = _drainable(product, kube)
    _have_lead(there, lambda home: home == node)
    before = primary(there)
    with watched(shop) as prod, ordering(shop, customer=_CUSTOMER) as writes:
        with _drained(product, node, figures):
            assert primary(there) != before
            left = [pod for space in (kube, there) for pod in space.all("pods") if _home(pod) == node]
            assert [name_of(pod) for pod in left if pod["status"]["phase"] == "Running"] == []
            command = documented(
                "kubectl drain NODE --ignore-daemonsets --delete-emptydir-data", {"NODE": node}
            )
            assert f"node/{node} drained" in product.shell(command).out
        acknowledged = len(writes.numbers)
        until(lambda: len(writes.numbers) >= acknowledged + 5, what="five more orders", within=60)
    figures.text("  meanwhile, through prod's edge", str(prod), f"< {_SWITCHOVER} s")
    figures.seconds("  longest time without an order", writes.longest_silence, f"< {_SWITCHOVER} s")
    assert_none_lost(there, writes, figures)
    assert prod.longest_silence < _SWITCHOVER
    assert str(http.client.NOT_FOUND) not in prod.failures
    wait_until_whole(there)


def _home(pod: Object) -> str | None:
    """Return the node that the pod is on."""
    home: str | None = pod["spec"].get("nodeName")
    return home


def _drainable(product: Product, kube: Kube) -> str:
    """Return a worker that dev can do without: its single instance is bound to the disk of its node."""
    workers = (f"{product.cluster}-worker", f"{product.cluster}-worker2")
    return next(worker for worker in workers if worker != _home(kube.get("pod", "postgres-0")))


@contextmanager
def _drained(product: Product, node: str, figures: Figures) -> Iterator[None]:
    """Drain the node, and uncordon it afterwards."""
    worker = {"worker": node.removeprefix(f"{product.cluster}-")}
    started = time.monotonic()
    try:
        product.typed(documented(".venv/bin/python -m tools.cluster drain worker", worker))
        figures.seconds("a worker drained", time.monotonic() - started)
        yield
    finally:
        product.typed(documented(".venv/bin/python -m tools.cluster uncordon worker", worker))


def _have_lead(there: Kube, suits: Callable[[str | None], bool]) -> None:
    """Have an instance lead whose node suits, by what `kubectl cnpg promote` would write."""
    pods = there.all("pods", "--selector", "cnpg.io/podRole=instance")
    suited = {name_of(pod) for pod in pods if suits(_home(pod))}
    if primary(there) not in suited:
        wanted = min(suited)
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        status = {"targetPrimary": wanted, "targetPrimaryTimestamp": now, "phase": _SWITCHES}
        patch = ("--subresource", "status", "--type", "merge", "--patch", json.dumps({"status": status}))
        there.run("patch", "clusters.postgresql.cnpg.io", "postgres", *patch)
        until(lambda: primary(there) == wanted and healthy(there), what=f"{wanted} to lead", within=180)
