"""The rules of a stack: recordings and alerts, for the operator's PrometheusRule and as plain rule files."""

from collections.abc import Mapping
from typing import Any

import yaml

from ..settings.derived import tiers
from ..settings.model.stack import Stack
from . import alerts, burning
from .promql import Group

_WIDTH = 10_000


def groups(stack: Stack) -> tuple[Group, ...]:
    """Return every group of the stack: those of each tier, and the namespace's."""
    found: list[Group] = []
    for tier in tiers.applications(stack):
        objective = stack.observability.objective(tier.name)
        found += burning.groups(tier, stack.namespace, objective)
        found.append(
            Group(
                name=f"feastflow-{stack.namespace}-{tier.name}-objective",
                interval="30s",
                rules=tuple(burning.alerts(tier, stack.namespace, objective)),
            )
        )
    return (*found, alerts.group(stack))


def specification(stack: Stack) -> dict[str, Any]:
    """Return the `spec` of a PrometheusRule, which is a rule file's content."""
    return {"groups": [group.written() for group in groups(stack)]}


def files(stack: Stack) -> Mapping[str, str]:
    """Return Prometheus' rule files by name."""
    text = yaml.safe_dump(specification(stack), sort_keys=False, width=_WIDTH, allow_unicode=True)
    return {"feastflow.yaml": text}
