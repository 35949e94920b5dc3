"""The HTTP application: routes, and which failure becomes which answer."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import psycopg
from psycopg import errors
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from feastflow_api import orders
from feastflow_api.answers import RefusedError, read_json_body, refusal, unavailable, unexpected
from feastflow_api.breaker import CircuitOpenError
from feastflow_api.connections import is_outage
from feastflow_api.database import Database, reason_of
from feastflow_api.drain import Drain
from feastflow_api.logs import request_id
from feastflow_api.metrics import Metrics
from feastflow_api.observed import Observed
from feastflow_api.receipts import InvalidReceiptError, Receipts
from feastflow_api.settings import Settings
from feastflow_api.telemetry import Tracing
from feastflow_api.validation import InvalidOrderError, parse_idempotency_key, parse_order

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 2.0
QUIET_ROUTES: Final = frozenset({"/api/health", "/api/ready", "/api/status", "/metrics"})


class Api:
    """The endpoints, each a coroutine from request to response."""

    def __init__(
        self, *, version: str, database: Database, metrics: Metrics, receipts: Receipts, drain: Drain
    ) -> None:
        """Take everything that an endpoint uses."""
        self._version = version
        self._database = database
        self._metrics = metrics
        self._receipts = receipts
        self._drain = drain

    async def health(self, _: Request) -> Response:
        """Answer liveness without the database, whose outage would otherwise restart this process."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """Answer readiness: 200 when the database answers and the process is not draining, else 503."""
        if self._drain.draining:
            return JSONResponse({"status": "draining"}, 503)
        if await self._database.problem() is not None:
            return JSONResponse({"status": "unavailable", "database": "down"}, 503)
        return JSONResponse({"status": "ok", "database": "up"})

    async def status(self, _: Request) -> Response:
        """Answer dashboards with readiness, version and time (UTC)."""
        up = await self._database.problem() is None
        body = {
            "status": "ok" if up else "unavailable",
            "database": "up" if up else "down",
            "version": self._version,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        return JSONResponse(body, 200 if up else 503)

    async def metrics(self, request: Request) -> Response:
        """Answer Prometheus."""
        text, kind = self._metrics.render(request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": kind})

    async def menu(self, _: Request) -> Response:
        """Return the dishes, in the order in which to show them."""
        items = await self._database.run(orders.menu)
        return JSONResponse({"currency": orders.CURRENCY, "items": [asdict(item) for item in items]})

    async def place_order(self, request: Request) -> Response:
        """Answer 201 with the order and its receipt; for a known Idempotency-Key, with the first order."""
        order = parse_order(await read_json_body(request))
        key = parse_idempotency_key(request.headers.get("idempotency-key")) or uuid4().hex
        # One id for all attempts here tells an order that one of them stored from a client's retry.
        order_id = uuid4()
        placed = await self._database.run(lambda link: orders.place(link, order, key=key, order_id=order_id))
        new = placed.id == order_id
        if new:
            self._metrics.orders.inc()
            self._metrics.order_value.inc(placed.total_cents)
            log.info("order stored", extra={"order": placed.number, "total_cents": placed.total_cents})
        headers = {
            "Location": f"/api/orders/{placed.number}",
            "Idempotency-Replayed": "false" if new else "true",
        }
        return JSONResponse(
            placed.as_json() | {"receipt": self._receipts.issue(placed.number)}, 201, headers=headers
        )

    async def read_order(self, request: Request) -> Response:
        """Return the order to a client with its receipt (`Authorization: Bearer …`)."""
        number = request.path_params["number"]
        if self._receipts.read(request.headers.get("authorization")) != number:
            raise RefusedError(403, "other_order", "this receipt belongs to another order")
        order = await self._database.run(lambda link: orders.find(link, number))
        if order is None:
            raise RefusedError(404, "no_such_order", "there is no order with this number")
        return JSONResponse(order.as_json())

    def routes(self) -> list[Route]:
        """Return every route of the application."""
        return [
            Route("/api/health", self.health),
            Route("/api/ready", self.ready),
            Route("/api/status", self.status),
            Route("/metrics", self.metrics),
            Route("/api/menu", self.menu),
            Route("/api/orders", self.place_order, methods=["POST"]),
            Route("/api/orders/{number}", self.read_order),
        ]


def create_app(
    settings: Settings, *, database: Database, metrics: Metrics, drain: Drain, tracing: Tracing
) -> ASGIApp:
    """Return the application; the database's pool opens when the server starts and closes when it stops."""
    api = Api(
        version=settings.version,
        database=database,
        metrics=metrics,
        receipts=Receipts(settings.jwt_secret, settings.jwt_expire_seconds),
        drain=drain,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await database.open()
        try:
            yield
        finally:
            await database.close()

    routes = api.routes()
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=_cross_origin(settings.frontend_origin),
        exception_handlers={
            HTTPException: _on_http,
            RefusedError: _on_refused,
            InvalidOrderError: _on_invalid,
            InvalidReceiptError: _on_receipt,
            orders.UnknownDishesError: _on_dishes,
            orders.PriceChangedError: _on_price,
            orders.KeyReusedError: _on_key,
            CircuitOpenError: _on_circuit,
            psycopg.Error: _on_database,
            Exception: _on_unexpected,
        },
    )
    return Observed(
        app,
        metrics=metrics,
        drain=drain,
        routes={route.endpoint: route.path for route in routes},
        quiet=QUIET_ROUTES,
        tracing=tracing,
    )


