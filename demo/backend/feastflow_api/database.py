"""The pool, behind a circuit breaker and bounded retries, and the check that readiness asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from feastflow_api.breaker import CircuitBreaker, State
from feastflow_api.connections import (
    ANSWER_SECONDS,
    STATEMENT_SECONDS,
    answer_within,
    connection_arguments,
    is_lost,
    is_outage,
    is_transient,
)
from feastflow_api.retry import Backoff, retry
from feastflow_api.settings import DatabaseSettings
from feastflow_api.telemetry import Tracing, cursor

Connection = psycopg.AsyncConnection[Any]
T = TypeVar("T")

log = logging.getLogger(__name__)

# A server that is starved for some seconds, while pods start on its node, is slow and not unavailable.
ACQUIRE_SECONDS: Final = 2.5
PROBE_SECONDS: Final = 1.0
# Readiness is asked by kubelets, by the edge and by every page in trouble: they share two checks a second.
PROBE_FRESH_SECONDS: Final = 0.5
MAX_WAITING: Final = 200
# An older check does not count.
PROBE_STALE_SECONDS: Final = 3.0
NOT_CHECKED: Final = "not checked yet"


class Database:
    """Runs units of work. A unit gets an autocommit connection, may be repeated, and must not keep it."""

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        pool_max: int,
        breaker: CircuitBreaker,
        backoff: Backoff | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        """Prepare the pool; nothing connects before `open`."""
        arguments = connection_arguments(settings, "feastflow-api")
        arguments["autocommit"] = True
        if tracing is not None:
            arguments["cursor_factory"] = cursor(tracing)
        self._arguments = arguments
        self.breaker = breaker
        self._backoff = backoff or Backoff()
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            kwargs=arguments,
            min_size=1,
            max_size=pool_max,
            max_waiting=MAX_WAITING,
            timeout=ACQUIRE_SECONDS,
            max_idle=120.0,
            # Give up on a lost connection quickly: the pool's own backoff doubles up to minutes, and a
            # database that is back would wait for it. Demand, paced by the breaker, connects again.
            reconnect_timeout=0.5,
            configure=self._configure,
            name="feastflow",
            open=False,
        )
        self._probe: Connection | None = None
        self._probing: asyncio.Task[str | None] | None = None
        self._probed_at = -PROBE_FRESH_SECONDS
        self._problem: str | None = NOT_CHECKED
        self._at_work = 0
        # One lost connection discards all connections that are as old, once.
        self._generation = 0
        self._generations: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()

    async def open(self) -> None:
        """Start filling the pool in the background: a database that is away does not stop the start."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
        if self._probe is not None:
            await self._probe.close()
        await self._pool.close(timeout=2.0)

    def stats(self) -> dict[str, int]:
        """Return the pool's figures, by psycopg's names."""
        return self._pool.get_stats()

    @property
    def reachable(self) -> bool:
        """Return True if the latest check reached the database."""
        return self._problem is None

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Return the result of the unit of work.

        Raises CircuitOpenError, TooManyRequests or an outage (see `is_outage`) when the database cannot be
        used now; any other error of the work passes through.
        """
        return await retry(lambda: self._attempt(work), is_transient=is_transient, backoff=self._backoff)

    async def _attempt(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        generation: int | None = None
        old_news = False

        def verdict(error: Exception) -> bool | None:
            return None if old_news or self._overloaded(error) else is_outage(error)

        with self.breaker.guard(verdict):
            try:
                async with self._pool.connection() as connection:
                    generation = self._generations.get(connection)
                    with self._counted(), answer_within(connection, ANSWER_SECONDS):
                        return await work(connection)
            except psycopg.Error as error:
                if is_lost(error) and generation is not None:
                    # One restart of the server kills every connection of a pool: one failure, not eight.
                    old_news = generation != self._generation
                    if not old_news:
                        await self._forget_idle(error)
                raise

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    def _overloaded(self, error: Exception) -> bool:
        """Return whether the error is a lack of free connections while the database answers.

        That is load: to refuse everything for a while would not make the database answer sooner.
        """
        if isinstance(error, TooManyRequests):
            return True
        if not isinstance(error, PoolTimeout):
            return False
        if monotonic() - self._probed_at < PROBE_STALE_SECONDS:
            return self._problem is None
        # Readiness is not asked: the first use of a connection finds out for all.
        return self._at_work > 0

    async def _forget_idle(self, error: Exception) -> None:
        """Replace idle connections when one was found dead, rather than fail one request for each."""
        self._generation += 1
        log.warning(
            "database connection lost: replacing idle connections", extra={"reason": reason_of(error)}
        )
        await self._pool.drain()

    async def _configure(self, connection: Connection) -> None:
        self._generations[connection] = self._generation
        limit = f"{STATEMENT_SECONDS}s"
        await connection.execute("SELECT set_config('statement_timeout', %s, false)", (limit,))
        await connection.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, false)", (limit,)
        )

    async def problem(self) -> str | None:
        """Return None when the database answered a moment ago or answers now; else why not, in one line.

        Returns within PROBE_SECONDS whatever the database does. Uses a connection of its own, so that a busy
        pool never takes a healthy process out of rotation.
        """
        if monotonic() - self._probed_at < PROBE_FRESH_SECONDS and self._probing is None:
            return self._problem
        if self._probing is None:
            self._probing = asyncio.create_task(self._check(), name="readiness")
        done, _ = await asyncio.wait({self._probing}, timeout=PROBE_SECONDS)
        if not done:
            return f"no answer from the database within {PROBE_SECONDS:g} s"
        return self._problem

    async def _check(self) -> str | None:
        try:
            await self._ask()
        except (psycopg.Error, OSError) as error:
            self._settle(reason_of(error))
        else:
            recovered = self._problem not in (None, NOT_CHECKED)
            self._settle(None)
            if recovered:
                # What was idle during an outage may be a connection to a dead server.
                self._generation += 1
                await self._pool.drain()
        finally:
            self._probing = None
        return self._problem

    async def _ask(self) -> None:
        try:
            if self._probe is None or self._probe.closed:
                self._probe = await psycopg.AsyncConnection.connect(**self._arguments)
            with answer_within(self._probe, PROBE_SECONDS):
                await self._probe.execute("SELECT 1")
        except BaseException:
            if self._probe is not None:
                await self._probe.close()
                self._probe = None
            raise

    def _settle(self, problem: str | None) -> None:
        if (problem is None) != (self._problem is None):
            if problem is None:
                log.info("database reachable")
            else:
                log.warning("database not reachable", extra={"reason": problem})
        self._problem = problem
        self._probed_at = monotonic()
        if problem is None:
            if self.breaker.state is not State.CLOSED:
                self.breaker.succeeded()
        else:
            self.breaker.failed()


def reason_of(error: Exception) -> str:
    """Return the first line of an error, or its class where it has no text."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
