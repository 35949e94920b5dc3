"""Breaker, retries, validation and receipts: logic without I/O, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any

import jwt
import pytest
from feastflow_api.breaker import CircuitBreaker, CircuitOpenError, State
from feastflow_api.receipts import InvalidReceiptError, Receipts
from feastflow_api.retry import Backoff, retry
from feastflow_api.validation import InvalidOrderError, parse_idempotency_key, parse_order

SECRET = "x" * 32


class Clock:
    """Seconds, moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def call(breaker: CircuitBreaker, error: Exception | None = None) -> None:
    with breaker.guard(lambda problem: isinstance(problem, OSError)):
        if error is not None:
            raise error


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(threshold=3, recovery_seconds=2.0, clock=clock)
    for _ in range(3):
        with pytest.raises(OSError, match="away"):
            call(breaker, OSError("away"))
    assert breaker.state is State.OPEN
    return breaker


def test_the_circuit_opens_after_failures_in_a_row_and_then_refuses_without_trying() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 0.5
    with pytest.raises(CircuitOpenError) as refused:
        call(breaker)
    assert refused.value.retry_after == pytest.approx(1.5)


def test_a_success_between_failures_keeps_the_circuit_closed() -> None:
    breaker = CircuitBreaker(threshold=2, clock=Clock())
    for _ in range(3):
        with pytest.raises(OSError, match="away"):
            call(breaker, OSError("away"))
        call(breaker)
    assert breaker.state is State.CLOSED


def test_an_answer_that_is_an_error_counts_as_success() -> None:
    breaker = CircuitBreaker(threshold=1, clock=Clock())
    with pytest.raises(ValueError, match="no such dish"):
        call(breaker, ValueError("no such dish"))
    assert breaker.state is State.CLOSED


def test_an_error_that_says_nothing_about_the_other_side_counts_as_neither() -> None:
    breaker = CircuitBreaker(threshold=2, clock=Clock())
    breaker.failed()
    with pytest.raises(OSError, match="old news"), breaker.guard(lambda _: None):
        raise OSError("old news")
    assert breaker.state is State.CLOSED
    breaker.failed()
    assert breaker.state is State.OPEN, "the failure before it still counts"


def test_after_the_wait_one_trial_closes_the_circuit_or_opens_it_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2.0
    with pytest.raises(OSError, match="still away"):
        call(breaker, OSError("still away"))
    assert breaker.state is State.OPEN
    clock.now += 2.0
    call(breaker)
    assert breaker.state is State.CLOSED


def test_only_one_trial_runs_at_a_time_and_a_cancelled_one_frees_its_place() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2.0

    def trial() -> None:
        with breaker.guard(lambda _: True):
            with pytest.raises(CircuitOpenError):
                call(breaker)
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        trial()
    call(breaker)
    assert breaker.state is State.CLOSED


def test_transitions_are_told_with_both_states() -> None:
    seen: list[tuple[State, State]] = []
    breaker = CircuitBreaker(threshold=1, clock=Clock(), on_change=lambda *pair: seen.append(pair))
    breaker.failed()
    breaker.succeeded()
    assert seen == [(State.CLOSED, State.OPEN), (State.OPEN, State.CLOSED)]


def test_waits_double_up_to_the_cap_and_never_fall_below_half_a_step() -> None:
    backoff = Backoff(attempts=5, base=0.1, cap=0.4)
    assert list(backoff.delays(lambda: 1.0)) == pytest.approx([0.1, 0.2, 0.4, 0.4])
    assert list(backoff.delays(lambda: 0.0)) == pytest.approx([0.05, 0.1, 0.2, 0.2])


def attempts(outcomes: list[Exception | str]) -> tuple[list[float], Any]:
    slept: list[float] = []
    left = iter(outcomes)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def operation() -> str:
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def transient(error: Exception) -> bool:
        return isinstance(error, OSError)

    try:
        return slept, asyncio.run(retry(operation, is_transient=transient, backoff=Backoff(), sleep=sleep))
    except (OSError, ValueError) as error:
        return slept, error


def test_a_transient_error_is_tried_again_and_the_result_returned() -> None:
    slept, result = attempts([OSError(), OSError(), "soup"])
    assert (len(slept), result) == (2, "soup")


def test_the_last_error_is_raised_once_attempts_are_used_up() -> None:
    last = OSError("third")
    slept, error = attempts([OSError(), OSError(), last])
    assert error is last
    assert 0.025 <= slept[0] <= 0.05 <= slept[1] <= 0.1


def test_a_permanent_error_is_not_tried_again() -> None:
    slept, error = attempts([ValueError("no"), "soup"])
    assert slept == []
    assert isinstance(error, ValueError)


def body(**changes: Any) -> bytes:
    return json.dumps({"items": [{"menu_item_id": "soup", "quantity": 1}], **changes}).encode()


