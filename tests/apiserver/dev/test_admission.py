"""The rules at the API server: the same verdicts as at preview, for every client."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from policies.judgement import judge
from policies.kinds import GROUPS, kind_of
from policies.resources import KINDS
from policies.rule import Rule
from policies.rules import RULES
from policies.vocabulary import OBJECT, Subject, present, text

from ...harness.figures import Figures
from ...harness.kube import Kube, Object
from ...judges import kubeconform, manifests
from ...policies.cases import REGISTRIES, Case, Verdict, cases
from ...policies.manifests import BASES, DELETE, changed
from . import matrix

_NOT_HERE = {rule.id for rule in RULES if rule.pack_only}
_NAMESPACE = "Namespace"
# The controller's rules for each kind; without a group a rule is about every kind of that name.
_OF_A_KIND = re.compile(
    r"^(?P<group>[^\s/]*)/\S+, Kind=(?P<kind>\w+): (?P<said>.*?)(?=^\S*/\S+, Kind=|\Z)",
    re.DOTALL | re.MULTILINE,
)
# The groups whose types the API server knows; other projects' kinds, and a rule about one, have any fields.
_BUILT_IN = {
    *("", "apps", "autoscaling", "batch", "policy"),
    *("discovery.k8s.io", "networking.k8s.io", "rbac.authorization.k8s.io"),
}
# A cluster-scoped kind, such as ClusterRole, is judged by the pack alone.
_CASES = [case for case in cases() if case.rule not in _NOT_HERE and kind_of(case.manifest) in KINDS]
# Every object but a namespace can be recreated in one.
_MADE = [case for case in _CASES if case.manifest["kind"] != _NAMESPACE]


def _pack(case: Case) -> set[str]:
    return {rule.id for rule in RULES if judge(rule, case.manifest, REGISTRIES)} - _NOT_HERE


@pytest.fixture(scope="module")
def namespaces(kube: Kube) -> Iterator[tuple[Kube, Kube]]:
    """Yield one that denies, and one that warns."""
    with matrix.enforced(kube) as made:
        yield made


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_pack_and_api_server_agree_case_by_case(
    namespaces: tuple[Kube, Kube], figures: Figures, step: int
) -> None:
    denying, warning = namespaces
    made = _MADE[::step]
    let_in = matrix.let_in(denying, made)
    disagreed = [case.id for case in made if bool(_pack(case)) is (case.id in let_in)]
    warned = matrix.warned(warning, made)
    # No policy sees what the API server cannot read.
    disagreed += [case.id for case in made if case.id in warned and warned[case.id] != _pack(case)]
    figures.text("cases judged by the pack and by the API server", f"{len(made)}")
    figures.text("  verdicts that disagree", f"{len(disagreed)}", "0")
    assert disagreed == []
    assert {case.verdict for case in made if case.id in let_in} >= {Verdict.ALLOWED, Verdict.IRRELEVANT}
    assert {case.id for case in made if case.verdict is Verdict.WRONG_TYPE}.isdisjoint(let_in)


def test_no_rule_asks_for_a_field_that_none_of_its_kinds_has(kube: Kube) -> None:
    mistakes = []
    for kinds, rules in _by_kinds().items():
        for index, warning in matrix.types(kube, rules, kinds):
            # One rule is about many kinds, and a field of some is none of others: one of them must have it.
            unknown = {
                part["kind"]: set(re.findall(r"undefined field '(\w+)'", part["said"]))
                for part in _OF_A_KIND.finditer(warning)
                if GROUPS.get(part["kind"]) == part["group"]
            }
            if nowhere := set.intersection(*(unknown.get(kind, set()) for kind in kinds)):
                mistakes.append((rules[index].id, nowhere))
    assert mistakes == []


def test_a_field_that_no_kind_has_is_found_by_its_rule(kube: Kube) -> None:
    rule = next(rule for rule in RULES if rule.subject is Subject.OBJECT and rule.judges == ("Service",))
    mistaken = replace(rule, holds=present(text(OBJECT, "spec", "portz")))

    ((index, warning),) = matrix.types(kube, [mistaken], ("Service",))

    assert index == 0
    assert "undefined field 'portz'" in warning


def test_what_others_call_by_the_name_of_a_judged_kind_is_not_judged(namespaces: tuple[Kube, Kube]) -> None:
    denying, _ = namespaces
    others: Object = {
        "apiVersion": "cluster.x-k8s.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "machines"},
        "spec": {"instances": 1},
    }
    document = json.dumps(matrix.listed(others))
    matrix.know(denying, others, "clusters")

    assert denying.ask("create", "--dry-run=server", "--filename", "-", stdin=document).code == 0


def _by_kinds() -> dict[tuple[str, ...], list[Rule]]:
    """Return the rules by the kinds whose types they are checked against; a pod is the same in each kind."""
    found: dict[tuple[str, ...], list[Rule]] = {}
    for rule in RULES:
        kinds = rule.judges if rule.subject is Subject.OBJECT else ("Deployment",)
        if not rule.pack_only and all(GROUPS.get(kind) in _BUILT_IN and kind in KINDS for kind in kinds):
            found.setdefault(kinds, []).append(rule)
    return found


@pytest.mark.parametrize(
    "case", [case for case in _CASES if case.manifest["kind"] == _NAMESPACE], ids=lambda case: case.id
)
def test_pack_and_api_server_agree_about_a_namespace(namespaces: tuple[Kube, Kube], case: Case) -> None:
    denying, _ = namespaces
    namespace: Object = deepcopy(case.manifest)
    namespace["metadata"]["name"] = denying.namespace
    flags = ("--dry-run=server", "--validate=ignore", "--filename", "-")
    ran = denying.ask("replace", *flags, stdin=json.dumps(namespace))
    assert (ran.code == 0) is not bool(_pack(case)), ran


def _applied(kube: Kube, manifest: Object) -> str:
    """Return kubectl's error on a dry-run apply of an object; empty if it succeeds."""
    ran = kube.ask("apply", "--dry-run=server", "--filename", "-", stdin=json.dumps(manifest))
    return ran.err if ran.code else ""


