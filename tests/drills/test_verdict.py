"""Verdicts on runs against the promises, and their table."""

import math
import re

import pytest

from tools.drills import table, verdict
from tools.drills.catalogue import DRILLS
from tools.drills.observed import Observed
from tools.drills.samples import Window
from tools.drills.verdict import Failures, Promise

from .fakes import row, run, sample, steady


def problems(promise: Promise, **changes: object) -> str:
    return "\n".join(verdict.judge("x", "dev", promise, [run(**changes)]).problems)


def test_a_run_that_keeps_its_promise_has_no_problem() -> None:
    promise = Promise(wanted=3, failures=Failures.NONE, p99_at_most=2)

    assert problems(promise) == ""


@pytest.mark.parametrize(
    ("promise", "changes", "said"),
    [
        (Promise(wanted=2), {}, "run 1: took 3.0 s, wanted 2 s"),
        (Promise(), {"seconds": math.inf}, "not restored in the time it had$"),
        (Promise(), {"seconds": math.inf, "stands": "api-1 is gone"}, "the time it had: api-1 is gone"),
        (Promise(failures=Failures.NONE), {"failed": 1}, "1 of 100 requests failed, wanted none"),
        (
            Promise(failures=Failures.NONE),
            {"failed": 9, "failures": {"menu 502": 5, "page 502": 2, "order 503": 1, "page 504": 1}},
            r"wanted none: menu 502 \(5\), page 502 \(2\), order 503 \(1\)$",
        ),
        (
            Promise(failures=Failures.NONE_AFTER_RETRY),
            {"failed": 2, "failed_for_good": 1},
            "1 of 100 .* retries",
        ),
        (Promise(), {"lost": ["FF-7"]}, "1 acknowledged orders lost: FF-7"),
        (Promise(), {"twice": ["drill-1"]}, "1 orders stored twice: drill-1"),
        (Promise(), {"acknowledged": 0}, "no order was acknowledged"),
        (Promise(p99_at_most=2), {"p99": 0.05}, "p99 was 50 ms, steady 20 ms"),
        (
            Promise(over_with="NotReady"),
            {"moments": {"NotReady": 1040.0}, "windows": [Window(begins=1000.0, ends=1043.5, failed=2)]},
            "requests failed for 3.5 s after NotReady",
        ),
    ],
)
def test_what_does_not_hold_is_said_with_its_figure(
    promise: Promise, changes: dict[str, object], said: str
) -> None:
    assert re.search(said, problems(promise, **changes))


@pytest.mark.parametrize(
    ("promise", "changes"),
    [
        (Promise(), {"failed": 9, "failed_for_good": 9}),
        (Promise(failures=Failures.NONE_AFTER_RETRY), {"failed": 9}),
        # The API server's times are whole seconds, and it reports nothing of a node that returned too early.
        (
            Promise(over_with="NotReady"),
            {"moments": {"NotReady": 1040.0}, "windows": [Window(begins=1000.0, ends=1040.9, failed=2)]},
        ),
        (Promise(over_with="NotReady"), {"windows": [Window(begins=1000.0, ends=1043.5, failed=2)]}),
    ],
)
def test_failures_that_may_be_are_no_problem(promise: Promise, changes: dict[str, object]) -> None:
    assert problems(promise, **changes) == ""


def test_a_drill_that_came_to_no_end_or_was_not_run_is_no_success() -> None:
    assert verdict.judge("x", "dev", Promise(), [], ["run 1 came to no end"]).problems == [
        "run 1 came to no end"
    ]
    assert verdict.judge("x", "dev", Promise(), []).problems == ["it was not run"]


def test_the_median_is_a_run_and_one_that_was_never_restored_is_the_worst() -> None:
    found = row([run(seconds=1.0), run(seconds=5.0), run(seconds=math.inf)])

    assert found.median == 5.0
    assert found.worst == math.inf
    assert row([]).median == row([]).worst == math.inf


def test_seconds_count_until_the_state_or_the_requests_say_so() -> None:
    found = [*steady(990, 1000), sample(1001.0, 502, kind="order"), *steady(1004, 1008, kind="order")]
    times = {"moment": 1000.0, "clock": 1000.5, "restored": 1007.0}

    assert verdict.measured(found, [], **times, by=None).seconds == 6.5
    assert verdict.measured(found, [], **times, by="order").seconds == pytest.approx(3.51)
    assert verdict.measured(found, [], **times, by="any").seconds == pytest.approx(3.51)
    assert verdict.measured(found, [], **times, by="menu").seconds == 0
    never = verdict.measured(found, [], moment=1000.0, clock=1000.0, restored=None, by="order")
    assert never.seconds == math.inf


