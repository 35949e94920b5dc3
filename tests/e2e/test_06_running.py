"""The site as it runs: small, and still answering when a pod is killed."""

import time

import pytest

from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.site import Site, watched
from ..harness.waiting import until


@pytest.fixture(autouse=True)
def all_is_well(kube: Kube, site: Site) -> None:
    """Begin each test with every pod in its place."""
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)


def test_a_backend_pod_that_is_deleted_comes_back_while_the_service_keeps_answering(
    kube: Kube, site: Site, figures: Figures
) -> None:
    victim = kube.ready("backend")[0]
    with watched(site) as watch:
        until(lambda: watch.answered > 0, what="the first answer", within=10)
        started = time.monotonic()
        kube.run("delete", "pod", victim, "--force", "--grace-period", "0")

        def replaced() -> bool:
            # The autoscaler may change its mind meanwhile.
            wanted = int(kube.get("deployment", "feastflow-backend")["spec"]["replicas"])
            ready = kube.ready("backend")
            return victim not in ready and len(ready) >= wanted

        until(replaced, what="a new backend pod", within=120)
        figures.seconds("backend pod deleted, as many Ready again", time.monotonic() - started, "~10 s")
    figures.text("  meanwhile, through the edge", str(watch))
    assert watch.kept_answering, watch.failures


def test_an_order_that_is_too_old_is_deleted_by_the_nights_job_and_no_other(kube: Kube) -> None:
    young = kube.sql("SELECT count(*) FROM orders")
    kube.sql(
        "INSERT INTO orders (id, idempotency_key, fingerprint, customer_name, note, total_cents, created_at)"
        " VALUES (gen_random_uuid(), 'old', '', '', '', 1, now() - interval '91 days')"
    )
    kube.run("create", "job", "purge-now", "--from", "cronjob/feastflow-jobs-purge")
    kube.run("wait", "job/purge-now", "--for=condition=Complete", "--timeout=120s", timeout=150)
    assert kube.sql("SELECT count(*) FROM orders") == young
    kube.run("delete", "job", "purge-now")


def test_everything_together_stays_small(kube: Kube, figures: Figures) -> None:
    def used() -> list[float]:
        lines = kube.run("top", "nodes", "--no-headers").splitlines()
        amounts = [line.split()[3] for line in lines]
        return [float(amount.removesuffix("Mi")) for amount in amounts] if len(amounts) == 3 else []

    nodes = until(used, what="the metrics of three nodes", within=120)
    figures.mebibytes("memory of the three nodes with the dev stack", sum(nodes), "< 4096 MiB")
