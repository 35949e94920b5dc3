"""Lifecycle rules of a bucket: those that would delete or archive a state, and ours, compared by content.

Pure: rules as S3 returns them (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tools.state import policy

Rule = dict[str, Any]

# Objects in these classes cannot be read before they have been restored, which takes hours.
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")


def harms(rules: Sequence[Rule], below: str) -> list[str]:
    """Return what rules other than ours would do to states, one line each.

    `below` is the prefix of every key that Pulumi writes.
    """
    ours = {rule["ID"] for rule in policy.lifecycle()}
    return [
        f"the rule {rule.get('ID') or 'without a name'} {harm}"
        for rule in rules
        if rule.get("ID") not in ours and _applies(rule, below)
        for harm in _harms(rule)
    ]


def missing(rules: Sequence[Rule]) -> list[Rule]:
    """Return those of our rules that no enabled rule of the bucket has the content of."""
    there = [_content(rule) for rule in rules]
    return [rule for rule in policy.lifecycle() if _content(rule) not in there]


def _harms(rule: Rule) -> Iterator[str]:
    expiration = rule.get("Expiration") or {}
    if "Days" in expiration:
        yield f"deletes current objects after {expiration['Days']} days"
    if "Date" in expiration:
        yield f"deletes current objects on {expiration['Date']}"
    for transition in rule.get("Transitions") or ():
        if transition.get("StorageClass") in _ARCHIVES:
            yield f"archives current objects in {transition['StorageClass']}, where they cannot be read"
    older = rule.get("NoncurrentVersionExpiration") or {}
    days, kept = older.get("NoncurrentDays"), older.get("NewerNoncurrentVersions", 0)
    if days is not None and days < policy.KEPT_DAYS and kept < policy.KEPT_VERSIONS:
        yield f"deletes older versions after {days} days"


def _applies(rule: Rule, below: str) -> bool:
    """Return whether an enabled rule reaches any object below the prefix; Pulumi's have no tags."""
    selected = _filter(rule)
    prefix = selected.get("Prefix", "")
    return (
        rule.get("Status") == "Enabled"
        and (prefix.startswith(below) or below.startswith(prefix))
        and not selected.get("Tags")
        # Only an empty object is smaller than one byte, and Pulumi writes none.
        and selected.get("ObjectSizeLessThan", 2) > 1
    )


def _filter(rule: Rule) -> Rule:
    """Return the rule's filter in one shape, whether it names one condition, several, or the old prefix."""
    named = rule.get("Filter") or {}
    found = {**named, **(named.get("And") or {})}
    if tag := found.pop("Tag", None):
        found["Tags"] = [tag]
    found.pop("And", None)
    if prefix := rule.get("Prefix"):
        found["Prefix"] = prefix
    return {name: value for name, value in found.items() if value not in ("", [], None)}


def _content(rule: Rule) -> Rule:
    """Return what a rule does, without its name and in one shape."""
    rest = {name: value for name, value in rule.items() if name not in ("ID", "Filter", "Prefix")}
    return {**rest, "Filter": _filter(rule)}
