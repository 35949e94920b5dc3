"""Observability of the namespace: the way in for collectors, and the stack's rules and dashboards."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apiextensions, core

from policies.references import READ_ELSEWHERE

from .observing import dashboards, rules
from .settings.model.stack import Stack
from .settings.values import names
from .settings.values.names import Identity
from .tiers import Tier, tiers
from .workloads import network
from .workloads.context import Place

_VERSION = "monitoring.coreos.com/v1"
# By these labels their readers find them: Grafana's sidecar by the second.
_RULES, _DASHBOARDS = {"prometheus_rule": "1"}, {"grafana_dashboard": "1"}


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    """The stack, and whether the cluster takes PodMonitors and PrometheusRules from it."""

    place: Place
    stack: Stack
    monitors: bool = False


class Observability(pulumi.ComponentResource):
    """The namespace's part of observability; none of it where the settings switch it off.

    - NetworkPolicy `collectors-to-TIER`, for each tier with metrics
    - ConfigMap `feastflow-rules`: recordings and alerts as Prometheus' rule files
    - ConfigMap `feastflow-dashboards`: Grafana's JSON, which its sidecar loads
    - PodMonitor for each tier with metrics and one PrometheusRule, where the cluster has their definitions

    Not goals: collectors and stores, which belong to the cluster; and what pods are told of them, which is
    the tiers' (`workloads.telemetry`). Nothing here is awaited.
    """

    def __init__(
        self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Create them for every tier of the stack."""
        super().__init__("feastflow:kubernetes:Observability", name, None, opts)
        if args.stack.observability.enabled:
            for tier in tiers(args.stack):
                self._tier(args, tier)
            self._files(args)
        self.register_outputs({})

    def _tier(self, args: ObservabilityArgs, tier: Tier) -> None:
        """Open the tier's metrics to the collectors, and have the operator's collector read them."""
        scraped = tier.scraped
        if scraped is None:
            return
        place, collectors = args.place, network.namespace(args.stack.observability.namespace)
        pods = _pods(place, tier)
        rule = network.Rule(peers=[collectors], ports=[scraped.port])
        network.allow_ingress(names.from_collectors(tier.facts.workload), place, pods, [rule], self)
        if args.monitors:
            apiextensions.CustomResource(
                f"{tier.name}-monitor",
                api_version=_VERSION,
                kind="PodMonitor",
                metadata=place.metadata(tier.facts.workload, pods),
                spec={
                    "selector": {"matchLabels": pods.selector},
                    "podMetricsEndpoints": [{"port": scraped.port_name, "path": scraped.path}],
                },
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _files(self, args: ObservabilityArgs) -> None:
        place, own = args.place, _own(args.place)
        for name, label, files in (
            (names.RULES, _RULES, rules.files(args.stack)),
            (names.DASHBOARDS, _DASHBOARDS, dashboards.files(args.stack)),
        ):
            metadata = place.metadata(name, own, {READ_ELSEWHERE: "collectors"})
            metadata.labels = {**place.pod_labels(own), **label}
            core.v1.ConfigMap(
                name, metadata=metadata, data=dict(files), opts=pulumi.ResourceOptions(parent=self)
            )
        if args.monitors:
            apiextensions.CustomResource(
                "prometheus-rules",
                api_version=_VERSION,
                kind="PrometheusRule",
                metadata=place.metadata(names.RULES, own),
                spec=rules.specification(args.stack),
                opts=pulumi.ResourceOptions(parent=self),
            )


def _pods(place: Place, tier: Tier) -> Identity:
    """Return the identity of the tier's pods in all variants, an operator's too: those of its component."""
    facts = tier.facts
    return Identity(
        name=facts.workload,
        component=facts.name,
        instance=place.instance,
        selector_override={"component": facts.name},
    )


def _own(place: Place) -> Identity:
    return place.identity(names.OBSERVABILITY, "observability")
