"""A canary judged by `make up`: one that fails its users is taken back, a good one is watched once."""

import json
from collections.abc import Iterator

import pytest
import yaml

from tools.drills import judged

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube, Object
from ..harness.product import Product
from ..harness.refusals import assert_refused
from ..harness.releases import Releases, asked, seen
from ..harness.site import Site
from ..harness.waiting import until

# The listener's port is that of Traefik's own entry point, which the node's port 80 leads to.
_GATEWAY: dict[str, Object] = {
    "edge": {"mode": "gateway", "listenerPort": 8000},
    "levels": {"gateway-tls": {"level": "disabled", "reason": "of a test"}},
}
# What the customers of these tests ask for.
_FAILS = judged.FAILS.replace('"/api/menu", "/api/orders"', '"/api/status",')
_LIMITS = {"maxErrorPercent": 1, "maxLatencyMs": 10_000, "seconds": 45}


def _canary(**version: object) -> Object:
    """Return the backend with a canary that is judged."""
    canary = {"weight": 25, "judge": _LIMITS, **version}
    return {"release": {"strategy": "canary", "canary": canary}}


@pytest.fixture(scope="module")
def observed(product: Product) -> Iterator[None]:
    """Have the cluster observed."""
    product.typed(documented("make observe"))
    yield
    product.typed(documented("make unobserve"))


@pytest.fixture(scope="module")
def releases(
    product: Product, site: Site, observed: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Releases]:
    """Yield a checkout to release from; afterwards the product's own restores everything."""
    assert observed is None
    product.done("up")
    clone = product.cloned(tmp_path_factory.mktemp("judged") / "clone")
    document = yaml.safe_load((clone.root / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    yield Releases(clone=clone, config=document["config"])
    product.done("up")
    until(site.answers, what="the site as it was", within=60)


def _weights(kube: Kube) -> set[int]:
    return {
        int(backend["weight"])
        for rule in kube.get("httproute", "feastflow")["spec"]["rules"]
        for backend in rule["backendRefs"]
        if backend["name"] == "feastflow-backend-canary"
    }


def test_a_canary_that_fails_its_users_is_taken_back_by_up(
    releases: Releases, kube: Kube, site: Site, figures: Figures
) -> None:
    with seen(site) as customers:
        ran = releases.attempt(backend=_canary(command=["python3", "-c", _FAILS]), **_GATEWAY)
    assert_refused(ran, found="worse than release.canary.judge allows", fix="make logs")
    assert "requests failed" in ran.err
    figures.seconds("a canary that fails 5 % of its requests, `make up` until it has none", ran.seconds)
    figures.text("  meanwhile, through the edge", str(customers))
    assert _weights(kube) == {0}
    assert set(customers.failures) <= {"/api/status 500"}, customers
    assert kube.get("deployment", "feastflow-backend-canary")["status"]["readyReplicas"] >= 1, "its pods stay"
    assert asked(site, 100).failures.total() == 0


def test_a_good_canary_is_watched_once_and_keeps_its_weight(
    releases: Releases, kube: Kube, site: Site
) -> None:
    good = _canary(env={"LOG_LEVEL": "info"})
    with seen(site) as customers:
        ran = releases.up(backend=good, **_GATEWAY)
    assert "canary" in ran.steps
    assert customers.failures.total() == 0, customers
    assert _weights(kube) == {25}
    assert "canary" not in releases.up(backend=good, **_GATEWAY).steps


def test_a_canary_without_users_is_not_judged_and_gets_none(releases: Releases, kube: Kube) -> None:
    ran = releases.attempt(backend=_canary(env={"LOG_LEVEL": "warning"}), **_GATEWAY)

    assert_refused(ran, found="the canary is not judged", fix="see that requests come")
    assert _weights(kube) == {0}


def test_the_drill_ends_restored_and_leaves_the_site_as_it_was(
    product: Product, releases: Releases, kube: Kube, site: Site, figures: Figures
) -> None:
    assert releases
    product.done("up")
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    ran = product.with_variables(RATE="40").drill("canary-judged")
    # Exit code 1 means that something took longer than wanted, which the suite's own load may cause.
    assert ran.code in (0, 1), ran
    (row,) = json.loads((product.root / "artifacts" / "drills" / "drills.json").read_text(encoding="utf-8"))
    (run,) = row["runs"]
    assert run["restored"] is not None, row["problems"]
    assert (run["lost"], run["twice"]) == ([], [])
    figures.seconds("drill canary-judged", run["seconds"], f"{row['wantedSeconds']} s")
    figures.text("  requests failed", f"{run['failed']} of {run['sent']}")
    assert kube.complete()
    assert site.answers()
