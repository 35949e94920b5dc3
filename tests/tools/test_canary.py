"""Figures of a canary: counted between two readings, judged by its limits, watched for its time."""

import itertools
import math
from collections.abc import Iterator, Mapping

import pytest

from components.settings.model.release import Judge
from tools.telemetry import canary, prometheus
from tools.telemetry.asking import Source
from tools.telemetry.canary import (
    CANARY,
    PRESENT,
    Figures,
    Outcome,
    UnjudgedError,
    Watched,
    WorseError,
)
from tools.telemetry.prometheus import Value
from tools.telemetry.watch import Watch

from .counting import QUERY, Clock, Counting, counters, times, value, vector
from .edge import serving

_LIMITS = Judge(max_error_percent=1, max_latency_ms=500, seconds=60)


def _watched(limits: Judge = _LIMITS) -> Watched:
    return Watched(
        tier="backend", namespace="shop-dev", service="feastflow-backend", port=5000, limits=limits
    )


def _outcome(good: float, bad: float = 0, fast: float = 1.0, limits: Judge = _LIMITS) -> Outcome:
    last = canary.reading(counters(good, bad, fast=fast))
    return Outcome(
        watched=_watched(limits), canary=canary.counted({}, last, CANARY), present=Figures(requests=10)
    )


def test_only_what_is_new_is_counted_of_each_version_alone() -> None:
    first = canary.reading([*counters(100), *counters(900, 1, PRESENT)])
    last = canary.reading([*counters(150, 10), *counters(1000, 1, PRESENT)])

    found = canary.counted(first, last, CANARY)
    assert (found.requests, found.errors) == (60, 10)
    assert canary.counted(first, last, PRESENT).requests == 100


def test_a_counter_that_begins_again_is_counted_from_nothing() -> None:
    first = canary.reading([value(500, code="200", pod="traefik-1"), value(float("nan"), code="404")])
    last = canary.reading([value(20, code="200", pod="traefik-1"), value(5, code="200", pod="traefik-2")])

    assert canary.counted(first, last, CANARY).requests == 25


@pytest.mark.parametrize(
    ("buckets", "seconds"),
    [
        ({}, None),
        ({0.1: 0, math.inf: 0}, None),
        ({0.1: 100, math.inf: 100}, 0.095),
        ({0.1: 90, 0.5: 100, math.inf: 100}, 0.3),
        ({0.1: 90, math.inf: 100}, math.inf),
    ],
)
def test_the_quantile_is_that_of_prometheus(buckets: Mapping[float, float], seconds: float | None) -> None:
    found = canary.quantile(0.95, buckets)

    assert found == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("outcome", "problems"),
    [
        (_outcome(199, 1), []),
        (_outcome(190, 10), ["more than 1 % failed"]),
        (_outcome(200, fast=0.94), []),
        # 95 % within 550 ms.
        (_outcome(200, fast=0.9), ["more than 5 % took longer than 500 ms"]),
        (_outcome(100, 5, fast=0), ["more than 1 % failed", "more than 5 % took longer than 500 ms"]),
        (_outcome(200, 0, limits=Judge(max_error_percent=0, max_latency_ms=500, seconds=60)), []),
        (
            _outcome(199, 1, limits=Judge(max_error_percent=0, max_latency_ms=500, seconds=60)),
            ["more than 0 % failed"],
        ),
    ],
)
def test_a_canary_is_judged_by_its_limits(outcome: Outcome, problems: list[str]) -> None:
    assert outcome.problems == problems


@pytest.mark.parametrize(("percent", "least"), [(0, 20), (0.01, 1000), (1, 100), (3, 34), (50, 20)])
def test_so_many_requests_are_needed_that_one_failure_is_within_the_limit(percent: float, least: int) -> None:
    limits = Judge(max_error_percent=percent, max_latency_ms=500, seconds=60)

    assert _watched(limits).least == least


def test_a_canary_is_left_before_its_time_only_where_it_cannot_become_good() -> None:
    assert not _outcome(50, 49).certain(0.5), "too few requests"
    assert not _outcome(98, 2).certain(0.5), "as many as may fail in all"
    assert _outcome(97, 3).certain(0.5)


