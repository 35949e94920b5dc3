"""A failed Job of the database's logins: the update ends with its reason, and the next one makes it again."""

import pytest

from ..harness.kube import Kube, name_of
from ..harness.refusals import assert_refused
from .teams import Config, Office

pytestmark = pytest.mark.xdist_group("others")


def _refused(config: Config) -> None:
    config["feastflow:database"] |= {"image": "registry.example.com/postgresql:refuses-15", "version": 15}
    # Longer than any update may take.
    config["feastflow:backend"]["migrations"]["timeoutSeconds"] = 3600


def _roles_job(kube: Kube) -> str:
    """Return the uid of the Job that makes the logins."""
    (uid,) = (job["metadata"]["uid"] for job in kube.all("jobs") if "roles-grant" in name_of(job))
    return str(uid)


@pytest.mark.slow
def test_an_update_whose_roles_cannot_be_made_does_not_wait_for_the_migration(office: Office) -> None:
    team = office.team("refused")
    team.change(_refused)
    ran = team.product.with_variables(BACKEND_IMAGE="registry.example.com/api:waits-1").local("up")

    assert_refused(ran, found="feastflow-roles-grant", fix="run it again")
    failed = _roles_job(team.kube)
    jobs = {name_of(job): job["status"] for job in team.kube.all("jobs")}
    (migration,) = (status for name, status in jobs.items() if "migrations" in name)
    assert migration["active"] == 1
    assert "conditions" not in migration

    again = team.product.with_variables(BACKEND_IMAGE="registry.example.com/api:waits-1").local("up")
    assert_refused(again, found="feastflow-roles-grant", fix="run it again")
    assert _roles_job(team.kube) != failed
