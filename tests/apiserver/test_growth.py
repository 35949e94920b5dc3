"""Growth of the database's volume by its setting, where the StorageClass lets it; elsewhere it is refused."""

import json
from collections.abc import Iterator

import pytest

from ..harness.kube import name_of
from ..harness.refusals import assert_refused
from .teams import Config, Office, Team

_LARGER = "5Gi"


@pytest.fixture(scope="module")
def team(office: Office) -> Iterator[Team]:
    """Yield a stack of its own, and have the server's only StorageClass as it was afterwards."""
    made = office.team("growth")
    (default,) = made.kube.all("storageclasses")
    made.product.done("up")
    yield made
    _may_grow(made, default.get("allowVolumeExpansion", False))


def _may_grow(team: Team, allowed: object) -> None:
    (default,) = team.kube.all("storageclasses")
    change = json.dumps({"allowVolumeExpansion": allowed})
    team.kube.run("patch", "storageclass", name_of(default), "--patch", change)


def _larger(config: Config) -> None:
    config["feastflow:database"]["storage"] = _LARGER


def _claim(team: Team) -> tuple[str, str]:
    claims = {name_of(each): each for each in team.kube.all("persistentvolumeclaims")}
    claim = claims["postgres-data"]
    return claim["metadata"]["uid"], claim["spec"]["resources"]["requests"]["storage"]


@pytest.mark.slow
def test_a_volume_grows_by_its_setting_in_place_and_only_where_its_class_says_so(team: Team) -> None:
    before = _claim(team)
    team.change(_larger)
    _may_grow(team, allowed=False)
    refused = team.product.local("up")
    assert_refused(refused, found="which lets no volume grow", fix="run it again")
    assert "kubectl patch storageclass" in refused.err
    assert _claim(team) == before
    _may_grow(team, allowed=True)
    team.product.done("up")
    assert _claim(team) == (before[0], _LARGER)
