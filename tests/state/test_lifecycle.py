"""Lifecycle rules, judged by their effect on a state; the project's own are found by their content."""

import copy
from typing import Any

import pytest

from tools.state import lifecycle, policy
from tools.state.lifecycle import Rule

_BELOW = "team/.pulumi/"
_EXPIRES = {"Expiration": {"Days": 30}}


def _rule(**content: Any) -> Rule:
    return {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": ""}, **content}


@pytest.mark.parametrize(
    ("rule", "harm"),
    [
        (_rule(**_EXPIRES), "deletes current objects after 30 days"),
        (_rule(Expiration={"Date": "2030-01-01"}), "deletes current objects on 2030-01-01"),
        ({"Status": "Enabled", "Prefix": "", **_EXPIRES}, "the rule without a name deletes current objects"),
        (_rule(**_EXPIRES, Filter={}), "after 30 days"),
        (_rule(**_EXPIRES, Filter={"Prefix": "team/"}), "after 30 days"),
        (_rule(**_EXPIRES, Filter={"Prefix": "team/.pulumi/history/"}), "after 30 days"),
        (_rule(**_EXPIRES, Filter={"And": {"Prefix": "te", "ObjectSizeGreaterThan": 500}}), "after 30 days"),
        (_rule(**_EXPIRES, Filter={"ObjectSizeLessThan": 1000}), "after 30 days"),
        (_rule(Transitions=[{"Days": 1, "StorageClass": "GLACIER"}]), "archives current objects in GLACIER"),
        (_rule(Transitions=[{"Days": 1, "StorageClass": "DEEP_ARCHIVE"}]), "in DEEP_ARCHIVE"),
        (_rule(NoncurrentVersionExpiration={"NoncurrentDays": 1}), "deletes older versions after 1 days"),
        (
            _rule(NoncurrentVersionExpiration={"NoncurrentDays": 89, "NewerNoncurrentVersions": 9}),
            "deletes older versions after 89 days",
        ),
    ],
)
def test_a_rule_that_would_delete_or_archive_a_state_is_named_with_what_it_does(
    rule: Rule, harm: str
) -> None:
    (found,) = lifecycle.harms([rule], _BELOW)

    assert harm in found


@pytest.mark.parametrize(
    "rule",
    [
        _rule(**{**_EXPIRES, "Status": "Disabled"}),
        _rule(**_EXPIRES, Filter={"Prefix": "logs/"}),
        {"ID": "old", "Status": "Enabled", "Prefix": "team/.pulumi-backup/", **_EXPIRES},
        _rule(**_EXPIRES, Filter={"And": {"Prefix": "teams/", "ObjectSizeGreaterThan": 1}}),
        _rule(**_EXPIRES, Filter={"Tag": {"Key": "temporary", "Value": "yes"}}),
        _rule(**_EXPIRES, Filter={"And": {"Prefix": "", "Tags": [{"Key": "temporary", "Value": "yes"}]}}),
        _rule(**_EXPIRES, Filter={"ObjectSizeLessThan": 1}),
        _rule(Expiration={"ExpiredObjectDeleteMarker": True}),
        _rule(Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}]),
        _rule(Transitions=[{"Days": 0, "StorageClass": "GLACIER_IR"}]),
        _rule(NoncurrentVersionExpiration={"NoncurrentDays": 90}),
        _rule(NoncurrentVersionExpiration={"NoncurrentDays": 7, "NewerNoncurrentVersions": 10}),
        _rule(NoncurrentVersionTransitions=[{"NoncurrentDays": 1, "StorageClass": "GLACIER"}]),
        _rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}),
    ],
)
def test_a_rule_that_reaches_no_state_or_does_it_no_harm_is_left_alone(rule: Rule) -> None:
    assert lifecycle.harms([rule], _BELOW) == []


def test_our_own_rules_do_no_harm_and_none_of_them_is_missing() -> None:
    assert lifecycle.harms(policy.lifecycle(), _BELOW) == []
    assert lifecycle.missing(policy.lifecycle()) == []
    assert lifecycle.missing([]) == policy.lifecycle()


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "Disabled"},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 10}},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 90}},
        {"Filter": {"Prefix": "elsewhere/"}},
        {"Expiration": {"Days": 1}},
    ],
)
def test_a_rule_of_ours_that_was_changed_by_hand_is_missing_although_its_name_is_there(change: Rule) -> None:
    there = copy.deepcopy(policy.lifecycle())
    there[0].update(change)

    assert lifecycle.missing(there) == [policy.lifecycle()[0]]


def test_a_rule_of_our_content_is_ours_under_any_name_and_in_any_shape() -> None:
    there = copy.deepcopy(policy.lifecycle())
    for rule in there:
        rule["ID"] += "-of-terraform"
        del rule["Filter"]
        rule["Prefix"] = ""

    assert lifecycle.missing(there) == []
