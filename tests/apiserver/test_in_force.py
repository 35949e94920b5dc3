"""Rules while they change: an update needs at once what it allows, and what is refused can be deleted."""

import datetime as dt
import json
from collections.abc import Iterator

import pytest

from policies import admission
from policies.configuration import Configuration
from policies.rule import Level
from policies.rules import RULES

from ..harness.kube import Kube
from ..harness.waiting import until
from .dev import matrix
from .server import Server
from .teams import Config, Office, Team

_NAMESPACE = "collected"
_RULE = "service-internal"
_OPEN = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "open"},
    "spec": {"type": "NodePort", "ports": [{"port": 80}], "selector": {"app": "open"}},
}


@pytest.fixture(scope="module")
def team(office: Office) -> Team:
    """Return a stack that is deployed, with every rule as it comes."""
    team = office.team("lowering")
    team.product.done("up")
    return team


def _recreate(config: Config) -> None:
    config["policies:exemptions"] = [
        {
            "rule": "rollout-strategy",
            "resource": "Deployment/feastflow-backend",
            "reason": "a test",
            "expires": (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=9)).isoformat(),
        }
    ]
    config["feastflow:backend"] = {**config["feastflow:backend"], "release": {"strategy": "recreate"}}


@pytest.mark.slow
def test_an_update_that_exempts_an_object_from_a_rule_may_break_the_rule_at_once(team: Team) -> None:
    with team.changed(_recreate):
        ran = team.product.done("up")
    assert "still judges by the rules" not in ran.text, ran
    assert team.kube.get("deployment", "feastflow-backend")["spec"]["strategy"]["type"] == "Recreate"


@pytest.fixture
def kube(server: Server) -> Iterator[Kube]:
    """Yield a namespace with an object in it that the rules, which came later, refuse."""
    kube = Kube(kubectl=str(server.kubectl), kubeconfig=server.kubeconfig, namespace=_NAMESPACE)
    denying = admission.policies(
        [rule for rule in RULES if rule.id == _RULE], Configuration(), [], dt.datetime.now(tz=dt.UTC).date()
    )[Level.MANDATORY]
    document = json.dumps(matrix.denying(_NAMESPACE, denying))
    kube.run("create", "namespace", _NAMESPACE)
    kube.run("create", "--filename", "-", stdin=json.dumps(_OPEN))
    try:
        kube.run("apply", "--filename", "-", stdin=document)
        other = json.dumps({**_OPEN, "metadata": {"name": "other"}})
        until(
            lambda: kube.ask("create", "--dry-run=server", "--filename", "-", stdin=other).code != 0,
            what="the server to hold the policy",
            within=30,
        )
        yield kube
    finally:
        kube.run("delete", "--filename", "-", stdin=document)
        kube.run("delete", "namespace", _NAMESPACE, timeout=120)


def test_what_a_later_rule_refuses_can_be_deleted_in_the_foreground(kube: Kube) -> None:
    kube.run("delete", "service", "open", "--cascade=foreground", "--timeout=60s", timeout=90)
    assert kube.ask("get", "service", "open").code != 0


def test_what_a_later_rule_refuses_may_be_patched_with_nothing_and_then_put_right(kube: Kube) -> None:
    nothing = kube.ask("patch", "service", "open", "--type=json", "--patch=[]")
    assert nothing.code == 0, nothing
    still = json.dumps([{"op": "replace", "path": "/spec/ports/0/port", "value": 81}])
    assert _RULE in kube.ask("patch", "service", "open", "--type=json", f"--patch={still}").text
    labelled = json.dumps({"metadata": {"labels": {"team": "a"}}})
    assert _RULE in kube.ask("patch", "service", "open", f"--patch={labelled}").text
    right = json.dumps({"spec": {"type": "ClusterIP"}})
    kube.run("patch", "service", "open", f"--patch={right}")
