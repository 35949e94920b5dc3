"""The namespace from rendered manifests, by kubectl alone: the same running system as that of `make up`.

That its objects are those of `make up` field by field, and are adopted as they are, tests/apiserver proves.
"""

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tools.bench.place import CLUSTER_SCOPED, INSTANCE
from tools.cli import edge

from ..documented import documented
from ..harness import localstack, rendered
from ..harness.figures import Figures
from ..harness.kube import Kube, Object, name_of
from ..harness.product import Product
from ..harness.refusals import assert_refused
from ..harness.site import Site
from ..harness.waiting import until

_STACK = "rendered"
_NAMESPACE = "feastflow-rendered"
_ORDER = {"items": [{"menu_item_id": "margherita", "quantity": 1}], "customer_name": "Rendered"}


@dataclass(frozen=True, kw_only=True)
class _Applied:
    """The folder that `kubectl apply` was given, and the time when it began."""

    folder: Path
    began: float


@pytest.fixture(scope="module")
def team(product: Product, kube: Kube, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Return a team with a stack of its own: dev's settings for another namespace."""
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    team = product.cloned(tmp_path_factory.mktemp("team") / "clone").with_variables(STACK=_STACK)
    document = {"config": _config(team, kube)}
    (team.root / f"Pulumi.{_STACK}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return team


@pytest.fixture(scope="module")
def folder(team: Product, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the stack rendered, its references to secrets replaced by Secrets."""
    return rendered.written(team, tmp_path_factory.mktemp("rendered") / "manifests")


@pytest.fixture(scope="module")
def there(kube: Kube) -> Iterator[Kube]:
    """Yield the cluster, seen from the new namespace; nothing of it is left afterwards."""
    there = Kube(kubectl=kube.kubectl, kubeconfig=kube.kubeconfig, namespace=_NAMESPACE)
    assert there.ask("get", "namespace", _NAMESPACE).code != 0
    try:
        yield there
    finally:
        of_the_cluster = ",".join(CLUSTER_SCOPED)
        there.ask("delete", of_the_cluster, "--selector", f"{INSTANCE}={_NAMESPACE}", timeout=120)
        there.ask("delete", "namespace", _NAMESPACE, "--ignore-not-found", timeout=300)


@pytest.fixture(scope="module")
def applied(folder: Path, there: Kube) -> _Applied:
    """Run `kubectl apply` of the whole folder, once."""
    began = time.monotonic()
    rendered.apply(there, folder)
    return _Applied(folder=folder, began=began)


@pytest.fixture(scope="module")
def rendered_site(product: Product, applied: _Applied, there: Kube, figures: Figures) -> Site:
    """Return the site of the rendered namespace, once all of it works."""
    site = Site(url=f"http://{_NAMESPACE}.localhost:{product.port}")
    until(lambda: site.answers() and there.complete(), what="the rendered site", within=300)
    figures.seconds("rendered manifests applied at once, all of it works", time.monotonic() - applied.began)
    return site


def test_manifests_that_are_applied_at_once_come_to_serve_orders(rendered_site: Site, there: Kube) -> None:
    answer = rendered_site.ask(
        "/api/orders", method="POST", body=_ORDER, headers={"Idempotency-Key": "rendered-namespace-1"}
    )
    assert answer.status == http.client.CREATED, answer
    assert there.sql("SELECT count(*) FROM orders") == [["1"]]


def test_every_job_succeeded_at_its_first_try(rendered_site: Site, there: Kube) -> None:
    assert rendered_site.answers()
    # A Job's status is set a moment after its pod has ended, and after the site answers.
    there.run("wait", "jobs", "--all", "--for=condition=Complete", "--timeout=60s", timeout=90)
    jobs = there.all("jobs")
    assert len(jobs) == 2
    assert {name_of(job): job["status"].get("succeeded") for job in jobs} == {name_of(job): 1 for job in jobs}
    assert [name_of(job) for job in jobs if job["status"].get("failed")] == []


def test_the_other_namespace_is_closed_to_it(rendered_site: Site, there: Kube, kube: Kube) -> None:
    assert rendered_site.answers()
    (database,) = kube.pods("database")
    script = "import socket, sys; socket.create_connection((sys.argv[1], 5432), timeout=3)"
    address = str(database["status"]["podIP"])
    (pod, *_) = there.ready("backend")
    ran = there.ask("exec", pod, "--container", "backend", "--", "python3", "-c", script, address)
    assert ran.code != 0
    assert "Error: " in ran.text, ran


def test_data_of_another_name_is_refused_and_the_orders_stay(
    rendered_site: Site, team: Product, there: Kube
) -> None:
    path = team.root / f"Pulumi.{_STACK}.yaml"
    text = path.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    document["config"].setdefault("feastflow:database", {}).update(name="shop", user="cook")
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    try:
        ran = team.local("adopt")
    finally:
        path.write_text(text, encoding="utf-8")
    found = 'its databases are ["feastflow"] and would be ["shop"]'
    assert_refused(ran, found=found, fix=f"set feastflow:database.user to feastflow in Pulumi.{_STACK}.yaml")
    assert there.sql("SELECT datname FROM pg_database WHERE datname = 'shop'") == []
    assert rendered_site.answers()


def test_pulumi_adopts_what_kubectl_applied_with_its_data(
    rendered_site: Site, team: Product, there: Kube, figures: Figures
) -> None:
    assert there.sql("SELECT count(*) FROM orders") != [["0"]]
    ran = team.typed(documented("make adopt"))
    figures.seconds("adoption of what kubectl applied", ran.seconds)
    assert "make destroy will delete" in ran.out
    # The running server's data was compared, not only its manifest.
    assert "not known" not in ran.out
    until(lambda: rendered_site.answers() and there.complete(), what="the adopted site", within=180)
    assert there.sql("SELECT customer_name FROM orders") == [[_ORDER["customer_name"]]]
    team.done("destroy")


def _config(product: Product, kube: Kube) -> Object:
    """Dev's settings for the other namespace as `make up` has them, with the images that run."""
    text = yaml.safe_dump(localstack.of(product.root, "dev"))
    config: Object = yaml.safe_load(text.replace(kube.namespace, _NAMESPACE))
    config["feastflow:edge"].update(edge.overrides(product.port, config))
    # Next to dev and prod, the processors of three nodes are all taken in one zone or another.
    config["feastflow:cluster"] = {**config.get("feastflow:cluster", {}), "zones": 1}
    workloads = {"backend": ("deployment", "feastflow-backend"), "database": ("statefulset", "postgres")}
    for tier, (kind, name) in {**workloads, "frontend": ("deployment", "feastflow-frontend")}.items():
        (container,) = kube.get(kind, name)["spec"]["template"]["spec"]["containers"]
        config.setdefault(f"feastflow:{tier}", {})["image"] = container["image"]
    return config
