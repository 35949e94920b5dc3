"""The whole table of rules: about single objects, and across a stack."""

from .across import STACK_RULES, StackRule
from .rule import Rule
from .rules import RULES

ALL: tuple[Rule | StackRule, ...] = (*RULES, *STACK_RULES)


def known() -> list[str]:
    """Return the ids of all rules."""
    return [rule.id for rule in ALL]
