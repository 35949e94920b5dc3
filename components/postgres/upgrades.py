"""Upgrades of a standalone server's data to another major version: containers before the server's own.

The old image's server dumps, the new image's loads, one after the other, so no image must hold both. Not
goals: an upgrade without clients that wait, and the replicated engine, whose operator upgrades.
"""

from collections.abc import Mapping, Sequence

from pulumi_kubernetes import core

from ..settings.model.database import Database
from ..settings.values import majors
from ..workloads import environment, workload
from . import roles


def variables(settings: Database) -> Mapping[str, str]:
    """Return what a start must know of upgrades: only that one is undone."""
    return {"UNDO_UPGRADE": "yes"} if settings.undo_upgrade else {}


def containers(
    settings: Database, env: Sequence[core.v1.EnvVarArgs], options: Sequence[str]
) -> list[workload.Container]:
    """Return the init containers that upgrade older data; `options` are the server's own."""
    before = settings.upgrade_from
    if before is None:
        return []
    told = environment.plain({"DUMP_MAJOR": str(majors.tagged(before))})
    return [
        workload.Container(
            name=f"upgrade-{verb}",
            image=before if verb == "dump" else settings.image,
            command=(*roles.UPGRADE_COMMAND, verb, *options),
            env=[*env, *(told if verb == "dump" else [])],
            resources=settings.resources,
        )
        for verb in ("offer", "dump", "load")
    ]
