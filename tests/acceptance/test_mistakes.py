"""Mistakes made while all is up: each is named, and the running stack stays as it is.

Mistakes in a stack's file that need no running container are in tests/apiserver.
"""

from pathlib import Path

import yaml

from ..harness.kube import Kube
from ..harness.product import Product
from ..harness.refusals import assert_refused
from ..harness.site import Site


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


def test_a_node_that_is_not_there_cannot_be_stopped(product: Product, site: Site) -> None:
    assert site.answers()
    assert_refused(product.node("stop", "worker9"), found="no node worker9", fix="worker2")


def test_after_all_mistakes_up_still_changes_nothing(product: Product, site: Site) -> None:
    assert site.answers()
    ran = product.done("up")
    assert "unchanged" in ran.out
    assert ran.changes == []
