"""Objectives: a promise that cannot be kept or measured is refused, and one that is not made has defaults."""

from typing import Any

import pytest

from components.settings.values.tiers import OF_APPLICATION

from .test_settings import parse, refusal


@pytest.mark.parametrize(
    ("objective", "key", "why"),
    [
        ({"availability": 100}, "availability", "no request that may fail"),
        ({"availability": 99.9999}, "availability", "no request that may fail"),
        ({"availability": 0}, "availability", "no alert would tell"),
        ({"availability": 89.9}, "availability", "no alert would tell"),
        ({"availability": "99.9"}, "availability", ""),
        ({"latency": {"milliseconds": 0}}, "latency.milliseconds", "no request takes no time"),
        ({"latency": {"milliseconds": 60001}}, "latency.milliseconds", "a minute"),
        ({"latency": {"percentile": 100}}, "latency.percentile", "from 50 to 99.9"),
        ({"latency": {"percentile": 0.99}}, "latency.percentile", "from 50 to 99.9"),
        ({"windowDays": 0}, "windowDays", "7 to 90 days"),
        ({"windowDays": 6}, "windowDays", "7 to 90 days"),
        ({"windowDays": 365}, "windowDays", "7 to 90 days"),
    ],
)
@pytest.mark.parametrize("tier", OF_APPLICATION)
def test_a_promise_that_cannot_be_kept_or_measured_is_refused(
    tier: str, objective: dict[str, Any], key: str, why: str
) -> None:
    text = refusal(observability={"objectives": {tier: objective}})
    assert f"feastflow:observability.objectives.{tier}.{key}\n" in text
    assert why in text


def test_a_promise_is_the_default_but_for_what_is_said() -> None:
    said = parse(
        observability={"objectives": {"backend": {"availability": 99, "latency": {"percentile": 95}}}}
    )
    backend, frontend = (said.observability.objective(name) for name in ("backend", "frontend"))
    assert (backend.availability, backend.latency.percentile, backend.latency.milliseconds) == (99, 95, 500)
    assert frontend == parse().observability.objective("frontend")
    assert (frontend.availability, frontend.latency.percentile, frontend.window_days) == (99.9, 99, 30)


def test_no_promise_is_made_of_what_no_request_enters() -> None:
    assert "measured at the edge" in refusal(observability={"objectives": {"database": {}}})
