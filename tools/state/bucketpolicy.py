"""A bucket's policy: our statement in it, and statements of others that would lock Pulumi out.

Pure: documents as S3 returns them, in which an element may be one value or a list of values
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html). Not a goal: to evaluate
every condition; a Deny under a condition that is not known here is left for the first write to find.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Statement = dict[str, Any]

_ENCRYPTION_HEADER = "s3:x-amz-server-side-encryption"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The account and the ARN that the credentials belong to."""

    account: str
    arn: str

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name under which a policy's Principal may mean the caller."""
        found = [self.account, f"arn:aws:iam::{self.account}:root", self.arn]
        # A session's ARN names its role without the role's path.
        if session := re.fullmatch(r"arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/.*", self.arn):
            found.append(f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}")
        return tuple(found)


def statements(document: Mapping[str, Any]) -> list[Statement]:
    """Return the document's statements; a single one may stand there without a list."""
    return [dict(each) for each in _listed(document.get("Statement"))]


def has(document: Mapping[str, Any], wanted: Statement) -> bool:
    """Return whether a statement of the same content is there, under whatever Sid."""
    return any(_content(each) == _content(wanted) for each in statements(document))


def lockouts(document: Mapping[str, Any], caller: Caller, bucket: str, below: str) -> list[str]:
    """Return the statements that would deny the caller what Pulumi does, one line each.

    `bucket` is the bucket's ARN, `below` the prefix of every key that Pulumi writes.
    """
    state = f"{bucket}/{below}stacks/project/stack.json"
    needed = {
        "s3:ListBucket": bucket,
        **dict.fromkeys(("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), state),
    }
    found = []
    for each in statements(document):
        if each.get("Effect") != "Deny" or not _means(each, caller):
            continue
        denied = [
            action
            for action, resource in needed.items()
            if _covers(each, "Action", action.lower()) and _covers(each, "Resource", resource)
        ]
        denied = [action for action in denied if _holds(each.get("Condition") or {}, action)]
        if denied:
            found.append(f"the statement {each.get('Sid') or 'without a Sid'} denies {', '.join(denied)}")
    return found


def _means(statement: Statement, caller: Caller) -> bool:
    """Return whether the statement is about the caller."""
    if "NotPrincipal" in statement:
        return not set(_principals(statement["NotPrincipal"])) & {*caller.names, "*"}
    return bool(set(_principals(statement.get("Principal"))) & {*caller.names, "*"})


def _principals(element: Any) -> Iterable[str]:  # noqa: ANN401 - a string or a mapping of kinds
    if isinstance(element, Mapping):
        return [str(each) for each in _listed(element.get("AWS"))]
    return [str(each) for each in _listed(element)]


def _covers(statement: Statement, element: str, value: str) -> bool:
    """Return whether the statement's Action or Resource, or all but its NotAction or NotResource, has it."""
    lower = element == "Action"

    def among(patterns: Any) -> bool:  # noqa: ANN401 - one pattern or a list
        return any(like(str(each).lower() if lower else str(each), value) for each in _listed(patterns))

    if f"Not{element}" in statement:
        return not among(statement[f"Not{element}"])
    return among(statement.get(element))


def _holds(condition: Mapping[str, Any], action: str) -> bool:
    """Return whether a Deny under this condition is known to hold for what Pulumi sends.

    Pulumi names no encryption when it writes: the bucket's default encrypts.
    """
    if not condition:
        return True
    keys = {key.lower() for each in condition.values() for key in each}
    if action != "s3:PutObject" or keys != {_ENCRYPTION_HEADER}:
        return False
    return all(_header_missing(operator, each) for operator, each in condition.items())


def _header_missing(operator: str, values: Mapping[str, Any]) -> bool:
    if operator == "Null":
        return all(str(value).lower() == "true" for each in values.values() for value in _listed(each))
    # A negated comparison holds where the key is missing.
    return operator in (
        "StringNotEquals",
        "StringNotLike",
        "StringNotEqualsIgnoreCase",
        "StringNotEqualsIfExists",
    )


def like(pattern: str, text: str) -> bool:
    """Return whether an IAM pattern, with `*` and `?`, matches the text."""
    expression = "".join(".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON of any shape
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _content(statement: Statement) -> Statement:
    """Return the statement without its name, its lists in one order."""
    return {
        name: sorted(map(str, _listed(value))) if name in ("Action", "Resource") else value
        for name, value in statement.items()
        if name != "Sid"
    }
