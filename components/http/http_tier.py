"""Pods that serve HTTP: their Deployment, autoscaler, budget and account, all from one settings model.

A tier has one set of them, or two while its strategy has two versions; `traffic` routes requests to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import apps, autoscaling, core, meta, networking, policy

from ..settings.derived.variants import Variant
from ..settings.model.workload import Autoscaling, Workload
from ..settings.values import names
from ..settings.values.names import Identity
from ..workloads import environment, network, telemetry, workload
from ..workloads.context import Place, await_condition, await_paths, timeouts

# A pod that serves for this long after its first success is counted as available: a start that dies at once
# stops the rollout instead of taking the place of a pod that works.
_MIN_READY_SECONDS = 3
# For a node to be found and the image to be pulled.
_BEFORE_START_SECONDS = 180
# Three failures take a pod out of rotation, and all pods when the database is away; the first success brings
# them back.
_READINESS_SECONDS = 1
# Three failures, each known after two more seconds at the latest: 14 s until a hanging process is found out.
_LIVENESS_SECONDS = 4
# It has answered nothing for as long, so there is nothing to drain, and no use in waiting for it to do so.
_HANGING_GRACE_SECONDS = 1
# When the budget's controller has it, every pod that the Deployment wants is ready.
_ALL_READY = await_condition("DisruptionAllowed")
# When the autoscaler's controller has it, the Deployment wants as many pods as the minimum.
_SCALED = await_condition("AbleToScale")
# While all old pods of a Deployment end, its conditions are those from before, and Pulumi takes it for done.
_RECREATED = await_paths(
    "{.status.updatedReplicas}",
    '{.status.conditions[?(@.type=="Progressing")].reason}=NewReplicaSetAvailable',
)


@dataclass(frozen=True, kw_only=True)
class HttpTierArgs:
    """The pods: who they are, what they run, and what must exist before them."""

    place: Place
    identity: Identity
    variant: Variant[Any]
    # The Service of all variants, which the edge routes to.
    service: str
    env: Sequence[core.v1.EnvVarArgs]
    volumes: Sequence[workload.Volume] = ()
    init: Sequence[workload.Container] = ()
    after: Sequence[pulumi.Resource] = ()
    # For the images of the init containers, where they are not the tier's own.
    init_pull_secrets: Sequence[str] = ()

    @property
    def settings(self) -> Workload:
        """Return the settings that the pods run with."""
        settings: Workload = self.variant.settings
        return settings

    @property
    def measured(self) -> str | None:
        """Return the Service by which the edge counts the pods' requests; None where they get none."""
        if self.variant.serves:
            return self.service
        return self.identity.name if self.variant.weighed else None

    @property
    def label(self) -> str:
        """Return the beginning of the names of these resources in Pulumi."""
        return names.joined(self.identity.component, self.variant.suffix)


@dataclass(frozen=True, kw_only=True)
class Pods:
    """The created pods. Traffic may be routed to them after the resources in `ready`, and not before."""

    args: HttpTierArgs
    deployment: apps.v1.Deployment
    ready: Sequence[pulumi.Resource]


def create(args: HttpTierArgs, parent: pulumi.Resource) -> Pods:
    """Create the pods' objects as children of `parent`."""
    place, identity, settings = args.place, args.identity, args.settings
    account = workload.account(f"{args.label}-account", place, identity, parent, _pull_secrets(args))
    deployment = apps.v1.Deployment(
        f"{args.label}-deployment",
        metadata=place.workload_metadata(
            identity.name, identity, _RECREATED if settings.release.stops_first else None
        ),
        spec=apps.v1.DeploymentSpecArgs(
            # An autoscaler owns the number, and setting it here would undo it at every `up`.
            replicas=args.variant.replicas,
            selector=meta.v1.LabelSelectorArgs(match_labels=identity.selector),
            min_ready_seconds=_MIN_READY_SECONDS,
            progress_deadline_seconds=_progress_seconds(settings),
            revision_history_limit=3,
            strategy=_strategy(settings),
            template=workload.template(_pod(args, account), place),
        ),
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=list(args.after), custom_timeouts=_timeouts(settings)
        ),
    )
    scaled = [] if args.variant.replicas else [_autoscaler(args, parent)]
    budget = _budget(args, [deployment, *scaled], parent)
    return Pods(
        args=args,
        deployment=deployment,
        ready=[deployment, *([budget] if args.variant.wait_until_ready else [])],
    )


def _pull_secrets(args: HttpTierArgs) -> list[str]:
    return [*args.settings.pull_secrets, *(args.init_pull_secrets if args.init else ())]


def container(args: HttpTierArgs) -> workload.Container:
    """Return the tier's container with its probes and its end."""
    settings, probes = args.settings, args.settings.probes
    return workload.Container(
        name=args.identity.component,
        image=settings.image,
        command=environment.words(settings.command or (), args.env, settings.env_names),
        args=environment.words(settings.args, args.env, settings.env_names),
        env=args.env,
        port=settings.port,
        resources=settings.resources,
        startup=workload.http_probe(probes.startup, period=1, failures=probes.startup_seconds),
        readiness=workload.http_probe(probes.readiness, period=_READINESS_SECONDS, failures=3),
        liveness=workload.http_probe(
            probes.liveness, period=_LIVENESS_SECONDS, failures=3, grace=_HANGING_GRACE_SECONDS
        ),
        lifecycle=workload.before_stop(settings.shutdown),
    )


