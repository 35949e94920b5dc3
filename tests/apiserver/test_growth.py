"""Growth of the database's volume by its setting, where the StorageClass lets it; elsewhere it is refused."""

import json

from ..harness.refusals import assert_refused
from .teams import Config, Office, Team

_CLASS = "growing"


def _larger(config: Config) -> None:
    config["feastflow:database"]["storage"] = "3Gi"


def test_a_volume_grows_by_its_setting_in_place_and_only_where_its_class_says_so(
    office: Office,
) -> None:
    team = office.team("growth")
    (default,) = team.kube.all("storageclasses")
    grown = {key: default[key] for key in ("apiVersion", "kind", "provisioner", "volumeBindingMode")}
    document = {**grown, "metadata": {"name": _CLASS}, "allowVolumeExpansion": False}
    team.kube.run("apply", "--filename", "-", stdin=json.dumps(document))
    team.change(lambda config: config["feastflow:database"].update(storageClass=_CLASS))
    team.product.done("up")
    before = _claim(team)
    team.change(_larger)
    assert_refused(
        team.product.local("up"), found=f"the class {_CLASS}, which lets no volume grow", fix="kubectl patch"
    )
    assert _claim(team) == before
    team.kube.run("patch", "storageclass", _CLASS, "--patch", '{"allowVolumeExpansion": true}')
    team.product.done("up")
    assert _claim(team) == (before[0], "3Gi")
    team.product.done("destroy")
    team.kube.run("delete", "storageclass", _CLASS)


def _claim(team: Team) -> tuple[str, str]:
    (claim,) = [
        each
        for each in team.kube.all("persistentvolumeclaims")
        if each["metadata"]["name"] == "postgres-data"
    ]
    return claim["metadata"]["uid"], claim["spec"]["resources"]["requests"]["storage"]