def _cross_origin(origin: str | None) -> list[Middleware]:
    """Return CORS for FRONTEND_URL, if it is set: page and API on one host need none."""
    if origin is None:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=[origin],
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Idempotency-Replayed", "Retry-After", "X-Request-Id"],
        )
    ]


def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette's handlers are typed for any exception
    headers = dict(error.headers or {})
    return refusal(error.status_code, "http", error.detail, headers=headers)


def _on_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101
    return refusal(error.status, error.code, error.message)


def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidOrderError)  # noqa: S101
    problems = [asdict(problem) for problem in error.problems]
    return refusal(422, "invalid_order", "this cannot be an order", problems=problems)


def _on_receipt(_: Request, __: Exception) -> Response:
    message = "send the receipt that came with the order, as Authorization: Bearer …; it may have expired"
    return refusal(401, "no_receipt", message, headers={"WWW-Authenticate": "Bearer"})


def _on_dishes(_: Request, error: Exception) -> Response:
    assert isinstance(error, orders.UnknownDishesError)  # noqa: S101
    return refusal(422, "not_on_menu", str(error), dishes=error.dishes)


def _on_price(_: Request, error: Exception) -> Response:
    assert isinstance(error, orders.PriceChangedError)  # noqa: S101
    return refusal(409, "price_changed", str(error), total_cents=error.total_cents)


def _on_key(_: Request, __: Exception) -> Response:
    message = "this Idempotency-Key belongs to an order with other contents; use a new key for a new order"
    return refusal(422, "key_reused", message)


def _on_circuit(_: Request, error: Exception) -> Response:
    assert isinstance(error, CircuitOpenError)  # noqa: S101
    return unavailable(error.retry_after)


def _on_unexpected(_: Request, __: Exception) -> Response:
    # Starlette raises the error again, for the outermost layer to log.
    return unexpected(request_id.get() or "")


def _on_database(_: Request, error: Exception) -> Response:
    if isinstance(error, (errors.UndefinedTable, errors.UndefinedColumn)):
        log.error("the schema is missing or old: run python -m feastflow_api.migrate")
        return unavailable(RETRY_AFTER_SECONDS)
    if is_outage(error):
        assert isinstance(error, psycopg.Error)  # noqa: S101
        log.warning("database unavailable", extra={"reason": reason_of(error)})
        return unavailable(RETRY_AFTER_SECONDS)
    raise error
