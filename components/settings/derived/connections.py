"""Connections to PostgreSQL: how many its clients open, how many it accepts, and the memory that they take.

Each pod of the backend has its pool and one connection that only readiness uses. At its peak a tier has the
new pods, one more, and all the old ones that still drain; a rotation's second login is that of the new ones.
To these come the Jobs. Where there is a pooler, its pods' connections stand for those of the backend's pods
and jobs, whose own go to the pooler. Standbys have WAL senders, which PostgreSQL counts apart.
"""

from dataclasses import dataclass

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
# Another number of clients starts the pooler's pods again.
_CLIENTS_STEP = 50
# Measured with PgBouncer 1.24 on 2026-11-30, 90 clients by TLS that had prepared a statement: 30 KiB for
# each, and 12 MiB without any.
_CLIENT_MIB = 0.04
_POOLER_MIB = 16


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
    both = _needed(backend, database, _both(backend))
    return _up(max(both, peak(backend, database, weights=weights)), _STEP)


def pooled(backend: Backend, *, weights: bool) -> int:
    """Return the connections that a pooler accepts: one of its pods may have all clients of two versions."""
    pods = max(_both(backend), variants.peak_pods(variants.plan(backend, weights=weights)))
    return _up((pods + len(backend.jobs)) * (backend.pool_size + READINESS), _CLIENTS_STEP)


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
    clients = _clients(backend, database, pods)
    opened = (
        f"at their peak {clients.pods} pods of the {clients.what} with {clients.each} connections each, "
        f"and Jobs, need {wanted}"
    )
    if database.max_connections is not None and database.max_connections < wanted:
        raise refuse(
            f"{opened}; the server would refuse the last ones, and their pods would not be ready. "
            f"Without this setting it follows the tiers; {_smaller(backend, database, pods)}",
            str(wanted),
            at="database.maxConnections",
        )
    _check_pooler(backend, database, weights=weights)
    if database.external is not None:
        return
    limit = memory(database)
    server = _SERVER_MIB + (SENDER_MIB if database.backup else 0)
    if not _holds(limit, server, wanted):
        steps = range(_MEMORY_STEP_MIB, 2**31, _MEMORY_STEP_MIB)
        least = next(mib for mib in steps if _holds(mib, server, wanted))
        raise refuse(
            f"{opened}; with these the server would be killed for memory, and every tier with it. "
            f"Lower {clients.size} or {clients.scale}, or give it the memory",
            f"{least}Mi",
            at="database.resources.limits.memory",
        )


def _check_pooler(backend: Backend, database: Database, *, weights: bool) -> None:
    if database.pooler is None:
        return
    clients = pooled(backend, weights=weights)
    limit = int(quantities.parse(database.pooler.resources.limits.memory)) // _MEBIBYTE
    needed = _POOLER_MIB + clients * _CLIENT_MIB
    if needed > limit:
        raise refuse(
            f"the pods of two versions of the backend open {clients} connections to the pooler, and one of "
            "its pods may have them all: it would be killed for memory, and all be lost at once. "
            "Lower backend.poolSize or backend.autoscaling.maxReplicas, or give it the memory",
            f"{_up(int(needed) + 1, _MEMORY_STEP_MIB)}Mi",
            at="database.pooler.resources.limits.memory",
        )


def _needed(backend: Backend, database: Database, pods: int) -> int:
    each = backend.pool_size + READINESS
    clients = _clients(backend, database, pods)
    # The migration and the scheduled jobs are the backend's image, and may open its pool. A migration needs
    # whole sessions, and goes past a pooler.
    images = each if database.pooler else (1 + len(backend.jobs)) * each
    jobs = images + _ROLE_JOBS + (_COPIES if database.copied_by_jobs else 0)
    operator = _OPERATOR if database.engine == "replicated" else 0
    return clients.pods * clients.each + jobs + _SUPERUSER + operator


def _both(backend: Backend) -> int:
    """Return the most pods while there are two versions."""
    return 2 * variants.most_at_once(backend.autoscaling.max_replicas)


@dataclass(frozen=True, kw_only=True)
class _Clients:
    """Pods that connect to the server, and the settings of their connections and of their number."""

    what: str
    pods: int
    each: int
    size: str
    scale: str


def _clients(backend: Backend, database: Database, pods: int) -> _Clients:
    """Return the server's clients: the pooler, or so many pods of the backend."""
    if database.pooler is None:
        return _Clients(
            what="backend",
            pods=pods,
            each=backend.pool_size + READINESS,
            size="backend.poolSize",
            scale="backend.autoscaling.maxReplicas",
        )
    return _Clients(
        what="pooler",
        pods=variants.most_at_once(database.pooler.replicas),
        each=database.pooler.pool_size,
        size="database.pooler.poolSize",
        scale="database.pooler.replicas",
    )


def _smaller(backend: Backend, database: Database, pods: int) -> str:
    """Return the largest pool that fits the connections that are set."""
    clients = _clients(backend, database, pods)
    # Of another size, each pod's pool and the migration's.
    jobs = 0 if database.pooler else 1 + len(backend.jobs)
    over = _needed(backend, database, pods) - (database.max_connections or 0)
    size = (database.pooler or backend).pool_size - -(-over // (clients.pods + jobs))
    return f"{clients.size} {size} would fit" if size > 0 else f"lower {clients.scale} to fit"


def _holds(mebibytes: int, server: int, connections: int) -> bool:
    return shared_buffers(mebibytes) + server + connections * _EACH_MIB <= mebibytes


def _up(number: int, step: int) -> int:
    return -(-number // step) * step
