"""Mistakes in the file of a running stack: each is named at once, and the stack stays as it is."""

from collections.abc import Callable

import pytest

from ...harness.kube import Kube, name_of
from ...harness.refusals import assert_refused
from ..teams import Config, Team


def _not_settings(config: Config) -> None:
    config["feastflow:database"]["storage"] = "plenty"
    config["feastflow:backend"]["replicaas"] = 3
    del config["feastflow:namespace"]


def _not_for_this_data(config: Config) -> None:
    config["feastflow:database"]["user"] = "another"
    config["feastflow:rotation"] = 3


def _of_another_version(config: Config) -> None:
    config["feastflow:database"]["image"] = "postgres:16.2-bookworm"


@pytest.mark.parametrize(
    ("mistakes", "named"),
    [
        (_not_settings, ["storage", "replicaas", "feastflow:namespace"]),
        (_not_for_this_data, ["found: another (was feastflow)", "found: 3 (was 1)"]),
        (_of_another_version, ["feastflow:database.version", "found: 16 (was 15)"]),
    ],
)
def test_every_wrong_setting_is_refused_with_its_name_and_no_object_is_touched(
    dev: Team, kube: Kube, mistakes: Callable[[Config], None], named: list[str]
) -> None:
    before = _versions(kube)
    with dev.changed(mistakes):
        ran = dev.product.local("up")
    for each in named:
        assert_refused(ran, found=each, fix="run it again")
    assert _versions(kube) == before


def test_a_stacks_file_that_is_no_yaml_is_refused(dev: Team, kube: Kube) -> None:
    before = _versions(kube)
    with dev.changed(lambda _: None):
        dev.settings.write_text("config: [", encoding="utf-8")
        ran = dev.product.local("up")
    assert_refused(ran, found="Pulumi.dev.yaml is not YAML", fix="fix Pulumi.dev.yaml")
    assert _versions(kube) == before


def _versions(kube: Kube) -> dict[str, tuple[str, int | None]]:
    """Return uid and generation of everything that `up` deploys, and of its pods."""
    kinds = "deployments,statefulsets,services,ingresses,networkpolicies,secrets,configmaps,jobs,pods"
    things = kube.all(kinds)
    assert len(things) > 10
    return {
        f"{thing['kind']} {name_of(thing)}": (thing["metadata"]["uid"], thing["metadata"].get("generation"))
        for thing in things
    }
