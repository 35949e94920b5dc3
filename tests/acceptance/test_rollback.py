"""`make rollback`: one command back from a bad release."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube, Object
from ..harness.product import Product
from ..harness.refusals import assert_refused
from ..harness.running import Ran
from ..harness.site import Site, watched
from ..harness.waiting import until

_MISSING = "localhost/feastflow/frontend:withdrawn"
_WAITS = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"}
_TARGET = "< 30 s"


@pytest.fixture(autouse=True)
def all_is_well(product: Product, kube: Kube, site: Site) -> None:
    """Begin each test with the checkout's own release, whole."""
    product.done("up")
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)


@pytest.fixture
def release(product: Product, tmp_path: Path) -> Callable[[Callable[[Object], None]], Product]:
    """Return a checkout whose dev stack has other settings."""

    def changed(change: Callable[[Object], None]) -> Product:
        clone = product.cloned(tmp_path / "clone")
        path = clone.root / "Pulumi.dev.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(document["config"])
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return clone

    return changed


def test_a_release_whose_image_is_missing_is_gone_back_from_while_the_site_answers(
    product: Product,
    kube: Kube,
    site: Site,
    figures: Figures,
    release: Callable[[Callable[[Object], None]], Product],
) -> None:
    def missing(config: Object) -> None:
        config["feastflow:frontend"] = {"image": _MISSING}

    bad = release(missing)
    with watched(site, "/") as watch:
        with bad.begin("up") as under_way:
            until(lambda: _waits_for_its_image(kube), what="a pod that has no image", within=180)
            # The rollout would be awaited for minutes; a user who sees this does not wait.
            under_way.interrupt()
        ran = product.typed(documented("make rollback"))
    figures.seconds("rollback of a release whose image is missing", ran.seconds, _TARGET)
    figures.text("  meanwhile, through the edge", str(watch), "0 failed")
    assert _MISSING not in str(kube.all("deployments"))
    until(kube.complete, what="as many pods as before", within=60)
    assert watch.failures == []
    assert_nothing_to_do(product.done("up"))


def test_a_release_that_crashes_is_gone_back_from(
    product: Product,
    kube: Kube,
    site: Site,
    figures: Figures,
    release: Callable[[Callable[[Object], None]], Product],
) -> None:
    def crashing(config: Object) -> None:
        config["feastflow:backend"]["command"] = ["python3", "-c", "raise SystemExit('a bad release')"]

    bad = release(crashing)
    with watched(site) as watch:
        with bad.begin("up") as under_way:
            until(lambda: _crashes(kube), what="a pod that crashes", within=180)
            under_way.interrupt()
        ran = product.typed(documented("make rollback"))
    figures.seconds("rollback of a release that crashes", ran.seconds, _TARGET)
    figures.text("  meanwhile, through the edge", str(watch), "0 failed")
    assert "a bad release" not in str(kube.all("deployments"))
    assert watch.failures == []
    assert_nothing_to_do(product.done("up"))


def test_a_release_that_runs_and_is_not_wanted_is_withdrawn_pod_by_pod(
    product: Product,
    kube: Kube,
    site: Site,
    figures: Figures,
    release: Callable[[Callable[[Object], None]], Product],
) -> None:
    def unwanted(config: Object) -> None:
        config["feastflow:backend"]["env"] = {"RELEASE": "unwanted"}

    release(unwanted).done("up")
    assert "unwanted" in str(kube.all("deployments"))
    with watched(site) as watch:
        ran = product.typed(documented("make rollback"))
    figures.seconds("rollback of a release that runs", ran.seconds, _TARGET)
    figures.text("  meanwhile, through the edge", str(watch), "0 failed")
    assert "the data and its schema stay as they are" in ran.out
    assert "unwanted" not in str(kube.all("deployments"))
    assert watch.failures == []
    assert_nothing_to_do(product.done("up"))


def test_a_stack_without_an_earlier_release_says_so(product: Product, kube: Kube, site: Site) -> None:
    assert kube.all("nodes")
    assert site.answers()
    other = product.with_variables(STACK="never-deployed")
    assert_refused(other.local("rollback"), found="no earlier release", fix="make up")


def assert_nothing_to_do(ran: Ran) -> None:
    """Assert that the `up` changed nothing: the rollback had restored all of it."""
    assert "unchanged" in ran.out, ran
    assert not re.search(r"\d+ (created|updated|deleted|replaced)", ran.out), ran


def _waits_for_its_image(kube: Kube) -> bool:
    return any(state.get("waiting", {}).get("reason") in _WAITS for state in _states(kube, "frontend"))


def _crashes(kube: Kube) -> bool:
    return any(
        state.get("waiting", {}).get("reason") == "CrashLoopBackOff"
        or state.get("terminated", {}).get("exitCode")
        for state in _states(kube, "backend")
    )


def _states(kube: Kube, tier: str) -> list[Object]:
    return [
        status["state"] for pod in kube.pods(tier) for status in pod["status"].get("containerStatuses", [])
    ]
