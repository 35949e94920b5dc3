"""The rules across a stack, by their cases."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.across import STACK_RULES, StackRule
from policies.judgement import Manifest
from policies.stack import read, selects

from .across import CASES, SHAPELESS, Stack, StackCase

_RULES = {rule.id: rule for rule in STACK_RULES}


def found(rule: StackRule, stack: Stack) -> list[Manifest]:
    """Return the objects that break the rule."""
    return [manifest for manifest, _ in rule.judge(read(list(stack.values())))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.says}")
def test_a_rule_across_a_stack_says_of(case: StackCase) -> None:
    stack = case.stack()
    guilty = found(_RULES[case.rule], stack)
    assert bool(guilty) is bool(case.denied)
    if case.denied:
        assert stack[case.denied] in guilty


@pytest.mark.parametrize("rule", STACK_RULES, ids=lambda rule: rule.id)
def test_every_rule_across_a_stack_has_cases_of_both_kinds_and_passes_by_what_is_not_its_business(
    rule: StackRule,
) -> None:
    assert {bool(case.denied) for case in CASES if case.rule == rule.id} == {True, False}
    assert found(rule, {}) == []


@pytest.mark.parametrize("rule", STACK_RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("shapeless", SHAPELESS, ids=lambda entry: entry[0])
def test_an_object_without_shape_stops_no_rule_across_a_stack(
    rule: StackRule, shapeless: tuple[str, object]
) -> None:
    (case, *_) = (case for case in CASES if case.rule == rule.id)
    stack = case.stack()
    shapeless[1](stack)  # type: ignore[operator]
    found(rule, stack)


def test_a_message_names_the_object_what_is_wrong_and_the_fix() -> None:
    case = next(case for case in CASES if case.says == "a Secret misspelt")
    rule = _RULES[case.rule]
    ((manifest, detail), *_) = rule.judge(read(list(case.stack().values())))
    assert rule.message(manifest, detail) == (
        "Deployment shop/web (Secret web-2 is not part of the stack): "
        "make it part of the stack, correct its name, or exempt it and say who makes it."
    )


_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.sampled_from(["app", "web", "In", "Exists", "key"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["key", "operator", "values", "app"]), inner, max_size=3),
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "expression",
    [
        {"operator": "In", "values": ["web"]},
        {"operator": "DoesNotExist"},
        {"operator": "NotIn", "values": []},
        {"key": None, "operator": "NotIn", "values": ["other"]},
        {"key": "app"},
        {"key": ["app"], "operator": "NotIn", "values": ["x"]},
        {},
    ],
    ids=str,
)
def test_an_expression_that_is_none_selects_nothing_and_is_told_once(expression: dict[str, Any]) -> None:
    case = next(case for case in CASES if case.denied == "NetworkPolicy")
    stack = case.stack()
    stack["NetworkPolicy"]["spec"]["podSelector"] = {"matchExpressions": [expression]}

    ((manifest, detail),) = _RULES[case.rule].judge(read(list(stack.values())))

    assert manifest is stack["NetworkPolicy"]
    assert detail == "its selector selects nothing"


@given(expressions=_VALUES, labels=_VALUES)
@settings(derandomize=True, database=None, deadline=None)
def test_whatever_a_selector_holds_is_judged_without_a_traceback(expressions: Any, labels: Any) -> None:
    selector = {"matchLabels": labels, "matchExpressions": expressions}
    assert selects(selector, {"app": "web"}) in (True, False)
