"""Exemptions end in the cluster on their day, though nothing is deployed that day."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from policies import admission
from policies.configuration import Configuration, Exemption
from policies.rule import Level
from policies.rules import RULES

from ..harness.kube import Kube
from ..harness.running import Ran
from ..harness.waiting import until
from ..policies.manifests import changed
from . import server
from .dev import matrix

_NAMESPACE = "exempt"
_RULE = "read-only-root"
_WEAK = {"container/securityContext/readOnlyRootFilesystem": False}


@dataclass(frozen=True, kw_only=True)
class Exempting:
    """A namespace whose policy was written weeks ago, when every exemption of it was in force."""

    kube: Kube

    def until(self, last: dt.date, *names: str) -> None:
        """Exempt Deployments of these names until this day, and wait until the server holds it."""
        entries = tuple(
            Exemption(rule=_RULE, resource=f"Deployment/{name}", reason="of a test", expires=last)
            for name in names
        )
        rules = [rule for rule in RULES if rule.id == _RULE]
        written = last - dt.timedelta(days=30)
        specification = admission.policies(rules, Configuration(exemptions=entries), [], written)
        document = json.dumps(matrix.denying(_NAMESPACE, specification[Level.MANDATORY]))
        self.kube.run("apply", "--filename", "-", stdin=document)
        probe = json.dumps(admission.probe(specification[Level.MANDATORY], _NAMESPACE))
        asks = ("create", "--dry-run=server", "--filename", "-")
        until(
            lambda: (
                self.kube.ask(*asks, stdin=probe).code == 0 and self.create("unexempted", dry=True).code != 0
            ),
            what="the server to hold the policy",
            within=30,
        )

    def create(self, name: str, *, dry: bool = False) -> Ran:
        """Create a Deployment that breaks the rule."""
        manifest = {**changed("Deployment", _WEAK), "metadata": {"name": name}}
        flags = ("--dry-run=server",) if dry else ()
        return self.kube.ask("create", *flags, "--filename", "-", stdin=json.dumps(manifest))

    def patch(self, name: str, change: object) -> Ran:
        """Change it."""
        return self.kube.ask("patch", "deployment", name, "--type=merge", "--patch", json.dumps(change))


@pytest.fixture(scope="module")
def exempting() -> Iterator[Exempting]:
    """Yield a server of this module's own, without controllers."""
    with server.alone() as made:
        kube = Kube(kubectl=str(made.kubectl), kubeconfig=made.kubeconfig, namespace=_NAMESPACE)
        kube.run("create", "namespace", _NAMESPACE)
        yield Exempting(kube=kube)


@pytest.fixture(scope="module")
def today() -> dt.date:
    """Return the day of the server's clock."""
    return dt.datetime.now(tz=dt.UTC).date()


def test_an_exemption_holds_on_its_last_day_and_not_after_it(exempting: Exempting, today: dt.date) -> None:
    exempting.until(today, "last-day")
    assert exempting.create("last-day", dry=True).code == 0
    exempting.until(today - dt.timedelta(days=1), "over")
    ran = exempting.create("over", dry=True)
    assert f"denied request: {_RULE}: Deployment over" in ran.err, ran


def test_what_was_exempt_cannot_be_changed_after_its_day_but_labelled(
    exempting: Exempting, today: dt.date
) -> None:
    exempting.until(today + dt.timedelta(days=1), "legacy")
    assert exempting.create("legacy").code == 0
    weaker = {"spec": {"minReadySeconds": 5}}
    assert exempting.patch("legacy", weaker).code == 0
    exempting.until(today - dt.timedelta(days=1), "legacy")
    ran = exempting.patch("legacy", {"spec": {"minReadySeconds": 7}})
    assert f"denied request: {_RULE}: Deployment legacy" in ran.err, ran
    assert exempting.patch("legacy", {"metadata": {"labels": {"seen": "yes"}}}).code == 0


def test_no_time_that_a_user_writes_prolongs_an_exemption(exempting: Exempting, today: dt.date) -> None:
    exempting.until(today + dt.timedelta(days=1), "backdated")
    assert exempting.create("backdated").code == 0
    exempting.until(today - dt.timedelta(days=1), "backdated")
    forged: list[list[dict[str, object]]] = [[], [{}]]
    for times in forged:
        change = {"metadata": {"managedFields": times}, "spec": {"minReadySeconds": 7}}
        ran = exempting.patch("backdated", change)
        assert "denied request" in ran.err, ran
