"""PromQL, as far as the rules need it: selectors, and rules as Prometheus' rule files have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RUNBOOK = "docs/operations.md"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A series that is computed in advance."""

    record: str
    expr: str
    labels: Mapping[str, str]

    def written(self) -> dict[str, Any]:
        """Return it as rule files have it."""
        return {"record": self.record, "expr": self.expr, "labels": dict(self.labels)}


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert: a `page` is read at once, a `ticket` on the next working day.

    `lasts` is the time for which the expression must hold before it fires.
    `summary` may name labels of the series, as `{{ $labels.pod }}`.
    """

    name: str
    expr: str
    severity: str
    summary: str
    lasts: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> dict[str, Any]:
        """Return it as rule files have it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": self.lasts} if self.lasts else {}),
            "labels": {**self.labels, "severity": self.severity},
            "annotations": {"summary": self.summary, "runbook": f"{RUNBOOK}#{self.name.lower()}"},
        }


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules that are evaluated together, one after the other, each `interval`."""

    name: str
    interval: str
    rules: tuple[Recording | Alert, ...]

    def written(self) -> dict[str, Any]:
        """Return it as rule files have it."""
        rules = [rule.written() for rule in self.rules]
        return {"name": self.name, "interval": self.interval, "rules": rules}


def series(metric: str, *conditions: str, **labels: str) -> str:
    """Return the selector of a metric's series with these labels; `conditions` are written out."""
    every = [*(f'{name}="{value}"' for name, value in labels.items()), *conditions]
    return f"{metric}{{{','.join(every)}}}"


def number(value: float) -> str:
    """Return the number without what floating point adds at its end."""
    return f"{value:.10g}"
