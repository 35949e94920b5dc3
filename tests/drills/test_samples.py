"""Measurements of a failure by its requests: windows, latencies, lost orders."""

import json
import math

import pytest

from tools.drills import samples
from tools.drills.samples import Window

from .fakes import sample, steady

LINE = {"seq": 3, "kind": "order", "due": 5.0, "first": 502, "latency": 0.1, "code": 201, "total": 0.6}


def test_a_line_of_the_load_generator_is_a_request_with_its_first_and_last_attempt() -> None:
    found = samples.read(json.dumps({**LINE, "attempts": 2, "number": "FF-1", "note": "drill-1"}))

    assert found.failed
    assert not found.failed_for_good
    assert (found.number, found.note, found.error) == ("FF-1", "drill-1", "")


@pytest.mark.parametrize("line", [json.dumps(LINE), "[]", "7", "no json"])
def test_what_is_no_line_of_it_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"load generator|Expecting"):
        samples.read(line)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, 0.0),
        ([7.0], 0.99, 7.0),
        ([1, 2, 3, 4], 0.5, 2),
        (list(range(1, 101)), 0.99, 99),
        ([1, 2], 1, 2),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, expected: float) -> None:
    assert samples.percentile(values, share) == expected


def test_failures_close_to_each_other_are_one_window_and_others_are_two() -> None:
    found = [*steady(0, 10), sample(3.05, 502), sample(3.55, 0, latency=1.0), sample(8.0, 503)]

    assert samples.windows(found) == [
        Window(begins=3.05, ends=4.55, failed=2),
        Window(begins=8.0, ends=8.01, failed=1),
    ]


def test_a_request_that_failed_for_long_holds_its_window_open() -> None:
    found = [sample(0, 0, latency=8.0), sample(1, 0, latency=0.1), sample(8.5, 0, latency=0.1)]

    assert [window.failed for window in samples.windows(found)] == [3]


def test_failures_are_counted_by_kind_and_how_with_the_most_frequent_first() -> None:
    refused = "Get http://x: dial tcp 127.0.0.1:1: connect: connection refused"
    found = [sample(0, 502), sample(1, 0, error=refused), sample(2, 502), sample(3, 0), sample(4)]

    assert list(samples.failures(found).items()) == [
        ("menu 502", 2),
        ("menu connection refused", 1),
        ("menu no answer", 1),
    ]


def test_an_outage_ends_with_the_first_answer_to_what_was_due_after_the_last_failure() -> None:
    found = [*steady(0, 4), sample(4.0, 502), sample(4.5, 502), *steady(5, 8)]

    assert samples.until_good(found, 4.0) == pytest.approx(1.01)


def test_an_outage_that_does_not_end_is_infinite_and_none_is_nothing() -> None:
    assert samples.until_good([*steady(0, 4), sample(4.0, 502)], 4.0) == math.inf
    assert samples.until_good(steady(0, 8), 4.0) == 0.0


def test_only_requests_of_the_kind_that_counts_and_due_after_the_failure_count() -> None:
    found = [
        sample(1.0, 502),
        *steady(2, 6),
        sample(3.0, 502),
        sample(4.0, 503, kind="order"),
        sample(5, kind="order"),
    ]

    assert samples.until_good(found, 2.0, "order") == pytest.approx(3.01)
    assert samples.until_good(found, 2.0, "page") == 0.0


def test_it_is_quiet_when_for_some_seconds_something_came_and_nothing_failed() -> None:
    found = [sample(10.0, 502), *steady(10.1, 15)]

    assert samples.quiet(found, 9.0, 15.1, 10, None)
    assert not samples.quiet(found, 9.0, 13.0, 10, None)
    assert not samples.quiet(found, 12.0, 15.1, 10, None), "too early to tell"
    assert not samples.quiet(found, 9.0, 15.1, 10, "order"), "nothing of the kind came"


def test_it_is_not_quiet_while_requests_hang() -> None:
    answered = [each for number, each in enumerate(steady(10, 15)) if number % 3]

    assert not samples.quiet(answered, 9.0, 15.1, 10, None)


def test_what_should_have_been_answered_by_now_hangs() -> None:
    found = list(steady(10, 14))

    assert samples.hanging(found, 10.0, 15.0, 10) == 0
    assert samples.hanging(found[:20], 10.0, 15.0, 10) == 20


def test_the_course_counts_seconds_from_the_failure() -> None:
    found = samples.by_second([sample(99.9), sample(100.2, 502), sample(100.7), sample(101.0)], 100.0)

    assert [(second.at, second.sent, second.failed) for second in found] == [(-1, 1, 0), (0, 2, 1), (1, 1, 0)]


def test_an_order_is_lost_unless_it_is_stored_under_its_own_note() -> None:
    told = samples.acknowledged(
        [
            sample(1, 201, kind="order", number="FF-1", note="a"),
            sample(2, 201, kind="order", number="FF-2", note="b"),
            sample(3, 503, kind="order"),
            sample(4),
        ]
    )

    assert told == {"a": "FF-1", "b": "FF-2"}
    # A number may be given again after a failover, to another customer's order.
    assert samples.lost(told, [("a", "FF-1"), ("c", "FF-2")]) == ["FF-2"]
    assert samples.twice([("a", "FF-1"), ("a", "FF-3"), ("b", "FF-2")]) == ["a"]
