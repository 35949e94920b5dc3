"""Continuity of a stack with data: changes that are refused before anything is touched, and the ways out.

Each update that brings the database up records what its data depends on in the stack's outputs. The next one
compares first: every object waits for the comparison, because the provider itself does. Not a goal: to judge
changes that lose nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from ..postgres import administrator
from ..settings.model.stack import Stack
from ..settings.problem import problem
from ..settings.values import quantities
from . import apiserver, ownership, trusted, upgrading
from .cluster.live import Seen

OUTPUT = "dataDependsOn"
# The engine's own function behind StackReference.
LAST_UPDATE = "pulumi:pulumi:readStackOutputs"

_ENGINE = "database.engine"
_SIZE = "database.storage"
_RESTORE = "database.restore"
_ROTATION = "rotation"
# An external server whose password is its user's own.
_KEPT = "database.external.password"
_DUMP = "dump the data (pg_dump), `pulumi destroy`, `pulumi up`, and load it (psql)"

# Key, why a change loses data, what to do instead.
_FIXED = (
    (
        "namespace",
        "every object would be recreated elsewhere, and the old namespace deleted with its data",
        f"make a second stack for the new namespace and move the data, or {_DUMP}",
    ),
    (
        _ENGINE,
        "the engines keep their data in different places, and the volumes of the old one would be deleted",
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
        "a volume cannot change its class, so it would be deleted with its data and recreated",
        _DUMP,
    ),
    (
        "database.uid",
        "PostgreSQL refuses to start on files of another user",
        f"set the old value again, or {_DUMP}",
    ),
    (
        ownership.CREATED,
        "the namespace would be deleted with its data, or owned by a stack that did not create it",
        f"set the old value again; or, for a stack in another namespace, {_DUMP}",
    ),
)


def facts(stack: Stack) -> dict[str, Any]:
    """Return what the stack's data depends on, by key."""
    database = stack.database
    # What is here alone: an external server outlives whatever is changed.
    files: dict[str, Any] = {
        **upgrading.facts(database),
        "database.storageClass": database.storage_class,
        "database.uid": database.uid,
        _SIZE: database.storage,
    }
    if database.external is not None:
        files = {_KEPT: True} if database.external.administrator is None else {}
    return {
        "namespace": stack.namespace,
        _ENGINE: database.engine,
        "database.name": database.name,
        "database.user": database.user,
        ownership.CREATED: stack.tenancy.create_namespace,
        **files,
        _ROTATION: stack.rotation,
        **({_RESTORE: f"{database.restore.source} at {database.restore.at}"} if database.restore else {}),
    }


def check(before: Mapping[str, Any] | None, now: Mapping[str, Any], *, lost: bool = False) -> None:
    """Refuse a change that would lose data, or lock clients out of it.

    `lost` says that no volume of the database is left on the cluster: then a restore can begin one.

    Raises:
        pulumi.RunError: with every such change, its reason and what to do instead.
    """
    if not before:
        return
    problems = [
        _problem(key, before[key], now[key], why, fix)
        for key, why, fix in _FIXED
        if key in before and key in now and before[key] != now[key]
    ]
    if before.get(_ENGINE) == now[_ENGINE]:
        problems += upgrading.problems(before, now, replicated=now[_ENGINE] == "replicated")
    if _SIZE in before and _SIZE in now and quantities.parse(before[_SIZE]) > quantities.parse(now[_SIZE]):
        why = "a volume can grow and never shrink, so it would be deleted with its data"
        fix = f"pulumi config set --path feastflow:{_SIZE} {before[_SIZE]}"
        problems.append(_problem(_SIZE, before[_SIZE], now[_SIZE], why, fix))
    if lost:
        problems += _begun_again(before, now)
    elif _RESTORE in now and before.get(_RESTORE) != now[_RESTORE]:
        why = "a database begins from a backup where it has no data, so nothing would be restored"
        fix = (
            "remove it; or restore into a second stack, and compare; or, if what is there may be lost, "
            "`pulumi destroy` and `pulumi up`"
        )
        problems.append(_problem(_RESTORE, before.get(_RESTORE, "none"), now[_RESTORE], why, fix))
    steps = now[_ROTATION] - before.get(_ROTATION, now[_ROTATION])
    if steps and _KEPT in now:
        why = "the password is the server's own user's, and nothing here may replace it there"
        fix = (
            "set database.external.administrator in place of password; or change the password there, keep it "
            f"in another Secret, and: pulumi config set feastflow:{_ROTATION} {before[_ROTATION]}"
        )
        problems.append(_problem(_ROTATION, before[_ROTATION], now[_ROTATION], why, fix))
    elif steps and steps % 2 == 0:
        why = "two logins take turns, and the one in use would get another password under its clients"
        fix = f"pulumi config set feastflow:{_ROTATION} {before[_ROTATION] + 1}"
        problems.append(_problem(_ROTATION, before[_ROTATION], now[_ROTATION], why, fix))
    if problems:
        head = "The stack holds data that this change would put out of reach; nothing was changed."
        raise pulumi.RunError("\n\n".join([head, *problems]))