def test_orders_within_the_recovery_point_may_be_lost_and_the_oldest_lost_one_is_told() -> None:
    orders = [
        sample(due, 201, kind="order", number=f"FF-{due:g}", note=f"drill-{due:g}")
        for due in (900.0, 930.0, 970.0, 1001.0)
    ]

    def judged(kept: int) -> verdict.Measured:
        there = [(each.note, each.number) for each in orders[:kept]]
        found = verdict.measured(orders, there, moment=1000.0, clock=1000.0, restored=1010.0, by=None)
        return verdict.to_the_point(found, orders, there, 60)

    assert judged(2).lost == []
    assert judged(2).point == pytest.approx(30 - 0.01)
    assert judged(1).lost == ["FF-930"]
    assert judged(3).point == 0


def test_latencies_before_and_after_the_failure_are_apart() -> None:
    found = [
        *steady(990, 1000, latency=0.01),
        *steady(1000, 1002, latency=0.5),
        *steady(1002, 1010, latency=9.0),
    ]
    measured = verdict.measured(found, [], moment=1000.0, clock=1000.0, restored=1001.95, by=None)

    assert (measured.steady_p99, measured.p99) == (0.01, 0.5)
    assert measured.sent == 200


def test_the_table_of_all_drills_at_their_largest_fits_100_columns() -> None:
    large = {
        "sent": 60_000,
        "failed": 60_000,
        "failed_for_good": 60_000,
        "seconds": 1199.9,
        "acknowledged": 12_000,
    }
    lost = {"lost": [f"FF-{number}" for number in range(12_000)]}
    rows = [
        verdict.judge(name, "prod", drill.promise, [run(**large, **lost)] * 40)
        for name, drill in DRILLS.items()
    ]
    lines = table.lines(rows)

    assert max(map(len, lines)) <= table.WIDTH
    assert lines[0].split()[:5] == ["drill", "stack", "seed", "wanted", "median"]
    assert all(name in "\n".join(lines) for name in DRILLS)


def test_the_table_sums_all_runs_and_tells_below_it_what_does_not_hold() -> None:
    runs = [run(failed=2, failed_for_good=1, seconds=2.0), run(seconds=4.0)]
    lines = table.lines([row(runs, promise=Promise(seed="~10 s", wanted=5), problems=["a problem " * 20])])

    assert lines[1].split() == [
        *["backend-killed", "dev", "~10", "s", "5", "s", "4.0", "s", "4.0", "s", "2/200", "1", "0/40", "NO"]
    ]
    assert lines[2].startswith("backend-killed: a problem")
    assert len(lines) > 3
    assert max(map(len, lines)) <= table.WIDTH


def test_below_the_table_stands_which_observers_gave_no_answer_once_in_its_width() -> None:
    away = Observed(unknown=["logs: no answer within 2.5 s", f"metrics: {'x' * 90}"])
    lines = table.lines([row([run(observed=away), run(observed=away), run(observed=Observed()), run()])])

    told = " ".join(line.strip() for line in lines[2:])
    assert told.count("not all of it was observed: logs: no answer within 2.5 s; metrics:") == 1
    assert max(map(len, lines)) <= table.WIDTH


def test_what_never_came_is_called_so() -> None:
    assert (table.seconds(math.inf), table.seconds(0.04), table.seconds(75.25), table.seconds(130.2)) == (
        "never",
        "0.0 s",
        "75.2 s",
        "130 s",
    )


def test_below_the_table_stands_how_long_requests_failed_and_what_else_came_when() -> None:
    windows = [
        Window(begins=1000.0, ends=1004.25, failed=2),
        Window(begins=1002.0, ends=1003.0, failed=1),
    ]
    came = {"NotReady": 1041.0}
    found = row([run(), run(moments=came, windows=windows), run(moments=came)], drill="worker-killed")

    assert table.lines([found])[2:] == [
        "worker-killed: the last request failed after 4.2 s, NotReady after 41.0 s",
        "worker-killed: no request failed, NotReady after 41.0 s",
    ]


def test_a_p99_is_of_the_requests_due_in_its_time_alone() -> None:
    found = [sample(1.0, latency=9.0), *(sample(2.0 + each / 100, latency=0.1) for each in range(50))]

    assert verdict.p99(found, 0.0, 9.0) == 9.0
    assert verdict.p99(found, 2.0, 9.0) == 0.1
