"""A stack with a server of others, deployed: it passes the policies, rotates, and keeps its engine.

kwok says of the Job that asks the server that it has succeeded; the server itself is a matter of
tests/postgres and of a real cluster.
"""

from typing import Any

import pytest

from components.settings.model.workload import PEM

from ..harness.kube import Kube, name_of
from .teams import Config, Office, Team

_PASSWORD = "canary-database-6161616161"
_SERVER = {"host": "db.example.com", "cidrs": ["10.20.0.0/24"], "ca": PEM}


def _administered(config: Config) -> None:
    server = {
        **_SERVER,
        "administrator": {"user": "dbadmin", "password": {"secret": "db", "key": "password"}},
    }
    config["feastflow:database"] = {"engine": "external", "external": server}


def _jobs(kube: Kube) -> set[str]:
    return {name_of(each).rpartition("-")[0] for each in kube.all("jobs") if "roles" in name_of(each)}


def _user(kube: Kube) -> str:
    """Return the login that the backend's pods are told."""
    (deployment,) = (each for each in kube.all("deployments") if name_of(each) == "feastflow-backend")
    variables: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    (told,) = (each["valueFrom"]["configMapKeyRef"] for each in variables if each["name"] == "DB_USER")
    (config,) = (each for each in kube.all("configmaps") if name_of(each) == told["name"])
    return str(config["data"]["DB_USER"])


@pytest.fixture(scope="module")
def team(office: Office) -> Team:
    """Return a stack whose database is a server of others, deployed."""
    made = office.team("managed")
    made.change(_administered)
    made.product.done("up")
    return made


def test_it_has_no_server_of_its_own_and_asks_the_one_that_is_there(team: Team) -> None:
    assert team.kube.all("statefulsets,persistentvolumeclaims") == []
    assert "feastflow-roles-grant" in _jobs(team.kube)
    opened = {name_of(each) for each in team.kube.all("networkpolicies")}
    assert {"feastflow-backend-to-postgres", "feastflow-roles-to-postgres"} <= opened
    assert "postgres-network-policy" not in opened


def test_a_second_up_changes_nothing(team: Team) -> None:
    before = {name_of(each): each["metadata"]["uid"] for each in team.kube.all("jobs,deployments,configmaps")}
    team.product.done("up")
    after = {name_of(each): each["metadata"]["uid"] for each in team.kube.all("jobs,deployments,configmaps")}
    assert after == before


def test_its_engine_is_not_changed_while_there_may_be_data(team: Team) -> None:
    def own(config: Config) -> None:
        config["feastflow:database"] = {"engine": "standalone"}

    with team.changed(own):
        refused = team.product.local("up")
    assert refused.code == 1
    assert "feastflow:database.engine" in refused.text
    assert team.kube.all("statefulsets") == []


@pytest.mark.slow
def test_a_rotation_moves_the_pods_to_the_other_login_and_locks_the_one_before(team: Team) -> None:
    before = _user(team.kube)

    def rotated(config: Config) -> None:
        config["feastflow:rotation"] = 2

    team.change(rotated)
    team.product.done("up")
    assert (before, _user(team.kube)) == ("feastflow_a", "feastflow_b")
    assert _jobs(team.kube) == {"feastflow-roles-grant", "feastflow-roles-retire"}


def test_a_password_of_the_stacks_own_file_is_in_one_secret_and_in_nothing_that_is_said(
    office: Office,
) -> None:
    team = office.team("kept")

    def kept(config: Config) -> None:
        config["feastflow:database"] = {"engine": "external", "external": _SERVER}

    team.change(kept)
    key = team.product.root / "key"
    key.write_text(_PASSWORD, encoding="utf-8")
    path = "feastflow:database.external.password"
    said = team.product.shell(f"pulumi config set --secret --config-file {team.settings} --path {path} < key")
    ran = team.product.done("up")
    assert _PASSWORD not in said.text + ran.text + team.settings.read_text(encoding="utf-8")
    others = team.kube.all("configmaps,jobs,deployments,networkpolicies,events")
    assert _PASSWORD not in repr(others)
    holding = [each for each in team.kube.all("secrets") if "password" in each.get("data", {})]
    assert len(holding) == 1
