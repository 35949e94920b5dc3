"""The reference of every rule, written from the table itself so that it cannot fall behind.

`python -m policies.reference` prints the tables that docs/policies.md ends with.
"""

from collections.abc import Iterator, Sequence

from .across import StackRule
from .rule import Rule
from .table import ALL

_HEAD = "| rule | severity | judges | what it protects | what to do |\n| --- | --- | --- | --- | --- |"


def document() -> str:
    """Return one table for each category, and the rules that the API server cannot judge."""
    categories = dict.fromkeys(rule.category for rule in ALL)
    tables = [
        _table(category, [rule for rule in ALL if rule.category == category]) for category in categories
    ]
    return "\n".join([f"{len(ALL)} rules.\n", *tables, _pack_only()])


def _table(category: str, rules: Sequence[Rule | StackRule]) -> str:
    return "\n".join([f"### {category}\n", _HEAD, *(_row(rule) for rule in rules), ""])


def _row(rule: Rule | StackRule) -> str:
    level = "" if rule.level == "mandatory" else f", {rule.level} unless a stack says otherwise"
    return f"| `{rule.id}` | {rule.severity}{level} | {_judges(rule)} | {rule.protects} | {rule.remedy} |"


def _judges(rule: Rule | StackRule) -> str:
    if isinstance(rule, StackRule):
        return "the stack"
    kinds = "pods and what makes them" if "Pod" in rule.kinds else ", ".join(rule.kinds)
    return kinds if rule.subject == "the object" else f"{rule.subject}: {kinds}"


def _pack_only() -> str:
    def lines() -> Iterator[str]:
        for rule in ALL:
            if rule.pack_only:
                yield f"| `{rule.id}` | {rule.pack_only} |"

    return "\n".join(
        [
            "### What only the pack can judge\n",
            "| rule | why not the API server |\n| --- | --- |",
            *lines(),
            "",
        ]
    )


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 - its purpose
