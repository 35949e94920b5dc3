"""The stack's dashboard as Grafana reads it: each tier's requests, errors, latency and pods; the database.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..settings.derived import tiers
from ..settings.derived.tiers import Tier
from ..settings.model.stack import Stack
from . import burning
from .promql import number, series

_SCHEMA = 39
_WIDTH, _HEIGHT = 24, 8
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_UID = 40
_DATABASE = "database"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A query, and the text of its legend, which may name labels as `{{pod}}`."""

    expr: str
    legend: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Lines over time, or with `single` their last values. `unit` is one of Grafana's."""

    title: str
    lines: tuple[Line, ...]
    unit: str = "short"
    single: bool = False


def files(stack: Stack) -> Mapping[str, str]:
    """Return the dashboards by the names of their files."""
    return {f"{stack.namespace}.json": json.dumps(_dashboard(stack), separators=(",", ":"))}


def rows(stack: Stack) -> dict[str, tuple[Panel, ...]]:
    """Return the panels by the row that they are in."""
    found = {"Objectives": tuple(_objectives(stack))}
    for tier in tiers.applications(stack):
        found[tier.facts.title.capitalize()] = (
            *_requests(stack.namespace, tier.name, stack.observability.objective(tier.name).availability),
            *_pods(stack.namespace, tier),
        )
    for other in tiers.tiers(stack):
        # An external server has neither pods nor volumes here.
        if not other.facts.of_application and not (other.name == _DATABASE and stack.database.external):
            own = _servers(stack) if other.name == _DATABASE else ()
            found[other.facts.title] = (*_pods(stack.namespace, other), *own)
    return found


def _dashboard(stack: Stack) -> dict[str, Any]:
    return {
        "uid": stack.namespace[:_UID],
        "title": f"FeastFlow: {stack.namespace}",
        "tags": ["feastflow", stack.environment],
        "schemaVersion": _SCHEMA,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": list(_placed(rows(stack))),
    }


def _placed(found: Mapping[str, Iterable[Panel]]) -> Iterator[dict[str, Any]]:
    """Yield each row's head and its panels below it, up to four abreast."""
    top, identity = 0, 0
    for title, panels in found.items():
        identity += 1
        place = {"h": 1, "w": _WIDTH, "x": 0, "y": top}
        yield {
            "id": identity,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        top += 1
        several = list(panels)
        abreast = min(4, len(several)) or 1
        for index, panel in enumerate(several):
            identity += 1
            line, column = divmod(index, abreast)
            width = _WIDTH // abreast
            place = {"h": _HEIGHT, "w": width, "x": column * width, "y": top + line * _HEIGHT}
            yield {"id": identity, "gridPos": place, **_written(panel)}
        top += -(-len(several) // abreast) * _HEIGHT


def _written(panel: Panel) -> dict[str, Any]:
    return {
        "type": "stat" if panel.single else "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "expr": line.expr,
                "legendFormat": line.legend,
                "datasource": _SOURCE,
            }
            for index, line in enumerate(panel.lines)
        ],
    }


def _objectives(stack: Stack) -> Iterator[Panel]:
    own = {"namespace": stack.namespace}
    yield Panel(
        title="Error budget left",
        lines=(Line(expr=series(burning.BUDGET, **own), legend="{{tier}}"),),
        unit="percentunit",
        single=True,
    )
    firing = series("ALERTS", namespace=stack.namespace, alertstate="firing")
    yield Panel(
        title="Alerts",
        lines=(Line(expr=f"sum by (alertname, tier, severity) ({firing})", legend="{{alertname}} {{tier}}"),),
        single=True,
    )
    yield Panel(
        title="Requests",
        lines=(Line(expr=series(burning.PER_SECOND, **own), legend="{{tier}}"),),
        unit="reqps",
    )
    yield Panel(
        title="Errors",
        lines=(Line(expr=series(burning.ERROR_RATIO, **own), legend="{{tier}}"),),
        unit="percentunit",
    )


