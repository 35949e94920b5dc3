"""Clusters unlike the local one, and failing rollouts: `make up` names the reason within a minute."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ..harness import deployer
from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.refusals import assert_refused
from .teams import Config, Office, Team

_GIVEN_UP = "what the update waited for cannot come, so it was given up after"
_OPERATORS = "cnpg-system"
_HELM = "cnpg-cloudnative-pg"


@pytest.mark.parametrize(
    ("tier", "image", "words"),
    [
        ("BACKEND_IMAGE", "registry.example.com/api:missing-1", "Back-off pulling image"),
        pytest.param(
            "FRONTEND_IMAGE",
            "registry.example.com/page:missing-1",
            "Back-off pulling image",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "FRONTEND_IMAGE", "registry.example.com/page:crashes-1", "ended with 1", marks=pytest.mark.slow
        ),
    ],
)
def test_a_rollout_that_cannot_work_fails_within_a_minute_in_the_kubelets_words(
    office: Office, figures: Figures, tier: str, image: str, words: str
) -> None:
    tag = image.rpartition(":")[2]
    team = office.team(f"{tier.partition('_')[0].lower()}-{tag}")
    team.product.done("up")

    ran = team.product.with_variables(**{tier: image}).local("up")

    figures.seconds(f"make up with {image}, until it fails", ran.seconds, "60 s")
    assert_refused(ran, found=_GIVEN_UP, fix="run it again")
    assert words in ran.err
    assert words in ran.out, "it is told while it is waited for"
    back = team.product.done("up")
    assert not any("created" in line for line in back.changes), back
    team.product.done("destroy")


@pytest.fixture
def admin(office: Office, tmp_path: Path) -> Team:
    """Return a stack with the settings of dev, and a user who is the administrator of its namespace alone."""
    team = office.team("narrow")
    kube = team.kube
    subject = deployer.account(kube, kube.namespace, "deployer")
    account = subject.removeprefix("system:serviceaccount:")
    kube.run("create", "rolebinding", "deployers", "--clusterrole=admin", f"--serviceaccount={account}")
    path = deployer.kubeconfig(kube, subject, tmp_path)
    return replace(team, product=team.product.with_variables(KUBECONFIG=str(path)))


def test_an_administrator_of_one_namespace_gets_one_list_of_what_is_missing(admin: Team) -> None:
    ran = admin.product.local("up")

    assert_refused(ran, found="this account may neither create nor change", fix="run it again")
    for kind in ("namespaces ", "priorityclasses.", "validatingadmissionpolicies.", "resourcequotas"):
        assert ran.err.count(kind) == 1, ran
    assert "nothing was changed: the stack is as it was before" in ran.err
    assert "feastflow:tenancy.createNamespace false" in ran.err
    assert admin.kube.all("deployments,services,networkpolicies") == []


def test_what_a_cluster_lacks_is_one_list_with_the_settings_that_do_without_it(office: Office) -> None:
    team = office.team("lacking")

    def wish(config: Config) -> None:
        config["feastflow:database"]["storageClass"] = "gone"
        issued = {"enabled": True, "issuer": {"name": "letsencrypt"}}
        config["feastflow:edge"].update({"mode": "gateway", "className": "other", "tls": issued})

    team.change(wish)
    ran = team.product.local("up")

    assert_refused(ran, found="The cluster cannot take the stack as its settings are", fix="run it again")
    for lacking, way in (
        ("serves no cert-manager.io", "edge.tls.secretName"),
        ("gone, and ", "feastflow:database.storageClass"),
        ("other, and ", "feastflow:edge.className traefik"),
    ):
        assert ran.err.count(lacking) == 1, ran
        assert way in ran.err, ran
    assert team.kube.ask("get", "namespace", team.kube.namespace).code != 0


def _as(kube: Kube, account: str, name: str) -> str:
    """Return what the API server says of a Secret that the account would make as the operator does."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": {"password": "x"},
    }
    flags = ("--dry-run=server", "--filename", "-", f"--as=system:serviceaccount:{account.replace('/', ':')}")
    return kube.ask("create", *flags, stdin=json.dumps(secret)).text


def test_an_operator_of_the_helm_chart_is_found_and_may_make_what_the_database_needs(office: Office) -> None:
    team = office.team("helm", like="prod")
    team.change(lambda config: config["feastflow:tenancy"].update({"protect": False}))
    kube = team.kube
    if kube.ask("get", "namespace", _OPERATORS).code:
        kube.run("create", "namespace", _OPERATORS)
    for name in (_HELM, "another"):
        kube.run("--namespace", _OPERATORS, "create", "serviceaccount", name)
        account = f"--serviceaccount={_OPERATORS}:{name}"
        kube.run("create", "clusterrolebinding", f"of-{name}", "--clusterrole=cluster-admin", account)
    labels = {"app.kubernetes.io/name": "cloudnative-pg"}
    pod = {"serviceAccountName": _HELM, "containers": [{"name": "manager", "image": "cnpg:1.27.0"}]}
    operator = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": _HELM, "namespace": _OPERATORS, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    kube.run("--namespace", _OPERATORS, "apply", "--filename", "-", stdin=json.dumps(operator))

    team.product.done("up")

    assert "created" in _as(kube, f"{_OPERATORS}/{_HELM}", "postgres-app")
    assert "denied" in _as(kube, f"{_OPERATORS}/another", "postgres-app")
    assert team.product.done("up").changes == []
    team.product.done("destroy")
    kube.run("--namespace", _OPERATORS, "delete", "deployment", _HELM)
