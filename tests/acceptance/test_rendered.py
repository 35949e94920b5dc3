"""The namespace from rendered manifests, by kubectl alone: the same running system as that of `make up`.

External Secrets is not on the local cluster. The test does its work: it takes the references out and applies
the Secrets that the operator would make of them, with values from `python -m render --values`.
"""

import http.client
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from bench.place import CLUSTER_SCOPED, INSTANCE
from local import edge
from render.operator import made

from ..documented import documented
from ..harness import objects
from ..harness.figures import Figures
from ..harness.kube import Kube, Object, name_of
from ..harness.product import Product
from ..harness.running import CommandError, run
from ..harness.site import Site
from ..harness.waiting import until

_STACK = "rendered"
_NAMESPACE = "feastflow-rendered"
_KEPT = (
    "deployments,statefulsets,persistentvolumeclaims,services,ingresses,networkpolicies,configmaps,namespaces"
)
_ORDER = {"items": [{"menu_item_id": "margherita", "quantity": 1}], "customer_name": "Rendered"}


@dataclass(frozen=True, kw_only=True)
class _Applied:
    """What `kubectl apply` was given and said, and the clock when it began."""

    folder: Path
    said: str
    began: float


@pytest.fixture(scope="module")
def team(product: Product, kube: Kube, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A team with a stack of its own: dev's settings for another namespace."""
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    team = product.cloned(tmp_path_factory.mktemp("team") / "clone").with_variables(STACK=_STACK)
    document = {"config": _config(team, kube)}
    (team.root / f"Pulumi.{_STACK}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return team


@pytest.fixture(scope="module")
def folder(team: Product, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stack rendered, its references to secrets replaced by Secrets."""
    out = tmp_path_factory.mktemp("rendered") / "manifests"
    _render(team, "--out", str(out))
    path = out / "02-secrets.yaml"
    references = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    store = json.loads(_render(team, "--values"))
    path.write_text(yaml.safe_dump_all([made(each, store) for each in references]), encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def there(kube: Kube) -> Iterator[Kube]:
    """The cluster, seen from the new namespace; nothing of it is left afterwards."""
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
    """`kubectl apply` of the whole folder, once."""
    began = time.monotonic()
    return _Applied(folder=folder, said=_apply(there, folder), began=began)


@pytest.fixture(scope="module")
def rendered_site(product: Product, applied: _Applied, there: Kube, figures: Figures) -> Site:
    """The site of the rendered namespace, once all of it works."""
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
    # What a Job did is written down a moment after its pod has ended, and after the site answers.
    there.run("wait", "jobs", "--all", "--for=condition=Complete", "--timeout=60s", timeout=90)
    jobs = there.all("jobs")
    assert len(jobs) == 2
    assert {name_of(job): job["status"].get("succeeded") for job in jobs} == {name_of(job): 1 for job in jobs}
    assert [name_of(job) for job in jobs if job["status"].get("failed")] == []


def test_the_live_objects_are_those_of_pulumi_up_field_by_field(
    rendered_site: Site, kube: Kube, there: Kube, figures: Figures
) -> None:
    assert rendered_site.answers()
    by_pulumi, by_kubectl = (objects.comparable(each) for each in (kube, there))
    assert by_kubectl.keys() == by_pulumi.keys()
    assert len(by_kubectl) > 40
    different = [
        f"{name}{difference}"
        for name in by_pulumi
        for difference in objects.differences(by_pulumi[name], by_kubectl[name])
    ]
    # One of the two tiers' constraints is stricter where there are several zones: see `_config`.
    strictness = [each for each in different if ".whenUnsatisfiable:" in each]
    assert len(strictness) == 2
    assert [each for each in different if each not in strictness] == []
    figures.text("live objects compared with those of pulumi up", str(len(by_kubectl)), "all equal")


def test_the_other_namespace_is_closed_to_it(rendered_site: Site, there: Kube, kube: Kube) -> None:
    assert rendered_site.answers()
    (database,) = kube.pods("database")
    script = "import socket, sys; socket.create_connection((sys.argv[1], 5432), timeout=3)"
    address = str(database["status"]["podIP"])
    (pod, *_) = there.ready("backend")
    ran = there.ask("exec", pod, "--container", "backend", "--", "python3", "-c", script, address)
    assert ran.code != 0
    assert "Error: " in ran.text, ran


def test_applied_again_nothing_changes(rendered_site: Site, applied: _Applied, there: Kube) -> None:
    assert rendered_site.answers()
    before = _versions(there)
    assert len(before) > 20
    _apply(there, applied.folder)
    assert _versions(there) == before


def test_pulumi_adopts_what_kubectl_applied_with_its_data_and_makes_nothing_anew(
    rendered_site: Site, team: Product, there: Kube, figures: Figures
) -> None:
    before = _versions(there, _KEPT)
    assert len(before) > 10
    ran = team.typed(documented("make adopt"))
    figures.seconds("adoption of what kubectl applied", ran.seconds)
    after = _versions(there, _KEPT)
    assert {name: uid for name, (uid, _) in after.items() if name in before} == {
        name: uid for name, (uid, _) in before.items()
    }
    until(lambda: rendered_site.answers() and there.complete(), what="the adopted site", within=180)
    assert there.sql("SELECT customer_name FROM orders") == [[_ORDER["customer_name"]]]
    again = team.done("up")
    assert "unchanged" in again.out, again
    assert "updated" not in again.out, again
    team.done("destroy")


def _config(product: Product, kube: Kube) -> Object:
    """Dev's settings for the other namespace as `make up` has them, with the images that run."""
    text = (product.root / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    config: Object = yaml.safe_load(text.replace(kube.namespace, _NAMESPACE))["config"]
    config["feastflow:edge"].update(edge.overrides(product.port, config))
    # Beside dev and prod, the processors of three nodes are all taken in one zone or another.
    config["feastflow:cluster"] = {**config.get("feastflow:cluster", {}), "zones": 1}
    workloads = {"backend": ("deployment", "feastflow-backend"), "database": ("statefulset", "postgres")}
    for tier, (kind, name) in {**workloads, "frontend": ("deployment", "feastflow-frontend")}.items():
        (container,) = kube.get(kind, name)["spec"]["template"]["spec"]["containers"]
        config.setdefault(f"feastflow:{tier}", {})["image"] = container["image"]
    return config


def _render(product: Product, *flags: str) -> str:
    command = [sys.executable, "-m", "render", *flags]
    ran = run(command, environment=product.environment, cwd=product.root, timeout=120)
    if ran.code != 0:
        raise CommandError(ran)
    return ran.out


def _apply(there: Kube, folder: Path) -> str:
    return there.run("apply", "--filename", str(folder), timeout=180)


def _versions(there: Kube, kinds: str = f"{_KEPT},jobs,secrets") -> dict[str, tuple[str, int | None]]:
    """Uid and generation of what was applied: neither changes unless somebody changes the object."""
    return {
        f"{each['kind']} {name_of(each)}": (each["metadata"]["uid"], each["metadata"].get("generation"))
        for each in there.all(kinds)
    }
