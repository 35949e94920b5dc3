"""Mistakes made while all is up: each is named, and what runs is left as it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ..harness.kube import Kube, Object, name_of
from ..harness.product import Product
from ..harness.refusals import assert_refused
from ..harness.site import Site
from ..harness.waiting import until

_IMAGE = "registry.example.com/feastflow/frontend:1.0.0"


def _wrong_value(config: Object) -> None:
    config["feastflow:database"]["storage"] = "plenty"


def _unknown_key(config: Object) -> None:
    config["feastflow:backend"]["replicaas"] = 3


def _missing_namespace(config: Object) -> None:
    del config["feastflow:namespace"]


def _another_user(config: Object) -> None:
    config["feastflow:database"]["user"] = "another"


def _rotation_by_two(config: Object) -> None:
    config["feastflow:rotation"] = 3


@pytest.fixture
def running(kube: Kube, site: Site) -> Callable[[], list[str]]:
    """Names of the pods that run, which change with every rollout; asked again after the mistake."""
    assert site.answers()
    # The autoscaler may still be raising the number of pods; that is a change of its own.
    until(kube.complete, what="as many pods as the autoscaler wants", within=180)
    return lambda: sorted(name_of(pod) for pod in kube.all("pods"))


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (_wrong_value, "storage"),
        (_unknown_key, "replicaas"),
        (_missing_namespace, "namespace"),
        (_another_user, "found: another (was feastflow)"),
        (_rotation_by_two, "found: 3 (was 1)"),
    ],
)
def test_a_wrong_setting_in_the_stacks_file_is_refused_with_its_name(
    product: Product,
    running: Callable[[], list[str]],
    tmp_path: Path,
    mistake: Callable[[Object], None],
    named: str,
) -> None:
    before = running()
    clone = product.cloned(tmp_path / "clone")
    path = clone.root / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    mistake(document["config"])
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert_refused(clone.local("up"), found=named, fix="run it again")
    assert running() == before


def test_a_stacks_file_that_is_no_yaml_is_refused(product: Product, site: Site, tmp_path: Path) -> None:
    assert site.answers()
    clone = product.cloned(tmp_path / "clone")
    (clone.root / "Pulumi.dev.yaml").write_text("config: [", encoding="utf-8")
    assert_refused(clone.local("up"), found="Pulumi.dev.yaml is not YAML", fix="mend Pulumi.dev.yaml")


def test_a_migration_that_fails_stops_the_rollout_and_its_last_words_are_shown(
    product: Product, kube: Kube, site: Site, tmp_path: Path
) -> None:
    before = kube.ready("backend")
    clone = product.cloned(tmp_path / "clone")
    path = clone.root / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    backend = document["config"]["feastflow:backend"]
    backend["migrations"] = {"command": ["python3", "-c", "raise SystemExit('no such column: price')"]}
    backend["env"] = {"RELEASE": "broken"}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert_refused(clone.local("up"), found="no such column: price", fix="run it again")
    assert set(before) <= set(kube.ready("backend"))
    assert site.answers()
    assert "RELEASE" not in str(kube.all("deployments"))
    product.done("up")


def test_another_port_for_a_cluster_that_runs_is_refused(product: Product, site: Site) -> None:
    other = product.with_variables(PORT=str(site.port + 1))
    assert_refused(other.local("up"), found=f"on port {site.port}", fix=f"PORT={site.port}")


@pytest.mark.parametrize("tier", ["backend", "frontend"])
def test_no_image_is_guessed_for_a_cluster_of_the_users(product: Product, site: Site, tier: str) -> None:
    assert site.answers()
    named = {f"{other.upper()}_IMAGE": _IMAGE for other in ("backend", "frontend") if other != tier}
    context = {"CONTEXT": f"kind-{product.cluster}", "KUBECONFIG": str(product.kubeconfig)}
    ran = product.with_variables(**context, **named).local("up")
    assert_refused(ran, found=f"no image is named for the {tier}", fix=f"{tier.upper()}_IMAGE=")


def test_a_node_that_is_not_there_cannot_be_stopped(product: Product, site: Site) -> None:
    assert site.answers()
    assert_refused(product.node("stop", "worker9"), found="no node worker9", fix="worker2")


def test_after_all_mistakes_up_still_changes_nothing(product: Product, site: Site) -> None:
    assert site.answers()
    ran = product.done("up")
    assert "unchanged" in ran.out
    assert "updated" not in ran.out
