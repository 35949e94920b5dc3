"""Every rule, by every case of the matrix; and that no rule was forgotten anywhere."""

import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

from policies import reference, rules
from policies.expression import Unknown
from policies.judgement import Violation, judge, name
from policies.rules import RULES
from policies.table import ALL

from .about import ABOUT
from .across import CASES as ACROSS
from .cases import REGISTRIES, Case, Verdict, cases
from .manifests import BASES, Manifest

_CASES = cases()
_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "policies.md"


def broken(manifest: Manifest) -> set[str]:
    """Return the ids of the rules that an object breaks."""
    return {rule.id for rule in RULES if judge(rule, manifest, REGISTRIES)}


@pytest.mark.parametrize("kind", BASES)
def test_an_object_that_keeps_every_rule_breaks_none(kind: str) -> None:
    assert broken(BASES[kind]) == set()


@pytest.mark.parametrize(
    "case",
    [case for case in _CASES if case.verdict in (Verdict.ALLOWED, Verdict.IRRELEVANT)],
    ids=lambda case: case.id,
)
def test_a_rule_leaves_alone(case: Case) -> None:
    assert case.rule not in broken(case.manifest)


@pytest.mark.parametrize(
    "case", [case for case in _CASES if case.verdict is Verdict.DENIED], ids=lambda case: case.id
)
def test_a_rule_denies(case: Case) -> None:
    assert case.rule in broken(case.manifest)


@pytest.mark.parametrize(
    "case",
    [case for case in _CASES if case.verdict in (Verdict.WRONG_TYPE, Verdict.HUGE)],
    ids=lambda case: case.id,
)
def test_a_rule_denies_what_cannot_be_read(case: Case) -> None:
    assert case.rule in broken(case.manifest)


@pytest.mark.parametrize(
    "case", [case for case in _CASES if case.verdict is Verdict.NULL], ids=lambda case: case.id
)
def test_a_rule_takes_what_is_null_for_missing(case: Case) -> None:
    (missing,) = (other for other in _CASES if (other.rule, other.verdict) == (case.rule, Verdict.MISSING))
    assert broken(case.manifest) == broken(missing.manifest)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_cases_of_every_kind(rule: object) -> None:
    assert {case.verdict for case in _CASES if case.rule == rule.id} == set(Verdict)  # type: ignore[attr-defined]


def test_every_rule_that_is_written_is_in_the_table() -> None:
    modules = [
        import_module(f"policies.rules.{found.name}") for found in pkgutil.iter_modules(rules.__path__)
    ]
    written = [rule.id for module in modules for rule in module.RULES]
    assert sorted(written) == sorted(rule.id for rule in RULES)


def test_nothing_is_tested_that_is_no_rule() -> None:
    assert set(ABOUT) == {rule.id for rule in RULES}
    assert {case.rule for case in ACROSS} == {rule.id for rule in ALL} - set(ABOUT)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_every_rule_says_what_it_protects_and_what_to_do(rule: object) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)  # type: ignore[attr-defined]
    assert re.fullmatch(r"[A-Z].{20,}\.", rule.protects)  # type: ignore[attr-defined]
    assert re.fullmatch(r"[a-z].{10,}[^.]", rule.remedy)  # type: ignore[attr-defined]


def test_an_object_of_others_that_is_called_alike_is_none_of_the_rules_business() -> None:
    manifest = {**BASES["Secret"], "apiVersion": "vault.example.com/v1", "immutable": False}
    assert broken(manifest) == set()
    assert broken({**manifest, "apiVersion": "v1"}) == {"secret-immutable"}


def test_no_two_rules_have_one_id(count: dict[str, int]) -> None:
    ids = [rule.id for rule in ALL]
    count["rules"] = len(ids)
    count["  of them also at the API server"] = sum(not rule.pack_only for rule in ALL)
    count["cases of rules about one object"] = len(_CASES)
    count["cases of rules across a stack"] = len(ACROSS)
    assert len(ids) == len(set(ids))


def test_the_document_is_what_the_table_says() -> None:
    document = _DOCUMENT.read_text(encoding="utf-8")
    assert document.endswith(reference.document()), "python -m policies.reference writes the tables"


def test_a_message_names_the_workload_the_container_and_the_fix_and_no_value() -> None:
    manifest = next(case.manifest for case in _CASES if case.id.startswith("secret-literal-denied"))
    (found,) = (found for rule in RULES if rule.id == "secret-literal" for found in judge(rule, manifest))
    assert isinstance(found, Violation)
    message = found.message(manifest)
    assert name(manifest) in message
    assert "container web" in message
    assert "valueFrom.secretKeyRef" in message
    assert "hunter2" not in message


def test_what_is_unknown_is_not_judged_and_the_rest_is() -> None:
    manifest = next(case.manifest for case in _CASES if case.id.startswith("image-version-denied"))
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container["image"] = Unknown(path=("image",))
    del container["livenessProbe"]
    found = {rule.id: judge(rule, manifest) for rule in RULES}
    assert found["image-version"] == [Unknown(path=("image",))]
    assert isinstance(found["probe-liveness"][0], Violation)
    assert {id_ for id_, verdict in found.items() if verdict} == {
        "image-version",
        "image-digest",
        "probe-liveness",
    }


def test_what_is_known_decides_where_it_can() -> None:
    unknown = Unknown(path=("securityContext",))
    manifest = BASES["Deployment"]
    pod = {**manifest["spec"]["template"]["spec"], "hostNetwork": True, "hostPID": unknown}
    judged = {**manifest, "spec": {**manifest["spec"], "template": {"spec": pod}}}
    (found,) = (found for rule in RULES if rule.id == "host-namespaces" for found in judge(rule, judged))
    assert isinstance(found, Violation)