def _begun_again(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a lost database would begin as it should not: empty, or as a restore long ago began it."""
    kept = before.get(upgrading.DESTINATION)
    if kept is None or before.get(_RESTORE) != now.get(_RESTORE):
        return
    found = f"{now.get(_RESTORE, 'none')}, and no volume of the database is left on the cluster"
    why = f"it would begin {'as then' if _RESTORE in now else 'empty'}, and its newest data is in {kept}"
    fix = (
        f'set {_RESTORE} to {{"from": "{kept}", "at": "latest"}} and {upgrading.DESTINATION} to a path that '
        "is not used yet (docs/backups.md); or, where it may begin so: pulumi destroy, then pulumi up"
    )
    yield problem(f"feastflow:{_RESTORE}", found, why, fix)


def last_update() -> pulumi.Output[dict[str, Any]]:
    """Return the facts that the last update of this stack recorded; empty before the first."""
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    # No StackReference: as a resource it keeps the outputs of one update ago, and every refresh reports that.
    last = pulumi.runtime.invoke_output(LAST_UPDATE, {"name": name})
    return last.apply(lambda found: _whole(found["outputs"].get(OUTPUT)))


def recorded(
    stack: Stack, seen: Seen | None, before: pulumi.Output[dict[str, Any]], after: Sequence[pulumi.Resource]
) -> pulumi.Output[dict[str, Any]]:
    """Return the facts for the next update, known when the resources that hold the data are there.

    An update that fails before leaves the record of the one before as it is; so does one that cannot ask the
    cluster who it is, as far as that goes.
    """
    now = facts(stack)

    def merge(values: Sequence[Any]) -> dict[str, Any]:
        last = values[0]
        number = administrator.turn(stack.rotation, last)
        return {
            **now,
            **_cluster(seen, last),
            **apiserver.recorded(seen, last),
            **trusted.recorded(stack, seen, last),
            administrator.OUTPUT: number,
        }

    return pulumi.Output.all(before, *(resource.urn for resource in after)).apply(merge)


def checked(
    stack: Stack,
    seen: Seen | None,
    before: pulumi.Output[dict[str, Any]],
    uuid: pulumi.Output[str],
) -> pulumi.Output[bool]:
    """Return True, known only when the change has been checked against the last update and the cluster."""
    now = facts(stack)
    lost = seen is not None and seen.survey is not None and seen.survey.offers.lost

    def compare(values: Sequence[Any]) -> bool:
        ownership.check(stack, seen, values[0], values[1])
        check(values[0], now, lost=lost)
        upgrading.tell(values[0], now)
        return True

    return pulumi.Output.all(before, _or_none(uuid)).apply(compare)


def _cluster(seen: Seen | None, before: Mapping[str, Any]) -> dict[str, Any]:
    if seen is None or seen.cluster is None:
        return {key: before[key] for key in (ownership.CLUSTER, ownership.CLUSTER_NAME) if key in before}
    return {ownership.CLUSTER: seen.cluster, ownership.CLUSTER_NAME: seen.name}


def _or_none(output: pulumi.Output[str]) -> pulumi.Output[str | None]:
    """Return the value, or None where only the update will know it."""

    async def known() -> str | None:
        return await output.future() if await output.is_known() else None

    return pulumi.Output.from_input(known())


def _whole(before: Mapping[str, Any] | None) -> dict[str, Any]:
    # The engine's numbers are floating, and none here has a fraction.
    return {key: int(value) if isinstance(value, float) else value for key, value in (before or {}).items()}


def _problem(key: str, before: object, now: object, why: str, fix: str) -> str:
    return problem(f"feastflow:{key}", found=f"{now} (was {before})", why=why, fix=fix)
