"""The last hour of a stack: requests, errors, latencies, the error budget, and the alerts that fire."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from components.observing import burning
from components.settings.values.tiers import OF_APPLICATION
from tools.telemetry import plain, prometheus
from tools.telemetry.asking import Source
from tools.telemetry.prometheus import Value

_FIGURE = "figure"
_REQUESTS, _ERRORS, _BUDGET, _ALERT = "requests", "errors", "budget", "alert"
_WINDOW = "1h"
# Recordings of long windows are written every 5 minutes.
_LOOK_BACK = "15m"
_TITLES = ("requests", "errors", "p50", "p95", "p99", "budget left", "burns at")
_WIDTHS = (10, 9, 9, 9, 9, 13, 10)
_TIER = 10
_WIDTH = 100
_MOST_ALERTS = 10
_RUNBOOK = "docs/operations.md#"
_NOTHING = "-"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A tier's: counts, seconds by quantile, the budget that is left (1 is all), and how fast it burns.

    A burn of 1 uses the budget up with the end of its window. None is what the store does not tell.
    """

    requests: float | None = None
    errors: float | None = None
    seconds: Mapping[float, float] = field(default_factory=dict)
    budget: float | None = None
    burn: float | None = None


@dataclass(frozen=True, kw_only=True, order=True)
class Firing:
    """An alert that fires; `tier` is empty where it is about the whole namespace."""

    severity: str
    name: str
    tier: str = ""


@dataclass(frozen=True, kw_only=True)
class LastHour:
    """All of it, by tier."""

    tiers: Mapping[str, Figures]
    alerts: list[Firing]


def asked(source: Source, namespace: str, availability: Mapping[str, float]) -> LastHour:
    """Ask the store in one question; `availability` is the promise to each tier's users, in percent.

    Raises:
        AwayError, RefusedError: as `prometheus.ask`.
    """
    return read(prometheus.ask(source, query(namespace)), availability)


def query(namespace: str) -> str:
    """Return the one query: each figure has a label that says which one it is."""
    own = f"{{namespace={prometheus.quoted(namespace)}}}"
    firing = f'ALERTS{{namespace={prometheus.quoted(namespace)},alertstate="firing"}}'
    buckets = f"sum by (le, tier) ({burning.BUCKETS}{_WINDOW}{own})"
    figures = {
        _REQUESTS: f"sum by (tier) ({burning.REQUESTS}{_WINDOW}{own})",
        _ERRORS: f"sum by (tier) ({burning.ERRORS}{_WINDOW}{own})",
        **{f"{each:g}": f"histogram_quantile({each:g}, {buckets})" for each in burning.QUANTILES},
        _BUDGET: f"last_over_time({burning.BUDGET}{own}[{_LOOK_BACK}])",
        _ALERT: f"count by (alertname, severity, tier) ({firing})",
    }
    return " or ".join(
        f'label_replace({expression}, "{_FIGURE}", "{name}", "", "")' for name, expression in figures.items()
    )


def read(values: Iterable[Value], availability: Mapping[str, float]) -> LastHour:
    """Return what the series of the query say; what is no finite number is left out."""
    known: dict[tuple[str, str], float] = {}
    alerts = []
    for value in values:
        labels = value.labels
        if labels.get(_FIGURE) == _ALERT:
            alerts.append(
                Firing(
                    severity=labels.get("severity", ""),
                    name=labels.get("alertname", ""),
                    tier=labels.get("tier", ""),
                )
            )
        elif math.isfinite(value.number):
            known[labels.get("tier", ""), labels.get(_FIGURE, "")] = value.number
    return LastHour(
        tiers={tier: _figures(tier, known, availability) for tier in OF_APPLICATION}, alerts=sorted(alerts)
    )


def _figures(tier: str, known: Mapping[tuple[str, str], float], availability: Mapping[str, float]) -> Figures:
    requests, errors = known.get((tier, _REQUESTS)), known.get((tier, _ERRORS))
    burn = None
    if requests and errors is not None and tier in availability:
        burn = errors / requests / (1 - availability[tier] / 100)
    return Figures(
        requests=requests,
        errors=errors,
        seconds={
            each: known[tier, f"{each:g}"] for each in burning.QUANTILES if (tier, f"{each:g}") in known
        },
        budget=known.get((tier, _BUDGET)),
        burn=burn,
    )


def lines(found: LastHour, pages: Mapping[str, str]) -> list[str]:
    """Return it as lines of at most 100 characters, with the addresses of the pages that show more."""
    told = [f"the last hour at the edge: {pages['dashboards']}"]
    if any(each.requests for each in found.tiers.values()):
        told.append(_row("", _TITLES))
        told += [_row(tier, _cells(figures)) for tier, figures in found.tiers.items()]
    else:
        told.append("  no request was recorded")
    told.append(f"alerts that fire: {len(found.alerts) or 'none'}: {pages['alerts']}")
    for alert in found.alerts[:_MOST_ALERTS]:
        about = f" of {alert.tier}" if alert.tier else ""
        words = f"{alert.severity:<7}{alert.name}{about}: {_RUNBOOK}{alert.name.lower()}"
        told.append(f"  {plain.line(words, _WIDTH - 2)}")
    if len(found.alerts) > _MOST_ALERTS:
        told.append(f"  and {len(found.alerts) - _MOST_ALERTS} more")
    return told


def _cells(figures: Figures) -> tuple[str, ...]:
    return (
        _count(figures.requests),
        _count(figures.errors),
        *(duration(figures.seconds.get(each)) for each in burning.QUANTILES),
        _NOTHING if figures.budget is None else f"{100 * figures.budget:.1f} %",
        _NOTHING if figures.burn is None else f"{figures.burn:.1f}x",
    )


def _row(name: str, cells: Iterable[str]) -> str:
    padded = (f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return f"  {name:<{_TIER}}{''.join(padded)}".rstrip()


def _count(number: float | None) -> str:
    return _NOTHING if number is None else f"{number:,.0f}"


def duration(seconds: float | None) -> str:
    """Return seconds for people to read; `-` where they are not known."""
    if seconds is None:
        return _NOTHING
    milliseconds = 1000 * seconds
    if milliseconds < 10:  # noqa: PLR2004 - where tenths are seen
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
