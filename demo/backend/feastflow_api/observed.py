"""The outermost layer around the application: request ids, one log line and one count for each request."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feastflow_api.answers import unexpected
from feastflow_api.drain import Drain
from feastflow_api.logs import request_id
from feastflow_api.metrics import Metrics, known_method
from feastflow_api.telemetry import Served, Tracing

log = logging.getLogger(__name__)

UNMATCHED: Final = "unmatched"
CLIENT_LEFT: Final = 499
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Observed:
    """Wraps an application. Probes and scrapes are logged at debug, everything else at info."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        drain: Drain,
        routes: Mapping[Any, str],
        quiet: frozenset[str],
        tracing: Tracing,
    ) -> None:
        """Take the endpoints' path templates as `routes`, and those logged at debug as `quiet`."""
        self._app = app
        self._metrics = metrics
        self._drain = drain
        self._routes = routes
        self._quiet = quiet
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other scopes (lifespan) pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        with self._tracing.request(scope, quiet=scope["path"] in self._quiet) as served:
            # What a customer is told leads to the trace as well as to the log.
            identity = sent if _REQUEST_ID.fullmatch(sent) else served.trace or uuid4().hex
            token = request_id.set(identity)
            try:
                with self._metrics.in_flight.track_inprogress():
                    await self._observe(scope, receive, send, identity, served)
            finally:
                request_id.reset(token)

    async def _observe(
        self, scope: Scope, receive: Receive, send: Send, identity: str, served: Served
    ) -> None:
        started = perf_counter()
        status: int | None = None

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = identity
                headers.setdefault("Cache-Control", "no-store")
                if self._drain.draining:
                    headers["Connection"] = "close"
            await send(message)

        try:
            await self._app(scope, receive, send_observed)
        except ClientDisconnect:
            status = CLIENT_LEFT
        except Exception:
            log.exception("unexpected error")
            if status is None:
                await unexpected(identity)(scope, receive, send_observed)
        finally:
            self._record(scope, CLIENT_LEFT if status is None else status, perf_counter() - started, served)

    def _record(self, scope: Scope, status: int, seconds: float, served: Served) -> None:
        route = self._routes.get(scope.get("endpoint"), UNMATCHED)
        method = known_method(scope["method"])
        self._metrics.observe(method, route, status, seconds, served.exemplar)
        served.end(method, route, status)
        level = logging.DEBUG if route in self._quiet else logging.INFO
        fields = {
            "method": scope["method"],
            "route": route,
            "path": scope["path"],
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
        }
        log.log(level, "request", extra=fields)
