"""What others change on the cluster: told by `make drift`, put right by `make up`, with the real engine."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ..documented import documented
from ..harness.running import Ran
from .teams import Office, Team

_RULE = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
_WIDENED = [{"op": "add", "path": "/rules/-", "value": _RULE}]
_LIMIT = "{.spec.template.spec.containers[0].resources.limits.memory}"


@pytest.fixture(scope="module")
def team(office: Office) -> Team:
    """A stack that is deployed."""
    team = office.team("drifting")
    team.product.done("up")
    return team


@pytest.fixture(autouse=True)
def repaired(team: Team) -> Iterator[None]:
    """Each test leaves the stack as it found it."""
    yield
    assert _looked(team, code=0)["findings"] == []


def test_what_was_deleted_changed_or_widened_by_hand_is_told_and_put_right_by_the_next_up(team: Team) -> None:
    kube = team.kube
    limit = kube.run("get", "deployment", "feastflow-backend", "--output", f"jsonpath={_LIMIT}")
    kube.run("delete", "networkpolicy", "default-deny")
    kube.run("delete", "service", "feastflow-frontend")
    kube.run("set", "resources", "deployment", "feastflow-backend", "--limits=memory=1Gi")
    kube.run("patch", "role", "developer", "--type", "json", "--patch", json.dumps(_WIDENED))
    kube.run("label", "deployment", "feastflow-backend", "stranger.example.com/mark=x")

    report = _looked(team, code=2)
    told = team.product.typed(f"{documented('make drift')} || test $? -eq 2").out.splitlines()
    ran = team.product.done("up")

    assert [(each["kind"], each["opens"]) for each in report["findings"]] == [
        ("NetworkPolicy", True),
        ("Role", True),
        ("Service", False),
        ("Deployment", False),
    ]
    (rule,) = report["findings"][1]["changes"]
    assert (rule["what"], rule["field"], rule["manager"]) == ("added", "rules", "kubectl-patch")
    assert rule["at"]
    assert [told.index(line) for line in told if line.startswith("OPENS")] == [0, 2]
    assert 'resources.limits.memory is "1Gi" instead of "512Mi" (by kubectl-set at' in ran.out
    assert "Role feastflow-drifting/developer" in ran.out
    assert "secrets" not in kube.run("get", "role", "developer", "--output", "yaml")
    assert kube.run("get", "networkpolicy/default-deny", "service/feastflow-frontend", "--output", "name")
    assert kube.run("get", "deployment", "feastflow-backend", "--output", f"jsonpath={_LIMIT}") == limit


def test_what_others_own_rightly_is_left(team: Team) -> None:
    team.kube.run("scale", "deployment", "feastflow-backend", "--replicas=3")
    team.kube.run("rollout", "restart", "deployment", "feastflow-backend")
    team.kube.run("annotate", "service", "feastflow-frontend", "cloud.google.com/neg={}")

    assert _looked(team, code=0)["drift"] is False


def test_a_secret_that_was_given_another_value_is_told_without_any_value(team: Team) -> None:
    secret = next(each for each in team.kube.all("secrets") if each["type"] == "Opaque")
    name, (key, value) = secret["metadata"]["name"], next(iter(secret["data"].items()))
    team.kube.run("delete", "secret", name)
    others: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "immutable": True,
    }
    others["stringData"] = {key: "stranger-knows-this"}
    team.kube.run("create", "--filename", "-", stdin=json.dumps(others))

    ran = team.product.local("drift")
    team.product.done("up")

    assert ran.code == 2
    assert f"data.{key} is (hidden) instead of (hidden)" in ran.out
    assert "stranger-knows-this" not in ran.text
    assert value not in ran.text
    again = team.kube.get("secret", name)
    assert again["data"][key] == value


def test_objects_of_another_owner_are_neither_compared_nor_taken_back(team: Team) -> None:
    mark = "feastflow.pulumi.com/owner"
    ours = team.kube.get("namespace", team.kube.namespace)["metadata"]["annotations"][mark]
    team.kube.run("annotate", "namespace", team.kube.namespace, f"{mark}=other/dev/1", "--overwrite")
    team.kube.run("delete", "networkpolicy", "default-deny")
    try:
        looked = team.product.local("drift")
        deployed = team.product.local("up")
        kept = team.kube.ask("get", "networkpolicy", "default-deny").code
    finally:
        team.kube.run("annotate", "namespace", team.kube.namespace, f"{mark}={ours}", "--overwrite")
    team.product.done("up")

    assert (looked.code, deployed.code) == (1, 2)
    assert "belongs to the stack other/dev" in looked.err
    assert kept != 0


def test_a_stack_that_was_never_deployed_has_no_drift_to_look_for(office: Office) -> None:
    ran = office.team("fresh").product.local("drift")

    assert ran.code == 1
    assert "make up STACK=fresh CONTEXT=nodeless" in ran.err


def _looked(team: Team, *, code: int) -> dict[str, Any]:
    """The report for machines, with this exit code."""
    line = documented(".venv/bin/python -m local drift --json", {".venv/bin/python": sys.executable})
    ran: Ran = team.product.typed(f"{line} 2>/dev/null || test $? -eq {code}")
    found: dict[str, Any] = json.loads(ran.out)
    assert (code == 2) == found["drift"], found
    return found
