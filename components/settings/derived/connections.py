"""Connections to PostgreSQL: how many its clients open, how many it accepts, and the memory that they take.

Each pod of the backend has its pool and one connection that only readiness uses. At its peak a tier has the
new pods, one more, and all the old ones that still drain; a rotation's second login is that of the new ones.
To these come the Jobs. Standbys have WAL senders, which PostgreSQL counts apart.
"""

from ..model.base import refuse
from ..model.database import Database
from ..model.tiers import Backend
from ..values import quantities
from . import variants

READINESS = 1
# superuser_reserved_connections, for `psql` on the server while every other one is taken:
# https://www.postgresql.org/docs/15/runtime-config-connection.html
_SUPERUSER = 3
# CloudNativePG's instance manager, a superuser too, first takes connections that are not reserved.
_OPERATOR = 5
# `grant` of a rotation, and `retire` of the one before.
_ROLE_JOBS = 2
# A changed max_connections restarts the server, so a few pods more should not change it.
_STEP = 20
_MEBIBYTE = 2**20
# Measured with PostgreSQL 15 on 2026-11-29, 100 connections that had read the menu and placed orders: 1.9 MiB
# of its own for each, 0.2 MiB of page tables, and 26 MiB for the postmaster and its helpers.
_EACH_MIB = 2.25
_SERVER_MIB = 32
_MEMORY_STEP_MIB = 64
# Of barman-cloud while it sends a file of the log: 94 MiB, measured on 2026-11-30 with 3.19.1 (Python 3.11).
SENDER_MIB = 112
# `open` and the copies of two Jobs.
_COPIES = 4


def peak(backend: Backend, database: Database, *, weights: bool) -> int:
    """Return the connections that clients open at the most, with those that the server keeps for itself."""
    return _needed(backend, database, variants.peak_pods(variants.plan(backend, weights=weights)))


def accepted(backend: Backend, database: Database, *, weights: bool) -> int:
    """Return `max_connections`: as set, or room for the peak and for that of two versions at full scale.

    Two versions count under every strategy: a release that begins one must not restart the database.
    """
    if database.max_connections is not None:
        return database.max_connections
    if database.external is not None:
        # No setting of ours changes it there: what the clients open now is what is asked of it.
        return peak(backend, database, weights=weights)
    both = _needed(backend, database, 2 * variants.most_at_once(backend.autoscaling.max_replicas))
    return _up(max(both, peak(backend, database, weights=weights)), _STEP)


def shared_buffers(memory: int) -> int:
    """Return a quarter of the memory in MiB: https://www.postgresql.org/docs/15/runtime-config-resource.html."""
    return max(32, memory // 4)


def memory(database: Database) -> int:
    """Return the server's memory limit in MiB."""
    return int(quantities.parse(database.resources.limits.memory)) // _MEBIBYTE


def storage(database: Database) -> int:
    """Return the size of an instance's volume in MiB."""
    return int(quantities.parse(database.storage)) // _MEBIBYTE


def check(backend: Backend, database: Database, *, weights: bool) -> None:
    """Refuse what would leave a pod without a connection, or the server without memory for all of them.

    Raises:
        PydanticCustomError: with the number that fits.
    """
    wanted = peak(backend, database, weights=weights)
    pods = variants.peak_pods(variants.plan(backend, weights=weights))
    each = backend.pool_size + READINESS
    opened = f"at their peak {pods} pods of the backend with {each} connections each, and Jobs, need {wanted}"
    if database.max_connections is not None and database.max_connections < wanted:
        raise refuse(
            f"{opened}; the server would refuse the last ones, and their pods would not be ready. "
            f"Without this setting it follows the tiers; {_smaller(backend, database, pods)}",
            str(wanted),
            at="database.maxConnections",
        )
    if database.external is not None:
        return
    limit = memory(database)
    server = _SERVER_MIB + (SENDER_MIB if database.backup else 0)
    if not _holds(limit, server, wanted):
        steps = range(_MEMORY_STEP_MIB, 2**31, _MEMORY_STEP_MIB)
        least = next(mib for mib in steps if _holds(mib, server, wanted))
        raise refuse(
            f"{opened}; with these the server would be killed for memory, and every tier with it. "
            "Lower backend.poolSize or backend.autoscaling.maxReplicas, or give it the memory",
            f"{least}Mi",
            at="database.resources.limits.memory",
        )


def _needed(backend: Backend, database: Database, pods: int) -> int:
    # The migration and the scheduled jobs are the backend's image, and may open its pool.
    clients = (pods + 1 + len(backend.jobs)) * (backend.pool_size + READINESS) + _ROLE_JOBS
    clients += _COPIES if database.copied_by_jobs else 0
    return clients + _SUPERUSER + (_OPERATOR if database.engine == "replicated" else 0)


def _smaller(backend: Backend, database: Database, pods: int) -> str:
    """Return the largest pool that fits the connections that are set."""
    accepts = database.max_connections or 0
    fits = (
        size
        for size in range(backend.pool_size, 0, -1)
        if _needed(backend.model_copy(update={"pool_size": size}), database, pods) <= accepts
    )
    size = next(fits, None)
    return f"backend.poolSize {size} would fit" if size else "lower backend.autoscaling.maxReplicas to fit"


def _holds(mebibytes: int, server: int, connections: int) -> bool:
    return shared_buffers(mebibytes) + server + connections * _EACH_MIB <= mebibytes


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
