"""`make bench`: it installs next to the running stack, measures, and leaves nothing."""

import json

import pytest

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.product import Product
from ..harness.running import CommandError
from ..harness.site import Site
from ..harness.waiting import until

_LEFT = "feastflow-bench-kubectl"
# The least that can be measured: one run, against kubectl alone.
_LITTLE = {"BENCH": "first-up", "AGAINST": "kubectl", "RUNS": "1"}


def test_a_first_up_is_measured_against_kubectl_and_nothing_of_it_is_left(
    product: Product, kube: Kube, site: Site, figures: Figures
) -> None:
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    # As a run that was killed would have left it.
    kube.run("create", "namespace", _LEFT)
    # It fails where a figure is not reached, which the suite's own load may cause.
    ran = product.with_variables(**_LITTLE).typed(f"{documented('make bench')} || true")
    assert f"deleting {_LEFT}" in ran.out, ran
    path = product.root / "artifacts" / "bench" / "bench.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    floor, own = (row for row in kept["figures"] if row["bench"] == "first-up")
    assert floor["ratio"] == 1, ran
    figures.seconds("first up by kubectl", floor["median"])
    figures.seconds("first up by pulumi", own["median"], f"{own['wanted']} times that")
    assert "feastflow-bench" not in kube.run("get", "namespaces", "--output", "name")
    assert site.answers()


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        ({"first-up,change": "latency"}, "BENCH names latency"),
        ({"AGAINST=helm": "AGAINST=terraform"}, "AGAINST names terraform"),
        ({"RUNS=5": "RUNS=5 CONTEXT=of-the-user"}, "never touches a cluster of yours"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    product: Product, site: Site, instead: dict[str, str], message: str
) -> None:
    line = documented("make bench BENCH=first-up,change AGAINST=helm RUNS=5", instead)
    with pytest.raises(CommandError) as refused:
        product.typed(line)
    assert message in str(refused.value)
    assert site.answers()
