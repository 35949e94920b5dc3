"""The process: settings in, a listening socket, and an orderly end on SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import uvicorn

from feastflow_api import logs, telemetry
from feastflow_api.app import create_app
from feastflow_api.breaker import CircuitBreaker, State
from feastflow_api.database import Database
from feastflow_api.drain import Drain
from feastflow_api.metrics import Metrics
from feastflow_api.settings import Settings, SettingsError, load_settings
from feastflow_api.telemetry import Tracing

log = logging.getLogger(__name__)

BACKLOG: Final = 2048
POOL_SECONDS: Final = 2  # what closing the pool may take
UNUSABLE: Final = 2


class DrainingServer(uvicorn.Server):
    """Uvicorn, told when to stop by us: its own handlers would end the process by the signal, not with 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def build(settings: Settings, drain: Drain, tracing: Tracing) -> uvicorn.Config:
    """Return the server's configuration around a freshly wired application."""
    metrics = Metrics(settings.version)

    def changed(before: State, after: State) -> None:
        metrics.circuit.set(after.value)
        log.warning(
            "database circuit changed", extra={"before": before.name.lower(), "after": after.name.lower()}
        )

    database = Database(
        settings.database,
        pool_max=settings.pool_max,
        breaker=CircuitBreaker(on_change=changed),
        tracing=tracing,
    )
    metrics.watch(database)
    return uvicorn.Config(
        create_app(settings, database=database, metrics=metrics, drain=drain, tracing=tracing),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        # uvicorn hands both to asyncio timers, which take fractions; its annotations say int.
        timeout_keep_alive=settings.keep_alive_seconds,  # type: ignore[arg-type]
        timeout_graceful_shutdown=settings.drain_seconds - settings.drain_notice_seconds - POOL_SECONDS,
    )


async def serve(settings: Settings, listener: socket.socket, tracing: Tracing) -> None:
    """Serve until SIGTERM or SIGINT; then readiness says no for a moment, requests in flight end, return.

    Ends the process with 0 once DRAIN_SECONDS are over, whatever hangs. A second signal skips the wait.
    """
    drain = Drain()
    server = DrainingServer(build(settings, drain, tracing))
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    def begin() -> None:
        if drain.draining:
            server.should_exit = server.force_exit = True
            return
        drain.draining = True
        log.info("draining", extra={"limit_seconds": settings.drain_seconds})
        loop.call_later(settings.drain_notice_seconds, stop)
        loop.call_later(settings.drain_seconds - 0.2, _give_up)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin)
    log.info(
        "listening",
        extra={
            "address": settings.bind_address,
            "port": settings.port,
            "environment": settings.environment,
            "database": f"{settings.database.host}:{settings.database.port}/{settings.database.name}",
        },
    )
    await server.serve(sockets=[listener])
    await asyncio.to_thread(tracing.stop)
    log.info("stopped")


def _give_up() -> None:
    log.warning("still not drained: ending all the same")
    os._exit(0)


def main(environ: Mapping[str, str]) -> int:
    """Return the exit code: 0 after an orderly end, 2 when it could not start, with the reasons logged."""
    try:
        settings = load_settings(environ)
    except SettingsError as error:
        logs.refuse(error.problems, environ.get("APP_VERSION", ""))
        return UNUSABLE
    logs.configure(settings.log_level, settings.version)
    family = socket.AF_INET6 if ":" in settings.bind_address else socket.AF_INET
    try:
        listener = socket.create_server(
            (settings.bind_address, settings.port), family=family, backlog=BACKLOG
        )
    except OSError as error:
        where = f"{settings.bind_address} port {settings.port}"
        remedy = "stop what uses it, or set another PORT"
        logs.refuse([f"PORT: cannot listen on {where}: {error.strerror}; {remedy}"], settings.version)
        return UNUSABLE
    # asyncio sets this only on sockets it made itself. Without it, bodies wait 40 ms for an ACK of a head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    asyncio.run(serve(settings, listener, telemetry.start(environ)))
    return 0
