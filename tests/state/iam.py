"""An evaluator of IAM policies, for the elements that this project's policies have; others are errors.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_IF_EXISTS = "IfExists"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One permission that a request needs. `context` has the condition keys that are there."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def allows(document: Mapping[str, Any], asked: Asked) -> bool:
    """Return whether a statement allows it and none denies it."""
    effects = {each["Effect"] for each in document["Statement"] if _applies(each, asked)}
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: Mapping[str, Any], asked: Asked) -> bool:
    unknown = statement.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}
    assert not unknown, f"the evaluator does not know {unknown}"
    return (
        any(like(each.lower(), asked.action.lower()) for each in _listed(statement["Action"]))
        and any(like(each, asked.resource) for each in _listed(statement["Resource"]))
        and all(
            _holds(operator, name, _listed(wanted), asked.context)
            for operator, names in statement.get("Condition", {}).items()
            for name, wanted in names.items()
        )
    )


def _holds(operator: str, name: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    """Return whether one key's condition holds: any of its values, each key and operator for itself."""
    found = {key.lower(): value for key, value in context.items()}.get(name.lower())
    if operator == "Null":
        return (found is None) == (wanted == ["true"])
    if found is None:
        # Not a negated operator: none is known here.
        return operator.endswith(_IF_EXISTS)
    match operator.removesuffix(_IF_EXISTS):
        case "StringEquals":
            return any(like(_fixed(each), found) for each in wanted)
        case "StringLike":
            return any(like(each, found) for each in wanted)
        case _:
            raise AssertionError(f"the evaluator does not know {operator}")


def like(pattern: str, text: str) -> bool:
    """Return whether a pattern matches: `*`, `?`, and `${*}`, `${?}`, `${$}` for the signs themselves."""
    parts = re.findall(r"\$\{([*?$])\}|([*?])|(.)", pattern, re.DOTALL)
    signs = {"*": ".*", "?": "."}
    expression = "".join(
        signs[wild] if wild else re.escape(literal or other) for literal, wild, other in parts
    )
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _fixed(text: str) -> str:
    """Return the pattern for a text in which `*` and `?` mean themselves."""
    return re.sub(r"(?<!\$\{)[*?]", lambda found: f"${{{found[0]}}}", text)


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [str(value)]
