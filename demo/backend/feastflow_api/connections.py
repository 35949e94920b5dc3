"""Connections to PostgreSQL: timeouts for every wait, and the errors that are outages."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout, TooManyRequests

if TYPE_CHECKING:
    from typing import Any

    from feastflow_api.settings import DatabaseSettings

CONNECT_SECONDS: Final = 2
STATEMENT_SECONDS: Final = 3
# The client's timeout is a little longer than the server's: it means that the server itself hangs.
ANSWER_SECONDS: Final = 4.0

# Answers from a healthy server that only ask to try the transaction again.
_CONTENTION: Final = (errors.SerializationFailure, errors.DeadlockDetected)
# A server that answers but refuses writes: a primary that was demoted under an open connection.
_DEMOTED: Final = (errors.ReadOnlySqlTransaction,)


def connection_arguments(database: DatabaseSettings, application: str) -> dict[str, Any]:
    """Return arguments for psycopg. Dead peers are noticed within about ten seconds by TCP alone."""
    return {
        "host": database.host,
        "port": database.port,
        "dbname": database.name,
        "user": database.user,
        "password": database.password,
        "application_name": application,
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "tcp_user_timeout": 8000,  # milliseconds
        "target_session_attrs": "read-write",
    }


def is_outage(error: BaseException) -> bool:
    """Return True if the database failed to answer; an error that it answered with is no outage."""
    if isinstance(error, _CONTENTION):
        return False
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, *_DEMOTED))


def is_transient(error: Exception) -> bool:
    """Return True if a retry of the whole transaction may succeed.

    Not after a full queue or a statement that took too long: a repetition adds to the load that caused it.
    """
    if isinstance(error, (PoolTimeout, TooManyRequests, errors.QueryCanceled)):
        return False
    return is_outage(error) or isinstance(error, _CONTENTION)


def is_lost(error: Exception) -> bool:
    """Return True if the connection is closed or useless, and probably every idle one as well."""
    if isinstance(error, (PoolTimeout, TooManyRequests, errors.QueryCanceled, *_CONTENTION)):
        return False
    return is_outage(error)


@contextmanager
def answer_within(connection: psycopg.AsyncConnection[Any], seconds: float) -> Iterator[None]:
    """Cut the connection's socket after `seconds`, so that a server that hangs looks like one that left.

    Cancelling the task instead would first ask the hung server to cancel the query, and wait for that too.
    """
    loop = asyncio.get_running_loop()
    timer = loop.call_later(seconds, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: psycopg.AsyncConnection[Any]) -> None:
    if connection.closed:
        return
    with socket.socket(fileno=socket.dup(connection.fileno())) as duplicate:
        try:
            duplicate.shutdown(socket.SHUT_RDWR)
        except OSError:  # the peer was faster
            return
