"""A pooler put before the database of a stack that runs, a rotation by it, and the way back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.product import Product
from ..harness.running import Ran
from ..harness.site import Site, Watch, Writes, ordering, watched
from ..harness.waiting import until

_POOL, _PODS = 4, 2
_SESSIONS = "SELECT host(client_addr), count(*) FROM pg_stat_activity WHERE usename ~ '_[ab]$' GROUP BY 1"


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """A rotation by the pooler: the command, and what customers saw meanwhile."""

    ran: Ran
    watch: Watch
    writes: Writes


def _changed(clone: Product, **settings: Any) -> Ran:
    path = clone.root / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"]["feastflow:database"] |= settings.pop("database", {})
    document["config"] |= {f"feastflow:{name}": value for name, value in settings.items()}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return clone.local("up")


@pytest.fixture(scope="module")
def pooled(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Yield a checkout whose stack has been given a pooler; the way back follows."""
    clone = product.cloned(tmp_path_factory.mktemp("pooler") / "clone")
    ran = _changed(clone, database={"pooler": {"poolSize": _POOL, "replicas": _PODS}})
    if ran.code != 0:
        pytest.fail(str(ran), pytrace=False)
    yield clone
    product.done("up")


@pytest.fixture(scope="module")
def rotated(pooled: Product, site: Site, kube: Kube) -> Rotated:
    """Raise `feastflow:rotation` while customers read and order."""
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    with watched(site) as watch, ordering(site, customer="of a pooler") as writes:
        ran = _changed(pooled, rotation=2)
    if ran.code != 0:
        pytest.fail(str(ran), pytrace=False)
    return Rotated(ran=ran, watch=watch, writes=writes)


@pytest.mark.usefixtures("pooled")
def test_the_server_has_sessions_from_the_pooler_alone_and_no_more_than_the_pools_have(
    site: Site, kube: Kube
) -> None:
    poolers = {pod["status"]["podIP"] for pod in kube.pods("pooler")}
    until(lambda: {host for host, _ in kube.sql(_SESSIONS)} <= poolers, what="old pods have left", within=60)
    with watched(site), watched(site), watched(site):
        until(lambda: kube.sql(_SESSIONS), what="sessions", within=30)
        found = kube.sql(_SESSIONS)
    assert {host for host, _ in found} <= poolers
    assert all(int(count) <= _POOL for _, count in found)


def test_a_rotation_by_the_pooler_fails_no_request_and_loses_no_order(
    rotated: Rotated, kube: Kube, figures: Figures
) -> None:
    figures.seconds("rotation by a pooler", rotated.ran.seconds)
    figures.text("  meanwhile, through the edge", str(rotated.watch), "0 failed")
    assert rotated.watch.answered > 100
    assert rotated.watch.failures == []
    there = {number for (number,) in kube.sql("SELECT number FROM orders")}
    assert set(rotated.writes.numbers) - there == set()
    assert len(rotated.writes.numbers) > 50


@pytest.mark.usefixtures("rotated")
def test_the_login_before_is_locked_and_has_no_session(kube: Kube) -> None:
    logins = "SELECT rolname, rolcanlogin FROM pg_authid WHERE rolname ~ '_[ab]$' ORDER BY 1"
    assert kube.sql(logins) == [["feastflow_a", "f"], ["feastflow_b", "t"]]
    assert kube.sql("SELECT count(*) FROM pg_stat_activity WHERE usename ~ '_a$'") == [["0"]]
