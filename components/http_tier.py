"""A tier of pods that serve HTTP: Deployment, Service, autoscaler, all from one settings model."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apps, autoscaling, core, meta, networking, policy

from . import network, workload
from .context import SKIP_AWAIT, Place
from .model.workload import Autoscaling, Workload
from .names import Identity
from .routes import Upstream

# A pod that serves for this long after its first success is counted as available: a start that dies at once
# stops the rollout instead of taking the place of a pod that works.
_MIN_READY_SECONDS = 3
_HTTP = "http"


@dataclass(frozen=True, kw_only=True)
class HttpTierArgs:
    """The tier: who it is, what it runs, and what must exist before its pods."""

    place: Place
    identity: Identity
    settings: Workload
    env: Sequence[core.v1.EnvVarArgs]
    volumes: Sequence[workload.Volume] = ()
    init: Sequence[workload.Container] = ()
    after: Sequence[pulumi.Resource] = ()


@dataclass(frozen=True, kw_only=True)
class HttpTier:
    """What was created, for whoever refers to it."""

    upstream: Upstream
    deployment: apps.v1.Deployment


def create(args: HttpTierArgs, parent: pulumi.Resource) -> HttpTier:
    """Create the tier's objects as children of `parent`."""
    place, identity, settings = args.place, args.identity, args.settings
    account = workload.account(
        f"{identity.component}-account", place, identity, parent, settings.pull_secrets
    )
    egress = outside(args, parent)
    deployment = apps.v1.Deployment(
        f"{identity.component}-deployment",
        metadata=place.pod_maker(identity.name, identity),
        # No `replicas`: the autoscaler owns the number, and setting it here would undo it at every `up`.
        spec=apps.v1.DeploymentSpecArgs(
            selector=meta.v1.LabelSelectorArgs(match_labels=identity.selector),
            min_ready_seconds=_MIN_READY_SECONDS,
            progress_deadline_seconds=settings.probes.startup_seconds + 180,
            revision_history_limit=3,
            strategy=apps.v1.DeploymentStrategyArgs(
                type="RollingUpdate",
                rolling_update=apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
            ),
            template=workload.template(_pod(args, account), place),
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[*args.after, *egress]),
    )
    service = core.v1.Service(
        f"{identity.component}-service",
        # The Deployment is awaited; waiting for endpoints too would cost ten seconds and tell nothing new.
        metadata=place.metadata(identity.name, identity, SKIP_AWAIT),
        spec=core.v1.ServiceSpecArgs(
            type="ClusterIP",
            selector=identity.selector,
            ports=[
                core.v1.ServicePortArgs(name=_HTTP, port=settings.port, target_port=_HTTP, protocol="TCP")
            ],
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    _autoscaler(args, deployment, parent)
    policy.v1.PodDisruptionBudget(
        f"{identity.component}-disruption",
        metadata=place.metadata(identity.name, identity),
        spec=policy.v1.PodDisruptionBudgetSpecArgs(
            # One at a time, at any scale; a fixed minimum would block every drain of a tier of one pod.
            max_unavailable=1,
            selector=meta.v1.LabelSelectorArgs(match_labels=identity.selector),
            # A pod that does not work protects nothing.
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    name = service.metadata.apply(lambda metadata: str(metadata.name))
    return HttpTier(
        upstream=Upstream(service=name, port=settings.port, server=identity),
        deployment=deployment,
    )


def container(args: HttpTierArgs) -> workload.Container:
    """The tier's container with its probes and its end."""
    settings, probes = args.settings, args.settings.probes
    return workload.Container(
        name=args.identity.component,
        image=settings.image,
        command=settings.command,
        args=settings.args,
        env=args.env,
        port=settings.port,
        resources=settings.resources,
        startup=workload.http_probe(probes.startup, period=1, failures=probes.startup_seconds),
        readiness=workload.http_probe(probes.readiness, period=3, failures=2),
        liveness=workload.http_probe(probes.liveness, period=8, failures=3),
        lifecycle=workload.before_stop(settings.shutdown),
    )


def outside(args: HttpTierArgs, parent: pulumi.Resource) -> list[networking.v1.NetworkPolicy]:
    """Open the paths to the hosts outside the namespace that the settings name."""
    hosts = args.settings.egress
    if not hosts:
        return []
    name = f"{args.identity.name}-to-outside"
    return [
        network.release(name, args.place, args.identity, [network.outside(host) for host in hosts], parent)
    ]


def scaling_metrics(settings: Autoscaling) -> list[autoscaling.v2.MetricSpecArgs]:
    """The targets of the autoscaler: shares of the pods' requests in percent, and requests a second."""
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
    if settings.requests_per_second is not None:
        rate = autoscaling.v2.PodsMetricSourceArgs(
            metric=autoscaling.v2.MetricIdentifierArgs(name=settings.requests_metric),
            target=autoscaling.v2.MetricTargetArgs(
                type="AverageValue", average_value=str(settings.requests_per_second)
            ),
        )
        metrics.append(autoscaling.v2.MetricSpecArgs(type="Pods", pods=rate))
    return metrics


def _pod(args: HttpTierArgs, account: pulumi.Input[str]) -> workload.Pod:
    settings = args.settings
    return workload.Pod(
        identity=args.identity,
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
    )


def _autoscaler(args: HttpTierArgs, deployment: apps.v1.Deployment, parent: pulumi.Resource) -> None:
    identity, settings = args.identity, args.settings.autoscaling
    autoscaling.v2.HorizontalPodAutoscaler(
        f"{identity.component}-autoscaler",
        metadata=args.place.metadata(identity.name, identity),
        spec=autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
            scale_target_ref=autoscaling.v2.CrossVersionObjectReferenceArgs(
                api_version="apps/v1",
                kind="Deployment",
                name=deployment.metadata.apply(lambda metadata: str(metadata.name)),
            ),
            min_replicas=settings.min_replicas,
            max_replicas=settings.max_replicas,
            metrics=scaling_metrics(settings),
            behavior=autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                scale_down=autoscaling.v2.HPAScalingRulesArgs(
                    stabilization_window_seconds=settings.scale_down_seconds
                )
            ),
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
