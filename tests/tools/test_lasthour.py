"""The last hour: figures of each tier from one question, in lines that a terminal holds."""

import json

import pytest

from tools.telemetry import lasthour, prometheus
from tools.telemetry.asking import AwayError
from tools.telemetry.lasthour import Figures, Firing, LastHour
from tools.telemetry.prometheus import Value
from tools.telemetry.stores import Stores

_PROMISED = {"backend": 99.9, "frontend": 99.0}
_PAGES = Stores(port=8080).pages


def _value(figure: str, number: float, **labels: str) -> Value:
    return Value(labels={"figure": figure, **labels}, number=number)


_FOUND = [
    _value("requests", 12_345.4, tier="backend"),
    _value("errors", 24.69, tier="backend"),
    _value("0.5", 0.0123, tier="backend"),
    _value("0.95", 0.4, tier="backend"),
    _value("0.99", float("nan"), tier="backend"),
    _value("budget", -0.213, tier="backend"),
    _value("requests", 0, tier="frontend"),
    _value("errors", 0, tier="frontend"),
    _value("alert", 1, tier="backend", alertname="ErrorBudgetBurnsFast", severity="page"),
    _value("alert", 1, alertname="VolumeFills\x1b[2J", severity="ticket"),
]


def test_figures_are_those_of_each_tier_and_what_is_no_number_is_left_out() -> None:
    found = lasthour.read(_FOUND, _PROMISED)

    backend = found.tiers["backend"]
    assert (backend.requests, backend.errors, backend.budget) == (12_345.4, 24.69, -0.213)
    assert backend.seconds == {0.5: 0.0123, 0.95: 0.4}
    assert backend.burn == pytest.approx(2.0, rel=1e-3)
    # Without requests nothing burns.
    assert found.tiers["frontend"] == Figures(requests=0, errors=0)
    assert [each.name for each in found.alerts] == ["ErrorBudgetBurnsFast", "VolumeFills\x1b[2J"]


def test_the_lines_show_them_with_the_addresses_of_their_pages() -> None:
    lines = lasthour.lines(lasthour.read(_FOUND, _PROMISED), _PAGES)

    assert lines[0].endswith(_PAGES["dashboards"])
    assert lines[2].split() == ["backend", "12,345", "25", "12", "ms", "400", "ms", "-", "-21.3", "%", "2.0x"]
    assert lines[3].split() == ["frontend", "0", "0", "-", "-", "-", "-", "-"]
    assert lines[4] == f"alerts that fire: 2: {_PAGES['alerts']}"
    assert lines[5] == "  page   ErrorBudgetBurnsFast of backend: docs/operations.md#errorbudgetburnsfast"
    assert "\x1b" not in "".join(lines)


def test_the_lines_fit_in_a_hundred_columns_whatever_the_figures() -> None:
    large = Figures(
        requests=123_456_789,
        errors=12_345_678,
        seconds={0.5: 59.9, 0.95: 60, 0.99: 61},
        budget=-999.9,
        burn=999,
    )
    alerts = [Firing(severity="page", name="A" * 200, tier="backend")] * 12
    lines = lasthour.lines(LastHour(tiers={"backend": large, "frontend": large}, alerts=alerts), _PAGES)

    assert max(map(len, lines)) <= 100
    assert lines[-1] == "  and 2 more"


def test_where_no_request_was_recorded_a_line_says_so() -> None:
    lines = lasthour.lines(lasthour.read([], _PROMISED), _PAGES)

    assert lines[1:] == ["  no request was recorded", f"alerts that fire: none: {_PAGES['alerts']}"]


def test_a_namespace_cannot_leave_its_string() -> None:
    assert '{namespace="a\\"} or up{x=\\""}' in lasthour.query('a"} or up{x="')


@pytest.mark.parametrize(
    "document",
    [
        "no json",
        "[]",
        "null",
        {"status": "error"},
        {"status": "success", "data": {"resultType": "matrix", "result": []}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}},
        {
            "status": "success",
            "data": {"resultType": "vector", "result": [{"metric": [], "value": [0, "1"]}]},
        },
        {
            "status": "success",
            "data": {"resultType": "vector", "result": [{"metric": {}, "value": [0, "x"]}]},
        },
    ],
)
def test_what_is_no_answer_of_the_api_is_told(document: object) -> None:
    body = document if isinstance(document, str) else json.dumps(document)

    with pytest.raises(AwayError):
        prometheus.read(body.encode())
