"""Other projects' programs: the pack finds what a reader of the program would find.

The expected findings were written from reading program and rules, not copied from a run.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from .engine import Run, Workspace

OTHERS = Path(__file__).parent / "others"

Finding = tuple[str, str]


def _all(kind: str, resources: list[str], *rules: str) -> set[Finding]:
    return {(rule, f"{kind} {resource}") for rule in rules for resource in resources}


# What is not written without an instruction.
_UNHARDENED = ("capabilities", "read-only-root", "run-as-group", "seccomp")
_ROOT = ("privilege-escalation", "run-as-non-root", "run-as-user")
_ACCOUNT = ("service-account", "service-account-token", "service-links")
_RESOURCES = ("resource-limits", "resource-requests")

GUESTBOOK = {
    *_all(
        "Deployment",
        ["redis-leader", "redis-replica", "frontend"],
        *_UNHARDENED,
        *_ROOT,
        *_ACCOUNT,
        *_RESOURCES,
        *("probe-liveness", "probe-readiness"),
        "image-pull-policy",
        # Kubernetes' default strategy allows a quarter of the pods to be unavailable.
        "rollout-strategy",
        "spread",
        "workload-network-policy",
    ),
    # `redis`, without a tag.
    ("image-version", "Deployment redis-leader"),
    # The leader is a single pod: no budget helps it.
    *_all("Deployment", ["redis-replica", "frontend"], "workload-disruption-budget"),
    ("service-internal", "Service frontend"),
}

WORDPRESS = {
    *_all(
        "Deployment",
        ["mysql", "wordpress"],
        *_UNHARDENED,
        *_ACCOUNT,
        *_RESOURCES,
        "image-pull-policy",
        "rollout-strategy",
        "spread",
        # MySQL's ingress is governed, and nothing else.
        "workload-network-policy",
    ),
    *_all("Deployment", ["wordpress"], *_ROOT),
    ("image-version", "Deployment wordpress"),
    # Both keep data in claims, and have liveness ask from the beginning.
    *_all("Deployment", ["mysql", "wordpress"], "probe-startup"),
    # Both ask for the login page, and fail alike.
    ("probes-differ", "Deployment wordpress"),
    # WORDPRESS_AUTH_KEY signs cookies; MYSQL_RANDOM_ROOT_PASSWORD is a switch.
    ("secret-literal", "Deployment wordpress"),
    ("autoscaled-replicas", "Deployment wordpress"),
    ("autoscaler-minimum", "HorizontalPodAutoscaler wordpress"),
    ("service-internal", "Service wordpress"),
    ("ingress-tls", "Ingress blog"),
    ("secret-immutable", "Secret mysql-pass"),
    ("secret-environment", "Secret mysql-pass"),
    ("job-deadline", "CronJob backup"),
    ("namespace-pod-security", "Namespace blog"),
    ("namespace-guards", "Namespace blog"),
    *_all(
        "CronJob",
        ["backup"],
        *_UNHARDENED,
        *_ROOT,
        *_ACCOUNT,
        *_RESOURCES,
        "image-pull-policy",
        "workload-network-policy",
        # A folder of the node.
        "volume-types",
        "secret-whole",
        # Nothing makes s3-credentials.
        "reference",
    ),
}


@pytest.fixture(
    scope="module", params=[("guestbook", GUESTBOOK), ("wordpress", WORDPRESS)], ids=lambda it: it[0]
)
def judged(request: pytest.FixtureRequest, workspace: Callable[..., Workspace]) -> tuple[Run, set[Finding]]:
    program, expected = request.param
    return workspace(OTHERS / program).preview({}), expected


def test_the_findings_are_those_of_a_careful_reader(judged: tuple[Run, set[Finding]]) -> None:
    run, expected = judged
    found = {(it.policy, f"{it.type.rsplit(':', 1)[-1]} {it.resource}") for it in run.violations}
    assert found - expected == set(), "found, and not expected"
    assert expected - found == set(), "expected, and not found"


def test_the_mandatory_ones_end_the_preview(judged: tuple[Run, set[Finding]]) -> None:
    run, _ = judged
    assert run.code != 0
    levels = {it.policy: it.level for it in run.violations}
    assert levels["image-version"] == "mandatory"
    assert {policy for policy, level in levels.items() if level == "advisory"} <= {
        "autoscaler-minimum",
        "ingress-tls",
    }


def test_no_rule_meets_something_unknown(judged: tuple[Run, set[Finding]]) -> None:
    run, _ = judged
    assert [it for it in run.violations if it.could_not_run] == []
