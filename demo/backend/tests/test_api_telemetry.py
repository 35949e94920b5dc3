"""Spans, their ids in log lines and figures, and what must be in none of them; a collector is played here."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from api_under_test import PASSWORD, SECRET, Api, Postgres, migrate, until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Start = Callable[[dict[str, str]], Api]
CALLER = "1122334455667788"
NAME, NOTE = "Grace Hopper-Murray", "Elm Street 12, second floor"


class Collector:
    """Takes spans by OTLP on loopback."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def resources(self) -> list[Any]:
        found = [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]
        return [resource for request in found for resource in request.resource_spans]

    def spans(self, trace: str) -> list[Span]:
        every = [span for each in self.resources() for scope in each.scope_spans for span in scope.spans]
        return [span for span in every if span.trace_id.hex() == trace]


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.server.shutdown()


@pytest.fixture
def told(postgres: Postgres, database: str, collector: Collector) -> dict[str, str]:
    """Return the environment of a process that is told of the collector."""
    return postgres.environment(
        database,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_SERVICE_NAME="feastflow-backend",
        OTEL_RESOURCE_ATTRIBUTES="service.version=9.9.9",
        OTEL_BSP_SCHEDULE_DELAY="100",
    )


def called(trace: str, sampled: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{CALLER}-{sampled}"}


def attributes(span: Span) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_request_is_one_span_of_its_callers_trace_and_each_statement_one_below(
    start_api: Start, told: dict[str, str], collector: Collector
) -> None:
    api, trace = start_api(told), uuid4().hex
    api.client.get("/api/menu", headers=called(trace))
    spans = until(lambda: len(found := collector.spans(trace)) > 1 and found, "the spans come")

    (request,) = (span for span in spans if span.kind == Span.SPAN_KIND_SERVER)
    statements = [span for span in spans if span.kind == Span.SPAN_KIND_CLIENT]
    assert (request.name, request.parent_span_id.hex()) == ("GET /api/menu", CALLER)
    assert attributes(request) == {
        "http.request.method": "GET",
        "http.route": "/api/menu",
        "http.response.status_code": 200,
    }
    assert statements
    assert {span.parent_span_id for span in statements} == {request.span_id}
    assert "FROM menu_items" in attributes(statements[0])["db.query.text"]
    named = {each.key: each.value.string_value for each in collector.resources()[0].resource.attributes}
    assert (named["service.name"], named["service.version"]) == ("feastflow-backend", "9.9.9")


def test_every_line_about_a_request_has_the_traces_id_and_so_have_answer_and_figures(
    start_api: Start, told: dict[str, str]
) -> None:
    api, trace = start_api(told), uuid4().hex
    answer = api.order()
    other = api.client.get("/api/menu", headers=called(trace))

    assert other.headers["x-request-id"] == trace
    placed = answer.headers["x-request-id"]
    lines = until(
        lambda: len(found := [each for each in api.logs() if each.get("request_id") == placed]) > 1 and found,
        "the order's lines",
    )
    assert {line["message"] for line in lines} == {"order stored", "request"}
    assert {line["trace_id"] for line in lines} == {placed}
    figures = api.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert figures.headers["content-type"].startswith("application/openmetrics-text")
    assert re.search(rf'route="/api/menu",status="200"}} \S+ # {{trace_id="{trace}"}}', figures.text)
    assert figures.text.endswith("# EOF\n")
    assert "trace_id" not in api.client.get("/metrics").text


def test_what_a_collector_cannot_be_told_in_is_refused_in_words_and_requests_are_served(
    start_api: Start, told: dict[str, str], collector: Collector
) -> None:
    api = start_api({**told, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert api.client.get("/api/menu").status_code == 200
    assert any("no spans are sent" in line["message"] for line in api.logs())
    assert collector.bodies == []


def test_without_an_endpoint_no_sdk_is_loaded_and_the_callers_trace_is_still_in_the_lines(
    start_api: Start, postgres: Postgres, database: str
) -> None:
    api, trace = start_api(postgres.environment(database)), uuid4().hex
    api.client.get("/api/menu", headers=called(trace))
    (line,) = until(
        lambda: [each for each in api.logs() if each.get("trace_id") == trace], "the request is logged"
    )

    assert line["request_id"] == trace
    assert "google/_upb" not in Path(f"/proc/{api.process.pid}/maps").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "header", ["", "00-0-0-01", f"00-{'0' * 32}-{CALLER}-01", f"00-{'g' * 32}-{CALLER}-01"]
)
def test_a_callers_trace_that_is_none_begins_another(
    start_api: Start, postgres: Postgres, database: str, header: str
) -> None:
    api = start_api(postgres.environment(database))
    answer = api.client.get("/api/menu", headers={"traceparent": header})

    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.headers["x-request-id"] not in header


def test_nothing_of_a_person_is_in_spans_or_lines(
    start_api: Start, told: dict[str, str], collector: Collector, postgres: Postgres, database: str
) -> None:
    assert migrate(told).returncode == 0
    with postgres.connect(database) as admin:
        # An error whose message quotes the row.
        admin.execute("ALTER TABLE orders ADD CONSTRAINT of_a_test CHECK (note NOT LIKE '%third%')")
    api, trace = start_api(told), uuid4().hex
    key = uuid4().hex
    receipt = api.order(key, customer_name=NAME, note=NOTE).json()["receipt"]
    for path in (f"/api/orders/FF-1001?name={NAME}", "/api/menu"):
        api.client.get(path, headers={"Authorization": f"Bearer {receipt}", "User-Agent": "Person's own"})
    body = {"items": [{"menu_item_id": "margherita", "quantity": 1}], "customer_name": NAME}
    failed = api.client.post(
        "/api/orders",
        json={**body, "note": f"{NOTE}, third"},
        headers={**called(trace), "Idempotency-Key": key + "2"},
    )
    assert failed.status_code == 500
    assert failed.json()["error"]["reference"] == trace
    spans = until(lambda: len(found := collector.spans(trace)) > 1 and found, "the failed request's spans")
    assert "CheckViolation" in {attributes(span).get("error.type") for span in spans}

    known = (NAME, NOTE, "Hopper", "Elm Street", "Person's own", "127.0.0.1", key, receipt, PASSWORD, SECRET)
    sent = b"".join(collector.bodies)
    assert [text for text in known if text.encode() in sent] == []
    lines = "".join(line for line in api.text().splitlines(keepends=True) if '"listening"' not in line)
    assert [text for text in known if text in lines] == []


def test_a_collector_that_is_away_costs_no_request_and_no_time_at_the_end(
    start_api: Start, told: dict[str, str]
) -> None:
    api = start_api({**told, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert [api.client.get("/api/menu").status_code for _ in range(20)] == [200] * 20
    api.process.terminate()
    assert api.process.wait(20) == 0
