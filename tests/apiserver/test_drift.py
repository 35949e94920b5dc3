"""Others' changes on the cluster: `make drift` reports them, `make up` reverts them, by the real engine."""

import base64
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from ..documented import documented
from ..harness.kube import Kube
from ..harness.running import Ran
from .teams import Office, Team

# The rules admit it: a stranger cannot add what they refuse.
_RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["deletecollection"]}
_WIDENED = [{"op": "add", "path": "/rules/-", "value": _RULE}]
_OWNER = "feastflow.pulumi.com/owner"
_STRANGERS = "stranger-knows-this"
_LIVE = (
    ("networkpolicy", "default-deny"),
    ("service", "feastflow-frontend"),
    ("deployment", "feastflow-backend"),
    ("role", "developer"),
)


@dataclass(frozen=True, kw_only=True)
class Drifted:
    """A stack that others changed: what was refused, told and repaired, and what is live afterwards."""

    team: Team
    looked_as_another: Ran
    deployed_as_another: Ran
    kept_from_another: bool
    report: dict[str, Any]
    told: str
    repaired: Ran
    before: dict[str, Any]
    secret: tuple[str, str]


@pytest.fixture(scope="module")
def team(office: Office) -> Team:
    """Return a stack that is deployed."""
    team = office.team("drifting")
    team.product.done("up")
    return team


@pytest.fixture(scope="module")
def drifted(team: Team) -> Drifted:
    """Change much of the stack by hand, and repair all of it by one `make up`."""
    kube = team.kube
    before = {kind: kube.get(kind, name) for kind, name in _LIVE}
    owner = kube.get("namespace", kube.namespace)["metadata"]["annotations"][_OWNER]
    kube.run("annotate", "namespace", kube.namespace, f"{_OWNER}=other/dev/1", "--overwrite")
    kube.run("delete", "networkpolicy", "default-deny")
    try:
        looked = team.product.local("drift")
        deployed = team.product.local("up")
        kept = kube.ask("get", "networkpolicy", "default-deny").code != 0
    finally:
        kube.run("annotate", "namespace", kube.namespace, f"{_OWNER}={owner}", "--overwrite")
    kube.run("delete", "service", "feastflow-frontend")
    kube.run("set", "resources", "deployment", "feastflow-backend", "--limits=memory=1Gi")
    kube.run("patch", "role", "developer", "--type", "json", "--patch", json.dumps(_WIDENED))
    kube.run("label", "deployment", "feastflow-backend", "stranger.example.com/mark=x")
    secret = next(each for each in kube.all("secrets") if each["type"] == "Opaque")
    before["secret"] = secret
    key = next(iter(secret["data"]))
    _replaced(kube, secret, key)

    report = _looked(team, code=2)
    told = team.product.typed(f"{documented('make drift')} || test $? -eq 2")
    return Drifted(
        team=team,
        looked_as_another=looked,
        deployed_as_another=deployed,
        kept_from_another=kept,
        report=report,
        told=told.text,
        repaired=team.product.done("up"),
        before=before,
        secret=(key, secret["data"][key]),
    )


def _replaced(kube: Kube, secret: dict[str, Any], key: str) -> None:
    name = secret["metadata"]["name"]
    kube.run("delete", "secret", name)
    others = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "immutable": True,
        "stringData": {key: _STRANGERS},
    }
    kube.run("create", "--filename", "-", stdin=json.dumps(others))


def test_what_others_own_rightly_is_left(team: Team) -> None:
    team.kube.run("scale", "deployment", "feastflow-backend", "--replicas=3")
    team.kube.run("rollout", "restart", "deployment", "feastflow-backend")
    team.kube.run("annotate", "service", "feastflow-frontend", "cloud.google.com/neg={}")

    assert _looked(team, code=0)["drift"] is False


def test_objects_of_another_owner_are_neither_compared_nor_taken_back(drifted: Drifted) -> None:
    assert (drifted.looked_as_another.code, drifted.deployed_as_another.code) == (1, 1)
    assert "belongs to the stack other/dev" in drifted.looked_as_another.err
    assert drifted.kept_from_another


def test_what_opens_something_is_told_first_with_who_did_it_and_when(drifted: Drifted) -> None:
    found = drifted.report["findings"]
    lines = drifted.told.splitlines()

    assert [(each["kind"], each["opens"]) for each in found] == [
        ("NetworkPolicy", True),
        ("Role", True),
        ("Service", False),
        ("Deployment", False),
        ("Namespace", False),
        ("Secret", False),
    ]
    (rule,) = found[1]["changes"]
    assert (rule["what"], rule["field"], rule["manager"]) == ("added", "rules", "kubectl-patch")
    assert rule["at"]
    opening = [number for number, line in enumerate(lines) if line.startswith("OPENS")]
    first = min(number for number, line in enumerate(lines) if "Service " in line)
    assert len(opening) == 2
    assert max(opening) < first


def test_what_was_deleted_changed_or_widened_by_hand_is_put_right_by_the_next_up(drifted: Drifted) -> None:
    kube, before = drifted.team.kube, drifted.before

    assert 'resources.limits.memory is "1Gi" instead of "512Mi" (by kubectl-set at' in drifted.repaired.out
    assert f"Role {kube.namespace}/developer" in drifted.repaired.out
    for kind, name in _LIVE:
        live = kube.get(kind, name)
        assert live.get("rules") == before[kind].get("rules")
        assert _limits(live) == _limits(before[kind])
    again = kube.get("secret", before["secret"]["metadata"]["name"])
    assert again["data"] == before["secret"]["data"]
    assert _looked(drifted.team, code=0)["findings"] == []


def test_a_secret_that_was_given_another_value_is_told_without_any_value(drifted: Drifted) -> None:
    key, value = drifted.secret

    for text in (drifted.told, drifted.repaired.text):
        assert f"data.{key} is (hidden) instead of (hidden)" in text
        for known in (_STRANGERS, base64.b64encode(_STRANGERS.encode()).decode(), value):
            assert known not in text
    assert value not in json.dumps(drifted.report)


def _limits(thing: dict[str, Any]) -> Any:
    return [each["resources"] for each in _containers(thing)]


def _containers(thing: dict[str, Any]) -> list[dict[str, Any]]:
    containers: list[dict[str, Any]] = (
        thing.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    )
    return containers


def test_a_stack_that_was_never_deployed_has_no_drift_to_look_for(office: Office) -> None:
    ran = office.team("fresh").product.local("drift")

    assert ran.code == 1
    assert "make up STACK=fresh CONTEXT=nodeless" in ran.err


def _looked(team: Team, *, code: int) -> dict[str, Any]:
    """Return the report for machines, with this exit code."""
    line = documented(".venv/bin/python -m tools.cli drift --json", {".venv/bin/python": sys.executable})
    ran: Ran = team.product.typed(f"{line} 2>/dev/null || test $? -eq {code}")
    found: dict[str, Any] = json.loads(ran.out)
    assert (code == 2) == found["drift"], found
    return found