def test_what_keeps_the_rules_is_let_into_the_stacks_namespace(kube: Kube) -> None:
    assert _applied(kube, changed("Deployment", {"metadata/labels": {"app": "web"}})) == ""


@pytest.mark.parametrize(
    ("kind", "change", "rule"),
    [
        ("Deployment", {"container/livenessProbe": DELETE}, "probe-liveness"),
        ("Job", {"container/resources/limits": DELETE}, "resource-limits"),
        ("Deployment", {"container/securityContext/readOnlyRootFilesystem": False}, "read-only-root"),
        ("Deployment", {"container/image": "web:latest"}, "image-version"),
        ("ConfigMap", {"data": {"password": "hunter2"}}, "secret-in-config-map"),
        ("PodDisruptionBudget", {"spec/maxUnavailable": 0}, "disruption-budget-bounds"),
        ("Service", {"spec/type": "NodePort"}, "service-internal"),
        ("Role", {"rules/0/verbs": ["*"]}, "role-wildcard"),
    ],
)
def test_kubectl_apply_cannot_pass_what_pulumi_up_would_refuse(
    kube: Kube, kind: str, change: Object, rule: str
) -> None:
    said = _applied(kube, changed(kind, change))
    assert f"denied request: {rule}: {kind} web" in said


def test_a_running_workload_cannot_be_weakened(kube: Kube) -> None:
    weaker = {"spec": {"template": {"spec": {"automountServiceAccountToken": True}}}}
    ran = kube.ask(
        "patch", "deployment", "feastflow-backend", "--dry-run=server", "--patch", json.dumps(weaker)
    )
    assert "service-account-token: Deployment feastflow-backend" in ran.err, ran
    ran = kube.ask("set", "image", "deployment/feastflow-backend", "backend=web:latest", "--dry-run=server")
    assert "image-version: Deployment feastflow-backend, container backend" in ran.err, ran


def test_a_debug_container_cannot_have_what_its_pod_may_not(kube: Kube) -> None:
    (pod, *_) = kube.ready("backend")
    flags = ("--image=web:latest", "--profile=restricted", "--container=debugger", "--attach=false")
    ran = kube.ask("debug", pod, *flags)
    assert ran.code != 0
    assert "denied request" in ran.err, ran
    assert "container debugger" in ran.err, ran


def test_the_namespace_keeps_its_pod_security(kube: Kube) -> None:
    ran = kube.ask("label", "namespace", kube.namespace, "pod-security.kubernetes.io/enforce-")
    assert "namespace-pod-security" in ran.err, ran


def test_what_is_there_can_still_be_labelled_and_deleted(kube: Kube) -> None:
    (pod, *_) = kube.ready("backend")
    kube.run("label", "pod", pod, "seen=true", "--dry-run=server")
    kube.run("delete", "pod", pod, "--dry-run=server")


def test_another_namespace_is_none_of_the_stacks_business(kube: Kube) -> None:
    manifest = {**BASES["Secret"], "metadata": {"name": "mutable"}, "immutable": False}
    flags = ("--namespace", "default", "--dry-run=server", "--filename", "-")
    assert kube.ask("create", *flags, stdin=json.dumps(manifest)).code == 0


@pytest.mark.parametrize("stack", manifests.STACKS)
def test_the_cluster_knows_every_field_of_every_object(
    stack: str, kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    # The recorder runs the program, which would look for a cluster.
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    openapi = json.loads(kube.run("get", "--raw", "/openapi/v2"))
    rendered = manifests.of_stack(stack)
    found = kubeconform.findings(rendered, openapi, tmp_path)
    figures.text(f"kubeconform, findings in {len(rendered)} objects of {stack}", f"{len(found)}", "0")
    assert found == []
