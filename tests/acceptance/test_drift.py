"""Drift on the real cluster, over every kind that the program deploys: found, repaired, clean again."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tools.cli.drift import wanted as objects
from tools.cli.drift.wanted import Wanted

from ..apiserver.drift import mutations
from ..apiserver.drift.mutations import Mutation
from ..apiserver.drift.stranger import Stranger
from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.product import Product
from ..harness.site import Site
from ..harness.waiting import until

# These hold data, which does not come back with the object.
_DATA = ("Namespace", "PersistentVolumeClaim")


@pytest.fixture(scope="module")
def stranger(kube: Kube) -> Iterator[Stranger]:
    """Yield another user of the cluster, who may do everything."""
    command = [kube.kubectl, "--kubeconfig", str(kube.kubeconfig), "proxy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:  # noqa: S603 - the toolchain's
        try:
            assert proxy.stdout
            said = re.search(r"127\.0\.0\.1:(\d+)", proxy.stdout.readline())
            assert said
            yield Stranger.through(int(said[1]))
        finally:
            proxy.terminate()


@pytest.fixture(scope="module")
def deployed_objects(product: Product, kube: Kube) -> list[Wanted]:
    """Return the objects of the stack's last deployment, without patches of others' objects."""
    assert kube
    ran = product.shell("pulumi stack export --show-secrets --stack dev")
    return [each for each in objects.of(json.loads(ran.out)) if not each.is_patch]


def test_a_label_and_a_field_changed_in_every_kind_are_found_and_repaired(
    product: Product, deployed_objects: list[Wanted], stranger: Stranger, site: Site, figures: Figures
) -> None:
    made: list[tuple[Wanted, Mutation]] = []
    for each in deployed_objects:
        if stranger.get(each.manifest) is None:
            # A Job that deletes itself.
            continue
        for what in (mutations.LABELLED, mutations.CHANGED):
            # A label is changed by the first; the second is to change what the object is for.
            tried = [
                one
                for one in mutations.of(each.manifest, what)
                if what == mutations.LABELLED or one.steps[0] != "metadata"
            ]
            taken = next((one for one in tried if stranger.change(each.manifest, one)), None)
            made += [(each, taken)] if taken else []

    report = _looked(product, code=2)
    missed = [(each.key, one.place) for each, one in made if not _tells(report, each, one)]
    product.done("up")

    _count(figures, "changed", [each for each, _ in made], missed)
    assert {each.manifest["kind"] for each, _ in made} == {each.manifest["kind"] for each in deployed_objects}
    assert missed == []
    assert _looked(product, code=0)["findings"] == []
    until(site.answers, what="the site", within=120)


def test_an_object_deleted_of_every_kind_is_found_and_comes_back(
    product: Product, deployed_objects: list[Wanted], stranger: Stranger, site: Site, figures: Figures
) -> None:
    kinds = {each.manifest["kind"]: each for each in deployed_objects if each.manifest["kind"] not in _DATA}
    deleted = [each for each in kinds.values() if stranger.get(each.manifest)]
    for each in deleted:
        stranger.delete(each.manifest)
    until(lambda: all(stranger.get(each.manifest) is None for each in deleted), what="the end", within=60)

    report = _looked(product, code=2)
    told = {(each["kind"], each["name"]) for each in report["findings"]}
    missed = [each.key for each in deleted if (each.key[1], each.key[3]) not in told]
    product.done("up")

    _count(figures, "deleted", deleted, missed)
    assert missed == []
    assert all(stranger.get(each.manifest) for each in deleted)
    assert _looked(product, code=0)["findings"] == []
    until(site.answers, what="the site", within=120)


def _looked(product: Product, *, code: int) -> dict[str, Any]:
    ran = product.typed(f"{documented('.venv/bin/python -m tools.cli drift --json')} || test $? -eq {code}")
    found: dict[str, Any] = json.loads(ran.out)
    assert (code != 0) == found["drift"], found
    return found


def _tells(report: dict[str, Any], thing: Wanted, mutation: Mutation) -> bool:
    return any(
        mutations.is_told(mutation, (change["field"] for change in finding["changes"]))
        for finding in report["findings"]
        if (finding["kind"], finding["name"]) == (thing.key[1], thing.key[3])
    )


def _count(figures: Figures, what: str, made: list[Wanted], missed: list[Any]) -> None:
    kinds = len({each.manifest["kind"] for each in made})
    figures.text(
        f"drift on the cluster, {what}: cases, found, kinds",
        f"{len(made)}, {len(made) - len(missed)}, {kinds}",
    )