def test_an_order_without_a_name_is_a_guests() -> None:
    assert parse_order(body()).customer_name == "Guest"


def test_the_order_of_dishes_does_not_make_another_order() -> None:
    a, b = {"menu_item_id": "a", "quantity": 1}, {"menu_item_id": "b", "quantity": 2}
    assert parse_order(body(items=[a, b])).fingerprint == parse_order(body(items=[b, a])).fingerprint
    assert parse_order(body(items=[a])).fingerprint != parse_order(body(items=[b])).fingerprint


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"{", "$"),
        (b"[]", "$"),
        (b"[" * 100_000, "$"),
        (body(items=[]), "items"),
        (body(items=["soup"]), "items[0]"),
        (body(items=[{"menu_item_id": "soup", "quantity": 0}]), "items[0].quantity"),
        (body(items=[{"menu_item_id": "soup", "quantity": True}]), "items[0].quantity"),
        (body(items=[{"menu_item_id": "soup", "quantity": 1.5}]), "items[0].quantity"),
        (body(items=[{"menu_item_id": "soup", "quantity": 21}]), "items[0].quantity"),
        (body(items=[{"menu_item_id": 7, "quantity": 1}]), "items[0].menu_item_id"),
        (body(items=[{"menu_item_id": "soup", "quantity": 1}] * 2), "items[1].menu_item_id"),
        (body(items=[{"menu_item_id": "soup", "quantity": 1, "price": 1}]), "items[0].price"),
        (body(total=1), "total"),
        (body(customer_name="a\nb"), "customer_name"),
        (body(note="x" * 301), "note"),
        (body(expected_total_cents=-1), "expected_total_cents"),
        (b'{"items": [], "expected_total_cents": 1e999}', "expected_total_cents"),
        (b'{"items": [], "expected_total_cents": NaN}', "expected_total_cents"),
        (b'{"items": ' + b"9" * 5000 + b"}", "$"),
        (b'{"note": "\xff"}', "$"),
        (b'{"\\ud800": 1}', "\\ud800"),
        (b'{"\xed\xa0\x80": 1}', "\\ud800"),
        (b'{"\\u0000": 1}', "\\x00"),
        (b'{"items": [{"a\\udfff\\nb": 1}]}', "items[0].a\\udfff\\nb"),
        (body(note="\ud800"), "note"),
        (body(note="\x00"), "note"),
        (body(customer_name="\udfff"), "customer_name"),
        (body(items=[{"menu_item_id": "\ud800", "quantity": 1}]), "items[0].menu_item_id"),
        (body(items=[{"menu_item_id": "\x00", "quantity": 1}]), "items[0].menu_item_id"),
    ],
)
def test_a_body_that_is_no_order_is_refused_with_the_place(raw: bytes, path: str) -> None:
    with pytest.raises(InvalidOrderError) as refused:
        parse_order(raw)
    assert path in [problem.path for problem in refused.value.problems]
    # An answer and a log line can hold all of it.
    json.dumps([asdict(problem) for problem in refused.value.problems], ensure_ascii=False).encode()


def test_every_problem_of_an_order_is_told_at_once() -> None:
    with pytest.raises(InvalidOrderError) as refused:
        parse_order(body(items=[], note=1, extra=2))
    assert {problem.path for problem in refused.value.problems} == {"items", "note", "extra"}


def test_a_key_that_can_be_guessed_is_refused_and_a_uuid_taken() -> None:
    assert parse_idempotency_key(None) is None
    assert parse_idempotency_key("0b8e2a52-6c26-4f0e-a1f5-7fd34c4c8d6f")
    for guessable in ("1", "x" * 129, "with spaces in the key"):
        with pytest.raises(InvalidOrderError, match="random"):
            parse_idempotency_key(guessable)


def test_a_receipt_opens_its_own_order_until_it_expires() -> None:
    token = Receipts(SECRET, 3600).issue("FF-1001")
    assert Receipts(SECRET, 3600).read(f"Bearer {token}") == "FF-1001"
    expired = Receipts(SECRET, -60).issue("FF-1001")
    for header in (None, "", token, "Bearer ", f"Bearer {expired}", f"Basic {token}"):
        with pytest.raises(InvalidReceiptError):
            Receipts(SECRET, 3600).read(header)


def test_a_receipt_signed_otherwise_or_not_at_all_opens_nothing() -> None:
    claims = {"sub": "FF-1001", "aud": "feastflow-order", "exp": 4_000_000_000}
    forged = [
        jwt.encode(claims, "y" * 32, algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode({**claims, "aud": "another"}, SECRET, algorithm="HS256"),
        jwt.encode({"sub": "FF-1001", "aud": "feastflow-order"}, SECRET, algorithm="HS256"),
    ]
    for token in forged:
        with pytest.raises(InvalidReceiptError):
            Receipts(SECRET, 3600).read(f"Bearer {token}")
