"""The site's certificate: who writes it, and that customers go without only where a waiver says so."""

import datetime as dt
from typing import Any

import pulumi
import pytest

from components.http.certificate import _SOLVER
from components.settings import deviations, reader
from components.settings.model.edge import Tls
from policies.configuration import Configuration, Exemption
from policies.operators import OPERATORS
from policies.rule import Level

from ..render.crds import problems
from .recorder import encode, stack_file
from .test_edge import edge
from .test_settings import MINIMAL, parse, refusal

HOST = {"host": "shop.example.com"}
ISSUED = {"enabled": True, "issuer": {"name": "letsencrypt"}}
TODAY = dt.date(2030, 1, 1)


def certificate(tls: dict[str, Any]) -> dict[str, Any]:
    return edge(tls=tls).one("Certificate", "feastflow").inputs


def test_an_issuer_has_cert_manager_write_the_certificate_of_the_host_into_the_secret_of_the_routes() -> None:
    recording = edge(tls=ISSUED)
    made = recording.one("Certificate", "feastflow").inputs
    assert made["apiVersion"] == "cert-manager.io/v1"
    assert made["spec"] == {
        "secretName": "feastflow-tls",
        "dnsNames": ["shop.example.com"],
        "issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer", "group": "cert-manager.io"},
        "privateKey": {"rotationPolicy": "Always"},
    }
    routed = recording.one("Ingress", "feastflow").inputs["spec"]["tls"]
    assert routed == [{"hosts": ["shop.example.com"], "secretName": "feastflow-tls"}]


def test_an_issuer_with_a_secrets_name_writes_into_that_one() -> None:
    recording = edge(mode="gateway", tls={**ISSUED, "secretName": "shop-tls"})
    assert recording.one("Certificate", "feastflow").inputs["spec"]["secretName"] == "shop-tls"
    (listener,) = recording.one("Gateway", "feastflow").inputs["spec"]["listeners"]
    assert listener["tls"]["certificateRefs"] == [{"kind": "Secret", "name": "shop-tls"}]


@pytest.mark.parametrize(
    "issuer",
    [
        {"name": "letsencrypt"},
        {"name": "own.example", "kind": "Issuer"},
        {"name": "aws", "kind": "ClusterIssuer", "group": "awspca.cert-manager.io"},
    ],
)
def test_the_certificate_keeps_cert_managers_own_definition(issuer: dict[str, str]) -> None:
    assert problems(certificate({**ISSUED, "issuer": issuer})) == []


def test_no_certificate_is_asked_for_where_no_issuer_is_named() -> None:
    recording = edge(tls={"enabled": True, "secretName": "shop-tls"})
    assert recording.all("Certificate") == []
    assert [each for each in recording.all("NetworkPolicy") if "acme" in each.object_name] == []


def test_an_authoritys_question_reaches_the_pods_that_answer_it_and_no_others() -> None:
    policy = edge(tls=ISSUED).one("NetworkPolicy", "edge-to-acme-solver").inputs["spec"]
    operator = OPERATORS["cert-manager.io/Certificate"]
    assert policy["podSelector"] == {"matchLabels": _SOLVER}
    assert operator.labels({}) == _SOLVER
    assert policy["ingress"] == [
        {
            "from": [
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
            ],
            "ports": [{"port": port, "protocol": "TCP"} for _, port in operator.ports],
        }
    ]


@pytest.mark.parametrize(
    ("tls", "key"),
    [
        ({"issuer": {"name": "letsencrypt"}}, "edge.tls.issuer"),
        ({"secretName": "shop-tls"}, "edge.tls.secretName"),
        ({"enabled": True, "issuer": {"name": "Let's Encrypt"}}, "edge.tls.issuer.name"),
        ({"enabled": True, "issuer": {"name": "a", "kind": "Authority"}}, "edge.tls.issuer.kind"),
        ({"enabled": True, "issuer": {}}, "edge.tls.issuer.name"),
    ],
)
def test_a_certificate_that_nothing_would_use_or_write_is_refused(tls: dict[str, Any], key: str) -> None:
    assert f"feastflow:{key}\n" in refusal(edge={**HOST, "tls": tls})


