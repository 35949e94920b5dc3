"""Figures of a canary at the edge, from the store of metrics, and the verdict on them.

Counted is between two readings of the edge's counters, series by series: one that begins meanwhile began
at 0, and one that is lower than before was begun again. A store without any series of the edge has not read
it yet, or never does: nothing is counted from its answer.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.observing import edge
from components.settings.model.release import Judge
from components.settings.values import names
from tools.telemetry import lasthour, prometheus
from tools.telemetry.asking import Source
from tools.telemetry.prometheus import Value

QUANTILE = 0.95
# Fewer requests tell nothing of a part as small as the limit: one failure would be more than it allows.
_FEWEST, _MOST = 20, 1000
_SIDE, _FIGURE = "side", "figure"
CANARY, PRESENT = "canary", "present"
_REQUESTS, _SECONDS, _EDGE, _NOW, _READ = "requests", "seconds", "edge", "now", "read"
# Whatever Traefik tells of itself is there from its start on, before any request.
_SERIES_OF_THE_EDGE = 'count({__name__=~"traefik_.+"})'
# When each edge was read last, the one that was first; `timestamp` tells it of a selector alone.
_LAST_READ = " or ".join(
    f"min(max by (pod, instance) (timestamp({metric})))"
    for metric in ("traefik_config_reloads_total", edge.REQUESTS)
)
_FAILED = "5"

Key = tuple[tuple[str, str], ...]
Reading = Mapping[Key, float]


class UnjudgedError(Exception):
    """Figures that are not available, or too few, in words."""


class WorseError(Exception):
    """Figures of a canary that are worse than its limits, in words."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A canary to judge: its tier, the name and the port of the tier's Service, and the limits."""

    tier: str
    namespace: str
    service: str
    port: int
    limits: Judge

    @property
    def least(self) -> int:
        """Return the requests without which nothing is told of it."""
        share = self.limits.max_error_percent
        return min(_MOST, max(_FEWEST, math.ceil(100 / share))) if share else _FEWEST


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Requests, those that ended with 5xx, and the seconds within which 95 % were answered."""

    requests: float = 0
    errors: float = 0
    seconds: float | None = None

    @property
    def percent(self) -> float:
        """Return the share of errors in percent."""
        return 100 * self.errors / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        """Return them in words."""
        return f"{self.percent:.1f} % of {self.requests:,.0f} requests failed{self._within()}"

    def _within(self) -> str:
        if self.seconds is None:
            return ""
        if math.isinf(self.seconds):
            return ", 95 % only above the last bound of the edge's histogram"
        return f", 95 % within {lasthour.duration(self.seconds)}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Counts of a canary, and of the version that is present, which is told and not judged."""

    watched: Watched
    canary: Figures
    present: Figures

    @property
    def problems(self) -> list[str]:
        """Return the limits that it is above; none: it is good."""
        limits, found = self.watched.limits, []
        if self.canary.percent > limits.max_error_percent:
            found.append(f"more than {limits.max_error_percent:g} % failed")
        if self.canary.seconds is not None and 1000 * self.canary.seconds > limits.max_latency_ms:
            found.append(f"more than 5 % took longer than {limits.max_latency_ms} ms")
        return found

    def certain(self, part: float) -> bool:
        """Return whether, after this part of the time, more have failed than may in all of it."""
        enough = self.canary.requests >= self.watched.least
        allowed = self.watched.limits.max_error_percent / 100 * self.canary.requests / part
        return enough and self.canary.errors > allowed

    def __str__(self) -> str:
        """Return both in words."""
        return f"{self.watched.tier}'s canary: {self.canary}; present version: {self.present}"


def query(watched: Watched) -> str:
    """Return the counters of both versions in one query, each with labels that say which one it is.

    More series say how many of the edge's the store has, what time it is there, and when it read the edge.
    """
    sides = {CANARY: names.joined(watched.service, CANARY), PRESENT: watched.service}
    found = [
        _marked(_SERIES_OF_THE_EDGE, _FIGURE, _EDGE),
        _marked("vector(time())", _FIGURE, _NOW),
        _marked(_LAST_READ, _FIGURE, _READ),
    ]
    for side, name in sides.items():
        own = edge.only(watched.namespace, name, watched.port)
        for figure, metric, by in ((_REQUESTS, edge.REQUESTS, "code"), (_SECONDS, edge.DURATION, "le")):
            expression = f"sum by ({by}, service, pod, instance) ({metric}{{{own}}})"
            found.append(_marked(_marked(expression, _FIGURE, figure), _SIDE, side))
    return " or ".join(found)


def _marked(expression: str, label: str, value: str) -> str:
    return f'label_replace({expression}, "{label}", "{value}", "", "")'


def known(source: Source) -> None:
    """See that the store answers, and has figures of the edge.

    Raises:
        AwayError, RefusedError: as `prometheus.ask`.
        UnjudgedError: when it has none.
    """
    must_be_of_the_edge(prometheus.ask(source, _marked(_SERIES_OF_THE_EDGE, _FIGURE, _EDGE)))


def must_be_of_the_edge(values: Sequence[Value]) -> None:
    """Refuse an answer of a store that has no series of the edge's.

    Raises:
        UnjudgedError: then.
    """
    if not any(each.labels.get(_FIGURE) == _EDGE for each in values):
        raise UnjudgedError("it has no series of the edge's (traefik_…)")


def reading(values: Iterable[Value]) -> Reading:
    """Return counters by their labels."""
    return {tuple(sorted(each.labels.items())): each.number for each in values if math.isfinite(each.number)}


def counted(first: Reading, last: Reading, side: str) -> Figures:
    """Return what was counted of one side between two readings."""
    requests = errors = 0.0
    buckets: dict[float, float] = {}
    for key, value in last.items():
        labels = dict(key)
        if labels.get(_SIDE) != side:
            continue
        before = first.get(key, 0.0)
        grown = value - before if value >= before else value
        if labels.get(_FIGURE) == _REQUESTS:
            requests += grown
            errors += grown if labels.get("code", "").startswith(_FAILED) else 0
        elif (bound := _bound(labels.get("le", ""))) is not None:
            buckets[bound] = buckets.get(bound, 0.0) + grown
    return Figures(requests=requests, errors=errors, seconds=quantile(QUANTILE, buckets))


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """Return the seconds within which this share was answered, as `histogram_quantile` does.

    Above the highest finite bound it is infinite; None without requests.
    """
    bounds = sorted(buckets)
    if not bounds or not buckets[bounds[-1]]:
        return None
    wanted = share * buckets[bounds[-1]]
    below, counted_below = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted:
            within = buckets[bound] - counted_below
            if math.isinf(bound) or not within:
                return bound
            return below + (bound - below) * (wanted - counted_below) / within
        below, counted_below = bound, buckets[bound]
    return math.inf


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def now(found: Reading) -> float:
    """Return the store's time at a reading, in seconds since 1970."""
    return found.get(((_FIGURE, _NOW),), 0.0)


def read(found: Reading) -> float:
    """Return when the store had read every edge last; 0 where it does not tell."""
    return found.get(((_FIGURE, _READ),), 0.0)
