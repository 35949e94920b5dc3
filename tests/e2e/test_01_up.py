"""`make up` from nothing, and `make up` once more."""

import json
import re
from datetime import datetime

import pytest

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube, Object, name_of, since
from ..harness.product import Product
from ..harness.running import Ran
from ..harness.waiting import until

_ADDONS = ("kube-system", "local-path-storage", "traefik", "cnpg-system")
_CHANGES = re.compile(r"\b(created|updated|deleted|replaced)\b")


def test_the_first_up_says_where_the_site_is_and_how_to_look_around_and_stop(
    product: Product, first_up: Ran, figures: Figures
) -> None:
    assert f"http://feastflow-dev.localhost:{product.port}" in first_up.out
    for expected in ("make status", "make down", "make -s shell", "get pods", "component=backend", "psql"):
        assert expected in first_up.out
    figures.seconds("first up", first_up.seconds, "< 90 s, all cached")
    for step, seconds in first_up.steps.items():
        figures.seconds(f"  its step {step}", seconds, "< 60 s" if step == "pulumi up" else "")


def test_every_step_says_how_long_it_took(first_up: Ran) -> None:
    steps = {"engine", "cluster", "preview", "images", "pulumi up", "add-ons", "smoke check"}
    assert steps <= first_up.steps.keys(), first_up


@pytest.mark.parametrize(
    ("what", "seen"), [("pods", "postgres-0"), ("logs", "backend"), ("data", "customer_name")]
)
def test_the_commands_that_up_prints_work_as_they_are(
    product: Product, first_up: Ran, what: str, seen: str
) -> None:
    (line,) = re.findall(rf"^  {what} +(kubectl .*)$", first_up.out, re.MULTILINE)
    typed = "echo 'TABLE orders' | " if what == "data" else ""
    # A pod that the autoscaler adds has no log while its container is created, and kubectl fails for all.
    until(lambda: seen in product.shell(f"{typed}{line}").out, what=f"{line} to show {seen}", within=120)


def test_three_nodes_in_three_zones_are_ready(product: Product, kube: Kube, figures: Figures) -> None:
    nodes = kube.all("nodes")
    zones = {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes}
    assert zones == {"zone-a", "zone-b", "zone-c"}
    (first,) = json.loads(product.engine("inspect", f"{product.cluster}-control-plane"))
    made = datetime.fromisoformat(first["Created"])
    ready = datetime.fromisoformat(max(since(node, "Ready") for node in nodes))
    available = datetime.fromisoformat(max(since(addon, "Available") for addon in _addons(kube)))
    figures.seconds("three nodes Ready", (ready - made).total_seconds(), "< 45 s")
    figures.seconds("add-ons available after that", max(0.0, (available - ready).total_seconds()), "< 60 s")


def test_a_second_up_changes_nothing(product: Product, kube: Kube, figures: Figures) -> None:
    # The autoscaler may still be raising the number of pods; that is a change of its own.
    until(kube.complete, what="as many pods as the autoscaler wants", within=120)
    before = _deployed(kube)
    ran = product.done("up")
    assert "unchanged" in ran.out, ran
    assert re.search(r"ok +drift +none in \d+ objects", ran.out), ran
    assert not _CHANGES.search(ran.out), ran
    assert _deployed(kube) == before
    figures.seconds("up when all is up", ran.seconds, "< 15 s")
    figures.seconds("  its step pulumi", ran.steps["pulumi up"], "< 5 s")
    figures.seconds("  its step drift", ran.steps["drift"], "< 2 s")


def test_preview_finds_nothing_to_do(product: Product) -> None:
    assert not re.search(r"to (create|update|delete|replace)", product.typed(documented("make preview")).out)


def test_status_shows_nodes_pods_and_that_the_site_answers(product: Product) -> None:
    ran = product.typed(documented("make status"))
    assert f"{product.cluster}-worker2" in ran.out
    assert "pod/postgres-0" in ran.out
    assert "dishes from the database" in ran.out
    assert "the last hour is not known: nothing observes this cluster" in ran.out


def test_a_shell_is_pointed_at_the_cluster_and_at_its_stacks(product: Product) -> None:
    connected = documented('eval "$(make -s shell)"')
    ran = product.typed(f"{connected} && kubectl get nodes --output name && pulumi stack ls --json")
    assert f"node/{product.cluster}-worker2" in ran.out
    assert '"name": "dev"' in ran.out


def test_the_users_own_kubeconfig_is_neither_read_nor_written(product: Product) -> None:
    assert "https://127.0.0.1:9" in product.users_kubeconfig.read_text(encoding="utf-8")
    assert product.cluster not in product.users_kubeconfig.read_text(encoding="utf-8")


def test_what_opens_the_cluster_and_the_state_is_for_its_owner_alone(product: Product) -> None:
    for path in (product.kubeconfig, product.home / "passphrase"):
        assert path.stat().st_mode & 0o077 == 0, path


def _addons(kube: Kube) -> list[Object]:
    everywhere = kube.all("deployments", "--all-namespaces")
    return [each for each in everywhere if each["metadata"]["namespace"] in _ADDONS]


def _deployed(kube: Kube) -> dict[str, object]:
    """Return uid and spec of what `up` deployed, less the replicas, which are the autoscaler's."""
    kinds = "deployments,statefulsets,services,ingresses,networkpolicies,secrets,configmaps,jobs"
    things = kube.all(kinds)
    assert len(things) > 10
    found: dict[str, object] = {}
    for thing in things:
        spec = {key: value for key, value in thing.get("spec", {}).items() if key != "replicas"}
        found[f"{thing['kind']} {name_of(thing)}"] = (thing["metadata"]["uid"], spec)
    return found
