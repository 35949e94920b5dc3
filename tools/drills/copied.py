"""Backups of the drilled stack: whether there are any, in which store, and how far its log has been sent."""

from collections.abc import Mapping
from typing import Any

from tools.drills.stage import Stage
from tools.drills.waiting import until
from tools.stacks import workspace
from tools.store import keys, manifests
from tools.toolchain.errors import UserError

_STORE = f"deployment/{manifests.NAME}"
_GONE_SECONDS = 60
_BEGIN = "make store, set feastflow:database.backup as it says (docs/backups.md), and make up"
_READY = r"SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ '^[0-9A-F]{24}\.ready$'"
_FAILING = (
    "SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) "
    "FROM pg_stat_archiver"
)
# A file of the log that is not full is finished, and with it what an hour without orders would have made.
_SWITCH = f"SELECT pg_switch_wal();\n{_READY}"


def settings(stage: Stage) -> Mapping[str, Any]:
    """Return the settings of the database's backups, empty where there are none."""
    return workspace.section(stage.config(), "database").get("backup") or {}


def lacking(stage: Stage, why: str) -> UserError | None:
    """Return that the stack has no backups, and why the drill needs some; None where it has."""
    if settings(stage):
        return None
    return UserError(f"the stack {stage.name} has no backups", why, _BEGIN)


def lacking_here(stage: Stage, why: str) -> UserError | None:
    """Return also that they go to another store than the local cluster's, which is not a drill's to break."""
    if lacks := lacking(stage, why):
        return lacks
    endpoint = settings(stage).get("endpoint") or "a bucket of AWS"
    if endpoint != manifests.ENDPOINT:
        return UserError(
            f"the stack {stage.name} is backed up to {endpoint}, which is not the local cluster's store",
            why,
            _BEGIN,
        )
    if keys.known(stage.cluster.client) is None:
        return UserError("the local cluster has no store", why, _BEGIN)
    return None


def take_away(stage: Stage) -> None:
    """End the local cluster's store, and wait until it is gone."""
    _scale(stage, 0)
    until(lambda: not stage.all("pods", namespace=manifests.NAMESPACE), _GONE_SECONDS)


def bring_back(stage: Stage) -> None:
    """Start it; nothing is waited for."""
    _scale(stage, 1)


def switched(stage: Stage) -> int:
    """Have the server finish a file of its log; return how many wait to be sent."""
    return int(stage.sql(_SWITCH)[-1][0])


def sent(stage: Stage) -> bool:
    """Return whether no file of the log waits, and the last one could be sent."""
    return stage.sql(f"{_READY};\n{_FAILING}") == [["0"], ["f"]]


def _scale(stage: Stage, replicas: int) -> None:
    stage.kubectl("--namespace", manifests.NAMESPACE, "scale", _STORE, f"--replicas={replicas}")
