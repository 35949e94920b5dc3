"""Prometheus metrics, in one registry per application, so that tests can create several."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

if TYPE_CHECKING:
    from feastflow_api.database import Database

# Seconds. Fine below 100 ms, where this service lives; up to the longest wait a client can meet.
_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The application's series. `route` is always a template, never a path, so cardinality stays bounded."""

    def __init__(self, version: str) -> None:
        """Register every series; those of the database follow with `watch`."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self._requests = Counter("http_requests", "HTTP requests answered.", labels, registry=self.registry)
        self._latency = Histogram(
            "http_request_duration_seconds",
            "Time from the first byte read to the last byte written, in seconds.",
            labels,
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight", "HTTP requests being answered.", registry=self.registry
        )
        self.orders = Counter(
            "orders_placed", "New orders stored (replays not counted).", registry=self.registry
        )
        self.order_value = Counter(
            "orders_value_cents", "Value of new orders, in cents.", registry=self.registry
        )
        self.circuit = Gauge(
            "circuit_breaker_state",
            "Database circuit: 0 closed, 1 half-open, 2 open.",
            registry=self.registry,
        )
        info = Gauge(
            "feastflow_build_info",
            "Always 1; the label is the version.",
            ("version",),
            registry=self.registry,
        )
        info.labels(version).set(1)

    def watch(self, database: Database) -> None:
        """Read the database's figures whenever Prometheus scrapes."""
        up = Gauge("database_up", "Whether the latest check reached the database.", registry=self.registry)
        up.set_function(lambda: float(database.reachable))
        for name, key, text in (
            ("db_pool_connections", "pool_size", "Connections that the pool holds or is making."),
            ("db_pool_idle", "pool_available", "Connections waiting for work."),
            ("db_pool_waiting", "requests_waiting", "Requests waiting for a connection."),
            ("db_pool_max", "pool_max", "The most connections that the pool may hold."),
        ):
            gauge = Gauge(name, text, registry=self.registry)
            gauge.set_function(partial(_figure, database, key))

    def observe(
        self, method: str, route: str, status: int, seconds: float, exemplar: dict[str, str] | None = None
    ) -> None:
        """Count one answered request; the exemplar leads to its trace."""
        labels = (method, route, str(status))
        self._requests.labels(*labels).inc(1, exemplar)
        self._latency.labels(*labels).observe(seconds, exemplar)

    def render(self, accepted: str) -> tuple[bytes, str]:
        """Return the exposition and its type: OpenMetrics, which has exemplars, where that is accepted."""
        encode, kind = choose_encoder(accepted)
        return encode(self.registry), kind


def known_method(method: str) -> str:
    """Return the method, or `other`: clients may invent some without end."""
    return method if method in _METHODS else "other"


def _figure(database: Database, key: str) -> float:
    return float(database.stats().get(key, 0))
