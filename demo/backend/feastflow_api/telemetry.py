"""Spans by OpenTelemetry's own variables, which its SDK reads; without an endpoint none of it is loaded.

What a span says is chosen here and not by instrumentations: those write down addresses of clients, and the
messages of errors, in which PostgreSQL quotes rows. A statement stands as the program has it, without values.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers
from starlette.types import Scope

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

log = logging.getLogger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN: Final = "http/protobuf"
FLUSH_SECONDS: Final = 2.0
# Who looks for a trace has just seen its page: spans are gathered for a second, not for the SDK's five.
GATHERED, GATHERED_MS = "OTEL_BSP_SCHEDULE_DELAY", 1000
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT: Final = re.compile(
    r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)
SERVER_ERROR: Final = 500

trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)


class Served:
    """A request that is being served: the trace that it belongs to, and its span, where there are any."""

    def __init__(self, trace: str | None = None, span: Span | None = None) -> None:
        self.trace = trace
        self._span = span

    @property
    def exemplar(self) -> dict[str, str] | None:
        """Return what leads from a figure to the trace; None where no store will have it."""
        kept = self._span is not None and self._span.is_recording()
        return {"trace_id": self.trace} if kept and self.trace else None

    def end(self, method: str, route: str, status: int) -> None:
        """Say what became of it; `route` is a template, never a path."""
        if self._span is None or not self._span.is_recording():
            return
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - loaded with the SDK alone

        self._span.update_name(f"{method} {route}")
        self._span.set_attributes(
            {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        )
        if status >= SERVER_ERROR:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(Status(StatusCode.ERROR))


class Tracing:
    """Makes spans, or none where there is no tracer; the trace's id goes into log lines either way."""

    def __init__(self, tracer: Tracer | None = None, stop: Callable[[], object] | None = None) -> None:
        """Take the tracer, and what sends its last spans away."""
        self._tracer = tracer
        self._stop = stop

    @contextmanager
    def request(self, scope: Scope, *, quiet: bool) -> Iterator[Served]:
        """Serve a request as part of its caller's trace; a `quiet` one has no span."""
        headers = Headers(scope=scope)
        caller = headers.get("traceparent", "")
        known = _TRACEPARENT.fullmatch(caller)
        if self._tracer is None or quiet:
            with _logged(known[1] if known else None) as found:
                yield Served(found)
            return
        from opentelemetry import trace  # noqa: PLC0415 - as above
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        carrier = {"traceparent": caller, "tracestate": headers.get("tracestate", "")} if known else {}
        with (
            self._tracer.start_as_current_span(
                scope["method"],
                context=TraceContextTextMapPropagator().extract(carrier),
                kind=trace.SpanKind.SERVER,
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
            _logged(trace.format_trace_id(span.get_span_context().trace_id)) as found,
        ):
            yield Served(found, span)

    @contextmanager
    def statement(self, query: object) -> Iterator[None]:
        """Run a statement as a part of the request that is being served; others are no part of a trace."""
        if self._tracer is None:
            yield
            return
        from opentelemetry import trace  # noqa: PLC0415 - as above

        if not trace.get_current_span().is_recording():
            yield
            return
        text = query if isinstance(query, str) else type(query).__name__
        with self._tracer.start_as_current_span(
            text.split(maxsplit=1)[0].upper(),
            kind=trace.SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql", "db.query.text": " ".join(text.split())},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Exception as error:
                # Its class and code; its message may quote a row.
                span.set_attribute("error.type", type(error).__name__)
                if code := getattr(error, "sqlstate", None):
                    span.set_attribute("db.response.status_code", code)
                span.set_status(trace.Status(trace.StatusCode.ERROR))
                raise

    def stop(self) -> None:
        """Send the last spans, for as long as that takes, but not longer than FLUSH_SECONDS."""
        if self._stop is not None:
            sending = threading.Thread(target=self._stop, daemon=True, name="last spans")
            sending.start()
            sending.join(FLUSH_SECONDS)


@contextmanager
def _logged(trace: str | None) -> Iterator[str | None]:
    token = trace_id.set(trace)
    try:
        yield trace
    finally:
        trace_id.reset(token)


def start(environ: Mapping[str, str]) -> Tracing:
    """Start the SDK where the environment names an endpoint; what it cannot do is logged, no failure."""
    if not any(environ.get(name) for name in ENDPOINTS) or environ.get("OTEL_SDK_DISABLED") == "true":
        return Tracing()
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), SPOKEN)
    if protocol != SPOKEN:
        log.warning(
            "no spans are sent: OTEL_EXPORTER_OTLP_PROTOCOL is not http/protobuf; name port 4318",
            extra={"protocol": protocol},
        )
        return Tracing()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    # A collector that is away is one line a batch, not one for each attempt.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    provider = TracerProvider(shutdown_on_exit=False)
    # None: the SDK reads it.
    delay = None if environ.get(GATHERED) else GATHERED_MS
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=delay))
    return Tracing(provider.get_tracer("feastflow_api"), provider.shutdown)


def cursor(tracing: Tracing) -> type[Any]:
    """Return cursors whose statements are spans."""
    import psycopg  # noqa: PLC0415 - the pure parts of this module need no driver

    class TracedCursor(psycopg.AsyncCursor[Any]):
        async def execute(self, query: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as psycopg has it
            """Run one statement."""
            with tracing.statement(query):
                return await super().execute(query, *arguments, **named)

    return TracedCursor