def judged(mode: str, tls: dict[str, Any], environment: str = "prod", **rules: Any) -> list[str]:
    # Parsed as dev without it: what is refused has to be looked at.
    stack = parse(edge={**HOST, "mode": mode})
    edge = stack.edge.model_copy(update={"tls": Tls.model_validate(tls)})
    stack = stack.model_copy(update={"edge": edge, "environment": environment})
    found = deviations.problems(stack, Configuration(**rules), TODAY)
    return [problem for problem in found if "feastflow:database.backup" not in problem]


WITHOUT = [
    ("ingress", {}, "ingress-tls", "Ingress/feastflow"),
    ("gateway", {}, "gateway-tls", "Gateway/feastflow"),
    ("ingress", {"enabled": True}, "ingress-certificate", "Ingress/feastflow"),
]


@pytest.mark.parametrize("environment", ["prod", "production", "live"])
@pytest.mark.parametrize(("mode", "tls", "rule", "resource"), WITHOUT)
def test_what_customers_use_has_a_certificate_or_a_waiver_by_name_reason_and_day(
    mode: str, tls: dict[str, Any], rule: str, resource: str, environment: str
) -> None:
    (problem,) = judged(mode, tls, environment)
    assert f'"rule": "{rule}", "resource": "{resource}"' in problem
    assert '"expires": "2030-04-01"' in problem

    def waiver(**change: Any) -> Exemption:
        fields = {"rule": rule, "resource": resource, "reason": "x", "expires": TODAY, **change}
        return Exemption(**fields)

    assert judged(mode, tls, environment, exemptions=(waiver(),)) == []
    for other in (
        {"rule": "ingress-host"},
        {"resource": resource + "-2"},
        {"expires": TODAY - dt.timedelta(days=1)},
    ):
        assert judged(mode, tls, environment, exemptions=(waiver(**other),)) == [problem]


@pytest.mark.parametrize(("mode", "tls", "rule", "resource"), WITHOUT)
def test_a_level_is_no_waiver(mode: str, tls: dict[str, Any], rule: str, resource: str) -> None:
    (problem,) = judged(mode, tls, levels={rule: Level.DISABLED})
    assert resource in problem


@pytest.mark.parametrize("mode", ["ingress", "gateway"])
@pytest.mark.parametrize(
    "tls", [ISSUED, {"enabled": True, "secretName": "shop-tls"}, {**ISSUED, "secretName": "shop-tls"}]
)
def test_a_certificate_of_its_own_needs_no_waiver(mode: str, tls: dict[str, Any]) -> None:
    assert judged(mode, tls) == []


def test_without_customers_a_site_may_do_without_https() -> None:
    assert [judged(mode, tls, "staging") for mode, tls, _, _ in WITHOUT[:2]] == [[], []]
    assert judged("gateway", {"enabled": True}, "staging") == []


def test_an_ingress_with_https_has_a_certificate_in_every_environment_or_a_level_that_says_otherwise() -> (
    None
):
    (problem,) = judged("ingress", {"enabled": True}, "staging")
    assert '"rule": "ingress-certificate", "resource": "Ingress/feastflow"' in problem
    assert (
        judged("ingress", {"enabled": True}, "staging", levels={"ingress-certificate": Level.DISABLED}) == []
    )


def test_prods_own_file_is_refused_without_its_waiver() -> None:
    raw = {key: encode(value) for key, value in stack_file("prod").items()}
    reader.parse(raw)
    del raw["policies:exemptions"]
    with pytest.raises(pulumi.RunError, match=r"edge\.tls\n  found: https with the controller's own"):
        reader.parse(raw)


@pytest.mark.parametrize(
    ("account", "why"),
    [
        ("cert-manager", "no service account"),
        ("cert-manager/", "no service account"),
        ("a/b/c", "no service account"),
        ("Cert/manager", "no service account"),
        ("cert-manager/default", "names no account"),
        ("shop/operator", "another program runs there"),
    ],
)
def test_an_account_that_others_could_have_is_not_trusted(account: str, why: str) -> None:
    assert why in refusal(tenancy={"trustedAccounts": [account]})


def test_the_accounts_that_are_named_are_not_judged_and_no_others() -> None:
    from components.guards import admission  # noqa: PLC0415 - its private part alone is asked

    given = {**MINIMAL, "feastflow:tenancy": {"trustedAccounts": ["cert-manager/cert-manager"]}}
    stack = reader.parse({key: encode(value) for key, value in given.items()})[0]
    assert admission._trusted(stack, "") == ["system:serviceaccount:cert-manager:cert-manager"]
    assert admission._trusted(parse(), "cnpg-system/cnpg-manager") == []
