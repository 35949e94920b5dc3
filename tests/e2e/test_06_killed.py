"""A killed pod comes back, and the service keeps answering."""

import time

import pytest

from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.site import Site, watched
from ..harness.waiting import until


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
