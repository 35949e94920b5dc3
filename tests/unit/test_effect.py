"""Settings without an effect: refused, with the setting that has the intended one."""

from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.settings import reader
from components.settings.file import prefixes
from components.settings.file.encrypted import PROJECT
from tools.delivery.program import Program
from tools.render import program
from tools.toolchain.errors import UserError

from .recorder import encode
from .test_settings import MINIMAL, parse, refusal

EDGE = {"host": "shop.example.com"}
OFF = {"enabled": False}
JOB = {"mode": "initContainer", "command": ["migrate"]}


@pytest.mark.parametrize(
    ("sections", "key", "why"),
    [
        ({"edge": {**EDGE, "tls": {**OFF, "secretName": "x"}}}, "edge.tls.secretName", "without encryption"),
        (
            {"edge": {**EDGE, "tls": {**OFF, "issuer": {"name": "x"}}}},
            "edge.tls.issuer",
            "without encryption",
        ),
        ({"edge": {**EDGE, "tls": {"secretName": "x.y"}}}, "edge.tls.secretName", "without encryption"),
        ({"edge": {**EDGE, "listenerPort": 8000}}, "edge.listenerPort", "no listener"),
        ({"edge": {**EDGE, "listenerPort": 80, "className": "nginx"}}, "edge.listenerPort", "no listener"),
        ({"edge": {**EDGE, "attempts": 2, "className": "nginx"}}, "edge.attempts", "Traefik alone"),
        ({"edge": {**EDGE, "attempts": 3, "className": "haproxy"}}, "edge.attempts", "Traefik alone"),
        (
            {"edge": {**EDGE, "attempts": 3, "className": "istio", "mode": "gateway"}},
            "edge.attempts",
            "Traefik alone",
        ),
        (
            {"edge": {**EDGE, "controllerCidrs": ["10.0.0.0/16"], "controllerNamespace": "ingress-nginx"}},
            "edge.controllerNamespace",
            "stands in its place",
        ),
        (
            {"backend": {"autoscaling": {"requestsMetric": "rps"}}},
            "backend.autoscaling.requestsMetric",
            "requestsPerSecond alone",
        ),
        ({"backend": {"migrations": {**JOB, "retries": 1}}}, "backend.migrations.retries", "it is a Job's"),
        ({"backend": {"migrations": {**JOB, "attempt": 2}}}, "backend.migrations.attempt", "it is a Job's"),
        (
            {"backend": {"migrations": {**JOB, "timeoutSeconds": 60}}},
            "backend.migrations.timeoutSeconds",
            "it is a Job's",
        ),
        ({"database": {"operatorNamespace": "ops"}}, "database.operatorNamespace", "no operator"),
        (
            {"tenancy": {"admissionPolicies": False, "trustedAccounts": ["a/b"]}},
            "tenancy.trustedAccounts",
            "nothing to pass",
        ),
        (
            {"tenancy": {"createNamespace": False, "podSecurityVersion": "v1.33"}},
            "tenancy.podSecurityVersion",
            "its giver's to label",
        ),
    ],
)
def test_a_setting_that_nothing_would_read_is_refused(sections: dict[str, Any], key: str, why: str) -> None:
    told = refusal(**sections)
    assert f"\nfeastflow:{key}\n" in told
    assert why in told


@pytest.mark.parametrize(
    "sections",
    [
        {"edge": {**EDGE, "listenerPort": 8000, "mode": "gateway"}},
        {"edge": {**EDGE, "attempts": 3, "className": "traefik-internal"}},
        {"edge": {**EDGE, "attempts": 1, "className": "nginx"}},
        {"edge": {**EDGE, "controllerCidrs": ["10.0.0.0/16"]}},
        {"backend": {"migrations": {"mode": "none", "command": ["migrate"], "retries": 1}}},
        {"tenancy": {"createNamespace": False}},
    ],
)
def test_a_setting_that_has_an_effect_or_says_what_is_so_anyway_is_accepted(sections: dict[str, Any]) -> None:
    parse(**sections)


LOST = {
    "kubernetes:clusterIdentifier": "known here: kubernetes:context, kubernetes:kubeconfig",
    "kubernetes:namespace": "known here: kubernetes:context, kubernetes:kubeconfig",
    "kubernetes:kubeConfig": "did you mean `kubernetes:kubeconfig`?",
    "kubernetes:contxt": "did you mean `kubernetes:context`?",
    "feastflw:backend": "did you mean `feastflow:backend`?",
    "FeastFlow:edge": "did you mean `feastflow:edge`?",
    "feast-flow:database": "did you mean `feastflow:database`?",
    "shop:backend": "did you mean `feastflow:backend`?",
    "policy:levels": "did you mean `policies:levels`?",
    "kubernets:context": "did you mean `kubernetes:context`?",
}


@pytest.mark.parametrize("key", LOST)
def test_a_key_that_was_meant_for_us_is_refused_with_the_one_that_is_read(key: str) -> None:
    raw = {name: encode(value) for name, value in MINIMAL.items()}
    with pytest.raises(pulumi.RunError) as error:
        reader.parse({**raw, key: "x"})
    assert f"\n{key}\n" in str(error.value)
    assert LOST[key] in str(error.value)
    assert f"pulumi config rm {key}" in str(error.value)


@pytest.mark.parametrize("key", LOST)
def test_a_rendering_and_a_pull_request_say_so_too(key: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="would be ignored"):
        program.objects("dev", {**MINIMAL, key: "x"})
    (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {{'{key}': x}}\n")
    assert "would be ignored" in Program(folder=tmp_path).refused("dev")


@pytest.mark.parametrize(
    "key",
    [
        "aws:region",
        "pulumi:disable-default-providers",
        "kubernetes:context",
        "gcp:project",
        "random:x",
        "f5:host",
    ],
)
def test_what_is_another_programs_is_for_it_to_judge(key: str) -> None:
    assert not prefixes.problems([key, f"{PROJECT}:backend", "policies:levels"])
