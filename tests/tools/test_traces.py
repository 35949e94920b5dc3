"""Traces as trees: every span once, in a hundred columns, whatever a program sent."""

import json
from typing import Any

import pytest

from tools.telemetry import traces
from tools.telemetry.asking import AwayError

_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
_BEGINS = 1_796_020_262_000_000


def _span(identity: str, parent: str = "", *, at: int = 0, takes: int = 1000, **more: Any) -> dict[str, Any]:
    return {
        "traceId": _ID,
        "id": identity,
        **({"parentId": parent} if parent else {}),
        "name": f"span {identity}",
        "timestamp": _BEGINS + at,
        "duration": takes,
        "localEndpoint": {"serviceName": "api"},
        **more,
    }


def _lines(*spans: dict[str, Any]) -> list[str]:
    return traces.lines(traces.read(_ID, json.dumps(spans).encode()))


@pytest.mark.parametrize(
    ("text", "identity"),
    [(_ID, _ID), (f" {_ID.upper()}\n", _ID), (_ID[:16], _ID[:16])]
    + [(text, None) for text in ("", "0" * 32, _ID[:31], f"{_ID}0", "g" * 32, f"{_ID[:16]}/../x", "٣" * 16)],
)
def test_an_identity_is_16_or_32_hexadecimal_digits(text: str, identity: str | None) -> None:
    assert traces.identity(text) == identity


def test_a_request_is_a_tree_from_the_edge_to_its_sql() -> None:
    edge: dict[str, Any] = {"localEndpoint": {"serviceName": "traefik"}}
    sql: dict[str, Any] = {"tags": {"db.query.text": "SELECT *\n  FROM menu", "db.statement": "old"}}
    lines = _lines(
        _span("c", "b", at=3000, takes=900, **sql),
        _span("a", takes=23_100, **edge, tags={"http.response.status_code": "500"}),
        _span("b", "a", at=1200, takes=1_400_000, tags={"error": "ValueError"}),
    )

    assert lines == [
        "   begins     takes  request",
        "   0.0 ms     23 ms  traefik: span a 500",
        "   1.2 ms    1.40 s    api: span b failed ValueError",
        "   3.0 ms    0.9 ms      api: span c SELECT *   FROM menu",
    ]


def test_both_halves_of_a_shared_span_orphans_and_circles_are_shown_once_each() -> None:
    lines = _lines(
        _span("a"),
        _span("a", at=1, shared=True),
        _span("b", "a", at=2),
        _span("orphan", "missing", at=3),
        _span("x", "y", at=4),
        _span("y", "x", at=5),
        _span("self", "self", at=6),
    )

    shown = [line.partition("api: span ")[2] for line in lines[1:]]
    assert sorted(shown) == sorted(["a", "a", "b", "orphan", "x", "y", "self"])
    assert shown.index("x") + 1 == shown.index("y")


def test_escapes_depth_and_number_are_bounded() -> None:
    deep = [_span(f"{n:04}", f"{n - 1:04}" if n else "", at=n) for n in range(500)]
    deep[0]["name"] = "\x1b]0;owned\x07" + "x" * (1 << 20)
    lines = _lines(*deep)

    assert len(lines) == 202
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in "".join(lines)
    assert lines[-1] == "  and 300 more spans"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[1]", b'[{"name": "without id"}]', b"no json"])
def test_what_is_no_answer_of_zipkins_is_told(body: bytes) -> None:
    with pytest.raises(AwayError):
        traces.read(_ID, body)


def test_a_span_without_times_or_names_is_shown_as_it_is() -> None:
    bare = {"id": "a", "localEndpoint": None, "tags": None, "duration": "x", "name": None}
    lines = _lines(bare, {**bare, "id": "b", "timestamp": float("inf")}, _span("c", takes=-1))

    assert lines[1:3] == ["   0.0 ms    0.0 ms"] * 2
    assert lines[3] == "   0.0 ms    0.0 ms  api: span c"
