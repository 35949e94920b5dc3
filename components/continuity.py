"""What a stack with data must not change: refused before anything is touched, with what to do instead.

Each update records what its data depends on in the stack's outputs. The next one compares first: every object
waits for the comparison, because the provider itself does. Not a goal: to judge changes that lose nothing.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from . import quantities
from .model.stack import Stack

OUTPUT = "dataDependsOn"

_DUMP = "dump the data (pg_dump), `pulumi destroy`, `pulumi up`, and load it (psql)"

# Key, why a change loses data, what to do instead.
_FIXED = (
    (
        "namespace",
        "every object would be made anew elsewhere, and the old namespace deleted with its data",
        f"make a second stack for the new namespace and move the data, or {_DUMP}",
    ),
    (
        "database.engine",
        "the engines keep their data in different volumes, and the old one would be deleted",
        _DUMP,
    ),
    (
        "database.name",
        "the application would find an empty database of the new name, and the old one would be left behind",
        "rename it in PostgreSQL (ALTER DATABASE … RENAME TO …) in a stack that has been dumped, or " + _DUMP,
    ),
    (
        "database.user",
        "the new role would own nothing of what is there",
        "keep it: clients log in under names of their own; or " + _DUMP,
    ),
    (
        "database.storageClass",
        "a volume cannot change its class, so it would be deleted with its data and made anew",
        _DUMP,
    ),
    (
        "database.uid",
        "PostgreSQL refuses to start on files of another user",
        f"set the old value again, or {_DUMP}",
    ),
)


def facts(stack: Stack) -> dict[str, Any]:
    """What the stack's data depends on, by key."""
    database = stack.database
    return {
        "namespace": stack.namespace,
        "database.engine": database.engine,
        "database.name": database.name,
        "database.user": database.user,
        "database.storageClass": database.storage_class,
        "database.uid": database.uid,
        "database.storage": database.storage,
    }


def check(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> None:
    """Refuse a change that would lose data.

    Raises:
        pulumi.RunError: with every such change, its reason and what to do instead.
    """
    problems = [
        _problem(key, before[key], now[key], why, fix)
        for key, why, fix in _FIXED
        if before and key in before and before[key] != now[key]
    ]
    size = "database.storage"
    if before and size in before and quantities.parse(before[size]) > quantities.parse(now[size]):
        problems.append(
            _problem(
                size,
                before[size],
                now[size],
                "a volume can grow and never shrink, so it would be deleted with its data",
                f"pulumi config set --path feastflow:{size} {before[size]}",
            )
        )
    if problems:
        head = "The stack holds data that this change would lose; nothing was changed."
        raise pulumi.RunError("\n\n".join([head, *problems]))


def checked(stack: Stack) -> pulumi.Output[bool]:
    """Known only when the change has been checked against the last update of this stack."""
    now = facts(stack)
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    last = pulumi.StackReference("last-update", stack_name=name)

    def compare(before: Mapping[str, Any] | None) -> bool:
        check(before, now)
        return True

    return last.get_output(OUTPUT).apply(compare)


def _problem(key: str, before: object, now: object, why: str, fix: str) -> str:
    return f"feastflow:{key}\n  found: {now} (was {before})\n  why:   {why}\n  next:  {fix}"
