"""`make drill`: it breaks, measures and repairs, also after it was cut off itself."""

import json
from typing import Any

import pytest

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube, name_of
from ..harness.product import Product
from ..harness.site import Site
from ..harness.waiting import until

# A machine that runs the suite too is asked for less than one that is drilled alone.
_RATE = "20"


@pytest.fixture
def gentle(product: Product, kube: Kube, site: Site) -> Product:
    """Return a product that drills a whole stack with a small load."""
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    return product.with_variables(RATE=_RATE)


@pytest.mark.parametrize("name", ["backend-killed", "oom-killed", "readiness-lost"])
def test_a_drill_ends_restored_without_a_lost_order_and_leaves_the_site_as_it_was(
    gentle: Product, kube: Kube, site: Site, figures: Figures, name: str
) -> None:
    ran = gentle.drill(name)
    # Exit code 1 means that something took longer than wanted, which the suite's own load may cause.
    assert ran.code in (0, 1), ran
    (row,) = _rows(gentle)
    (run,) = row["runs"]
    assert row["drill"] == name
    assert run["restored"] is not None, row["problems"]
    assert run["acknowledged"] > 0
    assert (run["lost"], run["twice"]) == ([], [])
    if row["wantedFailures"] != "bounded":
        assert run["failed_for_good"] == 0
    figures.seconds(f"drill {name}", run["seconds"], f"{row['wantedSeconds']} s")
    figures.text("  requests failed at first", f"{run['failed']} of {run['sent']}")
    assert (gentle.root / "artifacts" / "drills" / f"{name}-dev.png").exists()
    assert kube.complete()
    assert site.answers()


def test_what_a_killed_drill_broke_is_repaired_by_the_next_one(gentle: Product, kube: Kube) -> None:
    with gentle.with_variables(STACK="dev").begin_drill("node-drained") as under_way:
        closed = until(lambda: _closed(kube), what="a node that takes no pods", within=300)
        under_way.lose_power()
    assert set(closed) <= set(_closed(kube))
    ran = gentle.with_variables(DRILL="dns-killed").typed(f"{documented('make drill')} || true")
    assert "node-drained was cut off; it is repaired" in ran.out, ran
    assert _closed(kube) == []
    assert not list((gentle.home / "drills").glob("*.json"))


def test_a_drill_is_run_as_often_as_is_said(gentle: Product) -> None:
    some = {"backend-killed,rotation": "frontend-killed", "RUNS=5": "RUNS=2"}
    line = documented("make drill DRILL=backend-killed,rotation RUNS=5", some)
    # It fails where something took longer than wanted, which the suite's own load may cause.
    ran = gentle.typed(f"{line} || true")
    (row,) = _rows(gentle)
    assert (row["drill"], len(row["runs"])) == ("frontend-killed", 2), ran


def test_a_cluster_of_the_users_is_never_drilled(gentle: Product) -> None:
    ran = gentle.with_variables(CONTEXT="of-the-user").drill("backend-killed")
    assert ran.code == 1, ran
    assert "never touch a cluster of yours" in ran.err


def _closed(kube: Kube) -> list[str]:
    return [name_of(node) for node in kube.all("nodes") if node["spec"].get("unschedulable")]


def _rows(product: Product) -> list[dict[str, Any]]:
    path = product.root / "artifacts" / "drills" / "drills.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found
