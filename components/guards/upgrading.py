"""Changes of PostgreSQL's major version: those that are refused, and what is told of the others.

Data is upgraded only by consent that names the image of before, because clients wait meanwhile. Not a goal:
to judge whether the data can be upgraded, which only a server of its own version can tell.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from ..settings.model.database import Database
from ..settings.problem import problem
from ..settings.values import majors

_VERSION = "database.version"
_IMAGE = "database.image"
_UPGRADE = "database.upgradeFrom"
_UNDO = "database.undoUpgrade"
DESTINATION = "database.backup.destination"
_READS = "PostgreSQL does not start on files of another major version"
_GUIDE = "docs/operations.md#a-newer-postgresql"


def facts(database: Database) -> dict[str, Any]:
    """Return by key what the next update must know of a server of the stack's own."""
    return {
        _VERSION: database.major,
        _IMAGE: database.image,
        **({_UPGRADE: majors.tagged(database.upgrade_from)} if database.upgrade_from else {}),
        **({_UNDO: True} if database.undo_upgrade else {}),
        **({DESTINATION: database.backup.destination} if database.backup else {}),
    }


def problems(before: Mapping[str, Any], now: Mapping[str, Any], *, replicated: bool) -> Iterator[str]:
    """Yield what is wrong with the change from the last update's facts to these."""
    was, becomes = before.get(_VERSION), now.get(_VERSION)
    if was is None or becomes is None or was == becomes:
        return
    kept = f"name an image of PostgreSQL {was}"
    image = before.get(_IMAGE, f"IMAGE (of PostgreSQL {was})")
    if becomes < was and not now.get(_UNDO):
        fix = f"{kept}; or, to undo an upgrade, without what was written since: {_set(_UNDO, 'true')}"
        if replicated:
            fix = f"{kept}; the way back from an upgrade is a restore: {_GUIDE}"
        yield _problem(_VERSION, was, becomes, _READS, fix)
    elif becomes > was and _UPGRADE not in now:
        fix = f"{kept}; or, to upgrade the data while clients wait ({_GUIDE}): {_set(_UPGRADE, image)}"
        yield _problem(_VERSION, was, becomes, _READS, fix)
    elif becomes > was and now[_UPGRADE] != was:
        found = f"an image of PostgreSQL {now[_UPGRADE]}, and the data is PostgreSQL {was}'s"
        why = "only a server of its own major version can read the data"
        yield problem(f"feastflow:{_UPGRADE}", found, why, _set(_UPGRADE, image))
    if DESTINATION in now and before.get(DESTINATION) == now[DESTINATION]:
        why = (
            "the server of another major version writes a log of its own among that of the one before, and "
            "no restore could tell the two apart"
        )
        fix = _set(DESTINATION, f"{str(now[DESTINATION]).rstrip('/')}-{becomes}")
        yield _problem(DESTINATION, before[DESTINATION], now[DESTINATION], why, fix)


def tell(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Warn of an upgrade that this update begins, and of a setting that has done its work."""
    was, becomes = before.get(_VERSION), now.get(_VERSION)
    if was is None or becomes is None:
        return
    if was < becomes:
        pulumi.log.warn(
            f"the data of PostgreSQL {was} becomes PostgreSQL {becomes}'s: clients wait until all of it is "
            f"carried over, and what is refused is said by the database's pod. The way back: {_GUIDE}"
        )
    elif was > becomes:
        pulumi.log.warn(
            f"the data of before the upgrade to PostgreSQL {was} is served again, without what was written "
            "since"
        )
    for key in (_UPGRADE, _UNDO):
        if was == becomes and key in now:
            pulumi.log.warn(
                f"feastflow:{key} has done its work: pulumi config rm --path feastflow:{key} ({_GUIDE})"
            )


def _problem(key: str, before: object, now: object, why: str, fix: str) -> str:
    return problem(f"feastflow:{key}", found=f"{now} (was {before})", why=why, fix=fix)


def _set(key: str, value: str) -> str:
    return f"pulumi config set --path feastflow:{key} {value}"
