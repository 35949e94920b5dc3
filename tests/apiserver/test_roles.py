"""A failed Job of the database's logins: the update ends with its reason, whatever waits for the login."""

import pytest

from ..harness.kube import name_of
from ..harness.refusals import assert_refused
from .teams import Config, Office

pytestmark = pytest.mark.xdist_group("others")


def _refused(config: Config) -> None:
    config["feastflow:database"] |= {"image": "registry.example.com/postgresql:refuses-15", "version": 15}
    # Longer than any update may take.
    config["feastflow:backend"]["migrations"]["timeoutSeconds"] = 3600


def test_an_update_whose_roles_cannot_be_made_does_not_wait_for_the_migration(office: Office) -> None:
    team = office.team("refused")
    team.change(_refused)
    ran = team.product.with_variables(BACKEND_IMAGE="registry.example.com/api:waits-1").local("up")

    assert_refused(ran, found="feastflow-roles-grant", fix="run it again")
    jobs = {name_of(job): job["status"] for job in team.kube.all("jobs")}
    (migration,) = (status for name, status in jobs.items() if "migrations" in name)
    assert migration["active"] == 1
    assert "conditions" not in migration
