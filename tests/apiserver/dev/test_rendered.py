"""The namespace from rendered manifests, by kubectl alone: the objects of `make up`, and then adopted.

That they come to serve orders is proved on a real cluster.
"""

from pathlib import Path

import pytest

from components import live

from ...documented import documented
from ...harness import objects, rendered
from ...harness.kube import Kube
from ...harness.waiting import until
from ..teams import Config, Office, Team

_ALL = f"{rendered.KEPT},jobs,secrets"


@pytest.fixture(scope="module")
def team(office: Office) -> Team:
    """A team with a stack of its own: dev's settings for another namespace, and the images that dev runs."""
    team = office.team("rendered")

    def with_images(config: Config) -> None:
        for tier in ("backend", "frontend"):
            image = office.product.variables[f"{tier.upper()}_IMAGE"]
            config.setdefault(f"feastflow:{tier}", {})["image"] = image

    team.change(with_images)
    return team


@pytest.fixture(scope="module")
def folder(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stack rendered, its references to secrets replaced by Secrets."""
    return rendered.written(team.product, tmp_path_factory.mktemp("rendered") / "manifests")


@pytest.fixture(scope="module")
def applied(team: Team, folder: Path) -> Kube:
    """The namespace after `kubectl apply` of the whole folder, once every object has come to rest."""
    rendered.apply(team.kube, folder)
    until(team.kube.complete, what="as many pods as the autoscaler wants", within=300)
    team.kube.run("wait", "jobs", "--all", "--for=condition=Complete", "--timeout=60s", timeout=90)
    return team.kube


def test_the_live_objects_are_those_of_pulumi_up_field_by_field(kube: Kube, applied: Kube) -> None:
    by_pulumi, by_kubectl = (objects.comparable(each) for each in (kube, applied))
    assert by_kubectl.keys() == by_pulumi.keys()
    assert len(by_kubectl) > 40
    different = [
        f"{name}{difference}"
        for name in by_pulumi
        for difference in objects.differences(by_pulumi[name], by_kubectl[name])
    ]
    # What is rendered belongs to the tool that applies it.
    (owner,) = different
    assert owner.startswith(f"Namespace NAMESPACE.metadata.annotations: {{'{live.OWNER}': 'feastflow/dev/")


def test_applied_again_nothing_changes(applied: Kube, folder: Path) -> None:
    before = rendered.versions(applied, _ALL)
    assert len(before) > 20
    rendered.apply(applied, folder)
    assert rendered.versions(applied, _ALL) == before


def test_pulumi_adopts_what_kubectl_applied_and_makes_nothing_anew(team: Team, applied: Kube) -> None:
    before = rendered.versions(applied, rendered.KEPT)
    assert len(before) > 10
    team.product.typed(documented("make adopt"))
    after = rendered.versions(applied, rendered.KEPT)
    assert {name: uid for name, (uid, _) in after.items() if name in before} == {
        name: uid for name, (uid, _) in before.items()
    }
    until(applied.complete, what="as many pods as the autoscaler wants", within=300)
    again = team.product.done("up")
    assert "unchanged" in again.out, again
    assert "updated" not in again.out, again
