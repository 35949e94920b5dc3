"""What a stack with data must not change: refused before anything is touched, with what to do instead.

Each update that brings the database up records what its data depends on in the stack's outputs. The next one
compares first: every object waits for the comparison, because the provider itself does. Not a goal: to judge
changes that lose nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from . import quantities
from .model.stack import Stack

OUTPUT = "dataDependsOn"
# The engine's own function behind StackReference.
LAST_UPDATE = "pulumi:pulumi:readStackOutputs"

_SIZE = "database.storage"
_ROTATION = "rotation"
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
        "database.version",
        "PostgreSQL does not start on files of another major version",
        "name an image of the version that it was; or, to change the version, " + _DUMP,
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
        "database.version": database.major,
        "database.name": database.name,
        "database.user": database.user,
        "database.storageClass": database.storage_class,
        "database.uid": database.uid,
        _SIZE: database.storage,
        _ROTATION: stack.rotation,
    }


def check(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> None:
    """Refuse a change that would lose data, or lock clients out of it.

    Raises:
        pulumi.RunError: with every such change, its reason and what to do instead.
    """
    if not before:
        return
    problems = [
        _problem(key, before[key], now[key], why, fix)
        for key, why, fix in _FIXED
        if key in before and before[key] != now[key]
    ]
    if _SIZE in before and quantities.parse(before[_SIZE]) > quantities.parse(now[_SIZE]):
        why = "a volume can grow and never shrink, so it would be deleted with its data"
        fix = f"pulumi config set --path feastflow:{_SIZE} {before[_SIZE]}"
        problems.append(_problem(_SIZE, before[_SIZE], now[_SIZE], why, fix))
    steps = now[_ROTATION] - before.get(_ROTATION, now[_ROTATION])
    if steps and steps % 2 == 0:
        why = "two logins take turns, and the one in use would get another password under its clients"
        fix = f"pulumi config set feastflow:{_ROTATION} {before[_ROTATION] + 1}"
        problems.append(_problem(_ROTATION, before[_ROTATION], now[_ROTATION], why, fix))
    if problems:
        head = "The stack holds data that this change would put out of reach; nothing was changed."
        raise pulumi.RunError("\n\n".join([head, *problems]))


def recorded(stack: Stack, after: Sequence[pulumi.Resource]) -> pulumi.Output[dict[str, Any]]:
    """The facts for the next update, known when the resources that hold the data are there.

    An update that fails before leaves the record of the one before as it is.
    """
    now = facts(stack)
    return pulumi.Output.all(*(resource.urn for resource in after)).apply(lambda _: now)


def checked(stack: Stack) -> pulumi.Output[bool]:
    """Known only when the change has been checked against the last update of this stack."""
    now = facts(stack)
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    # No StackReference: as a resource it keeps the outputs of one update ago, and every refresh reports that.
    last = pulumi.runtime.invoke_output(LAST_UPDATE, {"name": name})

    def compare(found: Mapping[str, Any]) -> bool:
        check(_whole(found["outputs"].get(OUTPUT)), now)
        return True

    return last.apply(compare)


def _whole(before: Mapping[str, Any] | None) -> dict[str, Any]:
    # The engine's numbers are floating, and none here has a fraction.
    return {key: int(value) if isinstance(value, float) else value for key, value in (before or {}).items()}


def _problem(key: str, before: object, now: object, why: str, fix: str) -> str:
    return f"feastflow:{key}\n  found: {now} (was {before})\n  why:   {why}\n  next:  {fix}"