def outside(
    place: Place, tier: Identity, settings: Workload, parent: pulumi.Resource
) -> list[networking.v1.NetworkPolicy]:
    """Open the ways of all the tier's pods out of the namespace that the settings name."""
    ways = {
        names.outside(tier.name): [network.outside(host, place.cluster.domain) for host in settings.egress],
        names.to_collector(tier.name): telemetry.way(place),
    }
    return [
        network.allow_egress(name, place, tier.all_variants, rules, parent)
        for name, rules in ways.items()
        if rules
    ]


def scaling_metrics(settings: Autoscaling, service: str | None) -> list[autoscaling.v2.MetricSpecArgs]:
    """Return the autoscaler's targets: shares of the pods' requests in percent, and requests a second.

    The latter are those that the edge routes to `service`, for each pod: no pod has to count anything.
    """
    shares = {"cpu": settings.cpu_percent, "memory": settings.memory_percent}
    metrics = [
        autoscaling.v2.MetricSpecArgs(
            type="Resource",
            resource=autoscaling.v2.ResourceMetricSourceArgs(
                name=name,
                target=autoscaling.v2.MetricTargetArgs(type="Utilization", average_utilization=percent),
            ),
        )
        for name, percent in shares.items()
        if percent is not None
    ]
    if settings.requests_per_second is not None and service is not None:
        rate = autoscaling.v2.ObjectMetricSourceArgs(
            described_object=autoscaling.v2.CrossVersionObjectReferenceArgs(
                api_version="v1", kind="Service", name=service
            ),
            metric=autoscaling.v2.MetricIdentifierArgs(name=settings.requests_metric),
            target=autoscaling.v2.MetricTargetArgs(
                type="AverageValue", average_value=str(settings.requests_per_second)
            ),
        )
        metrics.append(autoscaling.v2.MetricSpecArgs(type="Object", object=rate))
    return metrics


def _pod(args: HttpTierArgs, account: pulumi.Input[str]) -> workload.Pod:
    settings = args.settings
    return workload.Pod(
        node_selector=settings.node_selector,
        tolerations=settings.tolerations,
        identity=args.identity,
        tier=args.identity.component,
        account=account,
        uid=settings.uid,
        gid=settings.gid,
        grace=workload.budget(settings.shutdown).grace,
        container=container(args),
        init=args.init,
        writable=settings.writable,
        volumes=args.volumes,
        share_process_namespace=settings.shutdown.share_process_namespace,
        spread=True,
        annotations=telemetry.annotations(args.place, settings.scraped),
    )


def _strategy(settings: Workload) -> apps.v1.DeploymentStrategyArgs:
    if settings.release.stops_first:
        return apps.v1.DeploymentStrategyArgs(type="Recreate")
    return apps.v1.DeploymentStrategyArgs(
        type="RollingUpdate",
        rolling_update=apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
    )


def _timeouts(settings: Workload) -> pulumi.CustomTimeouts | None:
    seconds = settings.release.timeout_seconds
    if seconds is None:
        return timeouts(_progress_seconds(settings))
    return pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s")


def _progress_seconds(settings: Workload) -> int:
    """Return the seconds without a pod that gets ready after which Kubernetes calls the rollout failed."""
    return settings.probes.startup_seconds + _BEFORE_START_SECONDS


def _budget(
    args: HttpTierArgs, before: Sequence[pulumi.Resource], parent: pulumi.Resource
) -> policy.v1.PodDisruptionBudget:
    """Create the budget, awaited where all pods must be ready: at first, and each time that this changes."""
    identity, variant = args.identity, args.variant
    return policy.v1.PodDisruptionBudget(
        f"{args.label}-disruption",
        metadata=args.place.metadata(
            identity.name, identity, _ALL_READY if variant.wait_until_ready else None
        ),
        spec=policy.v1.PodDisruptionBudgetSpecArgs(
            # One at a time, at any scale; a fixed minimum would block every drain of a tier of one pod.
            max_unavailable=1 if variant.least_available is None else None,
            min_available=variant.least_available,
            selector=meta.v1.LabelSelectorArgs(match_labels=identity.selector),
            # A pod that does not work protects nothing.
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(before) if variant.wait_until_ready else None,
            custom_timeouts=_timeouts(args.settings),
        ),
    )


def _autoscaler(args: HttpTierArgs, parent: pulumi.Resource) -> autoscaling.v2.HorizontalPodAutoscaler:
    identity, settings = args.identity, args.settings.autoscaling
    return autoscaling.v2.HorizontalPodAutoscaler(
        f"{args.label}-autoscaler",
        # The Deployment may be done with one pod; to wait for the second version is to wait for all of them.
        metadata=args.place.metadata(identity.name, identity, _SCALED if args.variant.suffix else None),
        spec=autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
            scale_target_ref=autoscaling.v2.CrossVersionObjectReferenceArgs(
                api_version="apps/v1",
                kind="Deployment",
                name=identity.name,
            ),
            min_replicas=settings.min_replicas,
            max_replicas=settings.max_replicas,
            metrics=scaling_metrics(settings, args.measured),
            behavior=autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                scale_down=autoscaling.v2.HPAScalingRulesArgs(
                    stabilization_window_seconds=settings.scale_down_seconds
                )
            ),
        ),
        # Its controller first looks after 15 s; after the Deployment was awaited, that would be on top.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(args.after)),
    )