def test_the_query_asks_for_the_canarys_service_and_the_tiers_own_alone() -> None:
    asked = canary.query(_watched())

    for name in ("feastflow-backend-canary", "feastflow-backend"):
        known = f"shop-dev-{name}(-http)?-5000|httproute-shop-dev-.+-svc-shop-dev-{name}-[0-9]+"
        assert asked.count(f'service=~"({known})@kubernetes(gateway)?"') == 2


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Yield a function that has the store tell one set of counters after the other."""
    with serving() as edge:
        yield lambda told: Counting(edge, told)


def test_a_good_canary_is_watched_for_its_time(clock: Clock) -> None:
    made = clock([*counters(10 * n), *counters(90 * n, 0, PRESENT)] for n in itertools.count(1))
    (outcome,) = made.watch(_watched())

    assert made.now == 60
    assert (outcome.canary.requests, outcome.present.requests) == (120, 1080)
    assert str(outcome) == (
        "backend's canary: 0.0 % of 120 requests failed, 95 % within 95 ms; "
        "present version: 0.0 % of 1,080 requests failed, 95 % within 95 ms"
    )
    assert made.notes[-1].endswith("5 s left")


def test_a_canary_that_fails_many_requests_is_left_before_its_time(clock: Clock) -> None:
    made = clock(counters(38 * n, 2 * n) for n in itertools.count(1))

    with pytest.raises(WorseError, match=r"5\.0 % of 120 requests failed.*after 15 of 60 s"):
        made.watch(_watched())


def test_a_slow_canary_fails_when_its_time_is_over(clock: Clock) -> None:
    made = clock(counters(20 * n, fast=0.5) for n in itertools.count(1))

    with pytest.raises(WorseError, match="more than 5 % took longer than 500 ms"):
        made.watch(_watched())
    assert made.now == 60


@pytest.mark.parametrize("told", [[], counters(50)])
def test_without_requests_or_with_too_few_nothing_is_told(clock: Clock, told: list[Value]) -> None:
    made = clock(itertools.chain([[]], itertools.repeat(told)))

    with pytest.raises(UnjudgedError, match=r"at least 100 requests of the canary would"):
        made.watch(_watched())


def test_a_store_may_be_away_for_a_moment_and_not_for_long(clock: Clock) -> None:
    short = itertools.chain([counters(0)], [None] * 20, (counters(200 * n) for n in itertools.count(1)))
    assert clock(short).watch(_watched())

    gone = itertools.chain([counters(0)], itertools.repeat(None))
    with pytest.raises(UnjudgedError, match="the store of metrics: it answered 503"):
        clock(gone).watch(_watched())


def test_a_store_that_has_not_read_the_edge_yet_is_waited_for(clock: Clock) -> None:
    made = clock(itertools.chain([counters(0)], (counters(200 * n) for n in itertools.count(1))))
    later = made.edge.replies[QUERY]
    made.edge.replies[QUERY] = vector()
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        made.edge.replies[QUERY] = later

    source = Source(url=f"http://metrics.localhost:{made.edge.port}")
    Watch(source=source, watched=[_watched()], clock=lambda: 0.0, pause=pause).begin()
    assert waits == [1.0]


def test_counted_is_from_what_the_store_read_after_it_was_asked(clock: Clock) -> None:
    made = clock(counters(100 * n) for n in itertools.count(1))
    known = iter([times(read=990), times(read=990), times(read=999.9), times(now=1007, read=1000.5)])
    before = itertools.chain([counters(0, 50)] * 3, itertools.repeat(counters(0, 60)))

    def pause(seconds: float) -> None:
        assert seconds == 1
        made.edge.replies[QUERY] = vector(*next(known), *next(before))

    pause(1)
    source = Source(url=f"http://metrics.localhost:{made.edge.port}")
    watch = Watch(source=source, watched=[_watched()], clock=lambda: 0.0, pause=pause)
    watch.begin()

    assert list(known) == [], "it was asked until it had read the edge again"
    (first,) = watch._first
    assert canary.counted({}, first, CANARY).errors == 60


@pytest.mark.parametrize("read", [[], [Value(labels={"figure": "read"}, number=990)]])
def test_a_store_that_reads_the_edge_no_more_tells_nothing(clock: Clock, read: list[Value]) -> None:
    made = clock(itertools.repeat([]))
    made.edge.replies[QUERY] = vector(*times()[:2], *read, *counters(50))
    source = Source(url=f"http://metrics.localhost:{made.edge.port}")
    seconds = itertools.count(0, 30)
    watch = Watch(
        source=source, watched=[_watched()], clock=lambda: float(next(seconds)), pause=lambda _: None
    )

    with pytest.raises(UnjudgedError, match="has not read the edge for 120 s"):
        watch.begin()


def test_a_store_that_never_reads_the_edge_tells_nothing(clock: Clock) -> None:
    made = clock(itertools.repeat([]))
    made.edge.replies[QUERY] = vector()
    source = Source(url=f"http://metrics.localhost:{made.edge.port}")
    seconds = itertools.count()
    watch = Watch(
        source=source, watched=[_watched()], clock=lambda: float(next(seconds)), pause=lambda _: None
    )

    with pytest.raises(UnjudgedError, match="no series of the edge"):
        watch.begin()
    with pytest.raises(UnjudgedError, match="no series of the edge"):
        canary.known(source)


def test_a_latency_above_every_bound_is_told_in_words() -> None:
    slow = Figures(requests=100, seconds=math.inf)

    assert str(slow) == (
        "0.0 % of 100 requests failed, 95 % only above the last bound of the edge's histogram"
    )


def test_each_canary_is_watched_for_its_own_time(clock: Clock) -> None:
    longer = Judge(max_error_percent=1, max_latency_ms=500, seconds=100)
    made = clock(counters(20 * n) for n in itertools.count(1))
    outcomes = made.watch(_watched(longer), _watched())

    assert made.now == 100
    assert [each.watched.limits.seconds for each in outcomes] == [100, 60]


def test_readings_are_the_stores_answer() -> None:
    answer = vector(Value(labels={"a": "b"}, number=2))

    assert canary.reading(prometheus.read(answer.body)) == {(("a", "b"),): 2.0}