def _requests(namespace: str, tier: str, availability: float) -> Iterator[Panel]:
    own = {"namespace": namespace, "tier": tier}
    yield Panel(
        title="Requests",
        lines=(Line(expr=series(burning.PER_SECOND, **own), legend="requests"),),
        unit="reqps",
    )
    yield Panel(
        title="Errors",
        lines=(
            Line(expr=series(burning.ERROR_RATIO, **own), legend="errors"),
            Line(expr=f"vector({number(1 - availability / 100)})", legend="budget"),
        ),
        unit="percentunit",
    )
    yield Panel(
        title="Latency",
        lines=tuple(
            Line(expr=series(burning.QUANTILE, **own, quantile=number(each)), legend=f"p{each * 100:.0f}")
            for each in burning.QUANTILES
        ),
        unit="s",
    )


def _pods(namespace: str, tier: Tier) -> Iterator[Panel]:
    """Yield panels of the tier's pods, by kube-state-metrics' and the kubelet's names, or OpenTelemetry's."""
    workload = tier.facts.workload
    own, other = f'pod=~"{workload}-.*"', f'k8s_pod_name=~"{workload}-.*"'

    def either(standard: str, opentelemetrys: str) -> str:
        # Each start of a container is a series of OpenTelemetry's, by the container's id.
        return f"sum({standard}) or sum(max by (k8s_pod_name, k8s_container_name) ({opentelemetrys}))"

    ready = series("kube_pod_status_ready", own, namespace=namespace, condition="true")
    containers = series("k8s_container_ready", other, k8s_namespace_name=namespace)
    restarts = series("kube_pod_container_status_restarts_total", own, namespace=namespace)
    others = series("k8s_container_restarts", other, k8s_namespace_name=namespace)
    yield Panel(
        title="Pods",
        lines=(
            Line(expr=either(ready, containers), legend="ready"),
            Line(expr=either(restarts, others), legend="restarts"),
        ),
    )
    used = series("container_cpu_usage_seconds_total", own, 'container!=""', namespace=namespace)
    memory = series("container_memory_working_set_bytes", own, 'container!=""', namespace=namespace)
    pods = series("k8s_pod_cpu_usage", other, k8s_namespace_name=namespace)
    sets = series("k8s_pod_memory_working_set_bytes", other, k8s_namespace_name=namespace)
    yield Panel(
        title="Processor time, cores",
        lines=(
            Line(
                expr=f"sum by (pod) (rate({used}[5m])) or sum by (k8s_pod_name) ({pods})",
                legend="{{pod}}{{k8s_pod_name}}",
            ),
        ),
    )
    yield Panel(
        title="Memory",
        lines=(
            Line(
                expr=f"sum by (pod) ({memory}) or sum by (k8s_pod_name) ({sets})",
                legend="{{pod}}{{k8s_pod_name}}",
            ),
        ),
        unit="bytes",
    )


def _servers(stack: Stack) -> Iterator[Panel]:
    """Yield panels of PostgreSQL: CloudNativePG's own metrics, and the volumes of either engine."""
    own = {"namespace": stack.namespace}
    if stack.database.engine == "replicated":
        opened = series("cnpg_backends_total", **own)
        most = series("cnpg_pg_settings_setting", **own, name="max_connections")
        yield Panel(
            title="Connections",
            lines=(
                Line(expr=f"sum by (pod) ({opened})", legend="{{pod}}"),
                Line(expr=f"max({most})", legend="limit"),
            ),
        )
        yield Panel(
            title="Replication lag",
            lines=(Line(expr=series("cnpg_pg_replication_lag", **own), legend="{{pod}}"),),
            unit="s",
        )
        committed = series("cnpg_pg_stat_database_xact_commit", **own, datname=stack.database.name)
        undone = series("cnpg_pg_stat_database_xact_rollback", **own, datname=stack.database.name)
        yield Panel(
            title="Transactions",
            lines=(
                Line(expr=f"sum(rate({committed}[5m]))", legend="committed"),
                Line(expr=f"sum(rate({undone}[5m]))", legend="rolled back"),
            ),
            unit="ops",
        )
    used = series("kubelet_volume_stats_used_bytes", **own)
    size = series("kubelet_volume_stats_capacity_bytes", **own)
    yield Panel(
        title="Volumes",
        lines=(Line(expr=f"{used} / {size}", legend="{{persistentvolumeclaim}}"),),
        unit="percentunit",
    )
