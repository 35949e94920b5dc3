"""Error budgets: how fast they burn, over a long and a short window each.

Google's SRE workbook, chapter 5 (https://sre.google/workbook/alerting-on-slos/): an alert fires when both
windows burn at its rate: by the long one it is certain, by the short one it ends soon after the cause.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..settings.derived.tiers import ApplicationTier
from ..settings.model.observability import Objective
from . import edge
from .promql import Alert, Group, Recording, number, series

# Of 30 days, as in the workbook's table 5-8; a longer window has as many times more budget.
_DAYS = 30
# Fewer failed or slow requests in the long window tell nothing: at night, two of three are no outage.
_LEAST = 10
# A long window that holds less than this many short ones is none: a minute's failure would be three days'.
_LONGER = 2
_FAST_SECONDS, _SLOW_SECONDS = "30s", "5m"
_FAST_WINDOWS, _SLOW_WINDOWS = ("5m", "30m", "1h"), ("2h", "6h", "1d", "3d")
QUANTILES = (0.5, 0.95, 0.99)
REQUESTS, ERRORS = "feastflow:requests:increase", "feastflow:errors:increase"
BUCKETS = "feastflow:duration_bucket:increase"
PER_SECOND, ERROR_RATIO, QUANTILE = (
    "feastflow:requests:rate",
    "feastflow:errors:ratio",
    "feastflow:duration:quantile",
)
BUDGET = "feastflow:error_budget:remaining"


@dataclass(frozen=True, kw_only=True)
class Burn:
    """A rate at which the budget burns, as a multiple of the one that uses it up with the window's end."""

    rate: float
    long: str
    short: str


_PAGES = (Burn(rate=14.4, long="1h", short="5m"), Burn(rate=6, long="6h", short="30m"))
_TICKETS = (Burn(rate=3, long="1d", short="2h"), Burn(rate=1, long="3d", short="6h"))


def groups(tier: ApplicationTier, namespace: str, objective: Objective) -> tuple[Group, ...]:
    """Return the recordings of a tier: those that change fast, and those of long windows."""
    labels = {"namespace": namespace, "tier": tier.name}
    fast = (
        *(rule for window in _FAST_WINDOWS for rule in _counted(tier, namespace, window)),
        Recording(record=PER_SECOND, expr=f"{_told(REQUESTS, '5m', labels)} / 300", labels=labels),
        Recording(record=ERROR_RATIO, expr=_ratio("5m", labels), labels=labels),
        *(
            Recording(
                record=QUANTILE,
                expr=f"histogram_quantile({number(each)}, {_told(BUCKETS, '5m', labels)})",
                labels={**labels, "quantile": number(each)},
            )
            for each in QUANTILES
        ),
    )
    slow = (
        *(rule for window in _SLOW_WINDOWS for rule in _counted(tier, namespace, window)),
        Recording(record=BUDGET, expr=_remaining(labels, objective), labels=labels),
    )
    name = f"feastflow-{namespace}-{tier.name}"
    return (
        Group(name=f"{name}-fast", interval=_FAST_SECONDS, rules=fast),
        Group(name=f"{name}-slow", interval=_SLOW_SECONDS, rules=slow),
    )


def alerts(tier: ApplicationTier, namespace: str, objective: Objective) -> Iterator[Alert]:
    """Yield the alerts on the tier's objective."""
    labels = {"namespace": namespace, "tier": tier.name}
    days = objective.window_days
    failed = f"{number(objective.availability)} % must not fail in {days} days"
    latency = objective.latency
    slow = f"{number(latency.percentile)} % must be answered within {latency.milliseconds} ms in {days} days"
    for burns, speed, severity in ((_PAGES, "Fast", "page"), (_TICKETS, "Slowly", "ticket")):
        for kind, promise, expression in (
            ("Error", failed, _failing(burns, labels, objective)),
            ("Latency", slow, _slow(burns, labels, objective)),
        ):
            if expression:
                yield Alert(
                    name=f"{kind}BudgetBurns{speed}",
                    expr=expression,
                    severity=severity,
                    summary=f"{tier.facts.title} of {namespace}, requests: {promise}; that budget burns",
                    labels=labels,
                )


def _counted(tier: ApplicationTier, namespace: str, window: str) -> Iterator[Recording]:
    """Yield requests, errors and durations of a window, as counts: their ratios need no seconds."""
    labels = {"namespace": namespace, "tier": tier.name}
    every, failed = edge.requests(tier, namespace), edge.requests(tier, namespace, edge.FAILED)
    seconds = edge.durations(tier, namespace)
    yield Recording(record=f"{REQUESTS}{window}", expr=f"sum(increase({every}[{window}]))", labels=labels)
    # A series of errors begins with the first error.
    yield Recording(
        record=f"{ERRORS}{window}", expr=f"sum(increase({failed}[{window}])) or vector(0)", labels=labels
    )
    yield Recording(
        record=f"{BUCKETS}{window}", expr=f"sum by (le) (increase({seconds}[{window}]))", labels=labels
    )


def _told(name: str, window: str, labels: dict[str, str]) -> str:
    return series(f"{name}{window}", **labels)


def _ratio(window: str, labels: dict[str, str]) -> str:
    return f"{_told(ERRORS, window, labels)} / {_told(REQUESTS, window, labels)}"


def _possible(burns: tuple[Burn, ...], objective: Objective, promised: float) -> Iterator[tuple[Burn, float]]:
    """Yield the burns that can be, each with the share of bad requests at which it begins."""
    budget = 1 - promised / 100
    for burn in burns:
        share = burn.rate * objective.window_days / _DAYS * budget
        if share < 1:
            yield burn, share


def _failing(burns: tuple[Burn, ...], labels: dict[str, str], objective: Objective) -> str:
    return " or ".join(
        f"({_ratio(burn.long, labels)} > {number(share)} and {_ratio(burn.short, labels)} > {number(share)} "
        f"and {_told(ERRORS, burn.long, labels)} >= {_LEAST} and {_lasting(burn, labels)})"
        for burn, share in _possible(burns, objective, objective.availability)
    )


def _slow(burns: tuple[Burn, ...], labels: dict[str, str], objective: Objective) -> str:
    """Return where a larger share of requests is slow than the burn allows, whatever buckets the edge has.

    A share above S is slower than T exactly where the quantile 1 - S is above T.
    """
    limit = number(objective.latency.milliseconds / 1000)

    def above(window: str, share: float) -> str:
        return f"histogram_quantile({number(1 - share)}, {_told(BUCKETS, window, labels)}) > {limit}"

    return " or ".join(
        f"({above(burn.long, share)} and {above(burn.short, share)} "
        f"and {_told(REQUESTS, burn.long, labels)} * {number(share)} >= {_LEAST} "
        f"and {_lasting(burn, labels)})"
        for burn, share in _possible(burns, objective, objective.latency.percentile)
    )


def _lasting(burn: Burn, labels: dict[str, str]) -> str:
    """Return the condition that the long window holds more than the short one: not so where a store began."""
    long, short = (_told(REQUESTS, window, labels) for window in (burn.long, burn.short))
    return f"{long} >= {_LONGER} * {short}"


def _remaining(labels: dict[str, str], objective: Objective) -> str:
    """Return the part of the budget of failures that is left, from 1 down; below 0 it is overdrawn."""
    days = f"[{objective.window_days}d]"
    failed, every = (f"sum_over_time({_told(name, '5m', labels)}{days})" for name in (ERRORS, REQUESTS))
    return f"1 - {failed} / {every} / {number(1 - objective.availability / 100)}"
