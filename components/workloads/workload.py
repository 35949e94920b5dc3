"""The hardened pod, once: whatever runs in the namespace is built here and meets Pod Security `restricted`.

A deviation needs a named argument, and there is none for privileges: what cannot run without them cannot run
here. Not a goal: sidecars, host access, devices.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import core, meta

from ..settings.model.nodes import Toleration
from ..settings.model.workload import Resources, Shutdown, WritablePath
from ..settings.values import names, quantities
from ..settings.values.names import Identity
from .budget import ShutdownBudget
from .context import Place

# Logs and the container's own layer, besides the sized writable paths.
LOCAL_STORAGE = "128Mi"
LOCAL_STORAGE_REQUEST = "32Mi"
# Of a path in its volume's name, and of that name before a digest: a label has 63 characters.
_SHOWN, _LABEL = 50, 52
NODE_GONE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume of the pod and where its one container sees it; `sub_path` mounts a single file of it."""

    source: core.v1.VolumeArgs
    path: str
    read_only: bool = True
    sub_path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container; all containers of a pod share its user, its group and its volumes.

    `probes` holds keyword arguments of `ContainerArgs`: `liveness_probe`, `readiness_probe`, `startup_probe`.
    """

    name: str
    image: str
    resources: Resources
    command: Sequence[str] | None = None
    args: Sequence[str] = ()
    env: Sequence[core.v1.EnvVarArgs] = ()
    port: int | None = None
    port_name: str = "http"
    liveness: core.v1.ProbeArgs | None = None
    readiness: core.v1.ProbeArgs | None = None
    startup: core.v1.ProbeArgs | None = None
    lifecycle: core.v1.LifecycleArgs | None = None


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod: its containers and what they share. `grace` is in seconds.

    `tier` is the one whose PriorityClass it has; None for a Job, which has no class: it can wait. It runs on
    the node of a pod of `with_pod_of`, whose volume it may then have too.
    """

    identity: Identity
    tier: str | None
    container: Container
    account: pulumi.Input[str]
    uid: int
    gid: int
    grace: int
    init: Sequence[Container] = ()
    share_process_namespace: bool = False
    writable: Sequence[WritablePath] = ()
    volumes: Sequence[Volume] = ()
    spread: bool = False
    with_pod_of: Identity | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Toleration] = ()
    restart_policy: str = "Always"
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


def budget(settings: Shutdown) -> ShutdownBudget:
    """Return the pod's end, from its settings."""
    return ShutdownBudget(
        endpoint_removal=settings.endpoint_removal_seconds,
        drain=settings.drain_seconds,
        margin=settings.margin_seconds,
        proxy_idle=settings.proxy_idle_seconds,
    )


def lifetime_variables(settings: Shutdown) -> dict[str, str]:
    """Return the variables that tell the process of the pod's end and of the proxy before it."""
    end = budget(settings)
    return {"KEEP_ALIVE_TIMEOUT": str(end.keep_alive_milliseconds), "DRAIN_SECONDS": str(end.drain)}


def template(pod: Pod, place: Place) -> core.v1.PodTemplateSpecArgs:
    """Return the pod as Deployments, StatefulSets and Jobs take it."""
    own = volume_names([entry.path for entry in pod.writable])
    mounts = [_writable_mount(entry, own[entry.path]) for entry in pod.writable]
    mounts += [_mount(volume) for volume in pod.volumes]
    storage = _ephemeral(pod.writable)
    return core.v1.PodTemplateSpecArgs(
        metadata=meta.v1.ObjectMetaArgs(
            labels=place.pod_labels(pod.identity),
            annotations=dict(pod.annotations) if pod.annotations else None,
        ),
        spec=core.v1.PodSpecArgs(
            service_account_name=pod.account,
            automount_service_account_token=False,
            # A Service called `postgres` would otherwise invent POSTGRES_PORT=tcp://… in every container.
            enable_service_links=False,
            # A pause process as PID 1 then passes SIGTERM's default on to processes that would ignore it as
            # PID 1.
            share_process_namespace=True if pod.share_process_namespace else None,
            restart_policy=pod.restart_policy,
            priority_class_name=place.priority(pod.tier),
            termination_grace_period_seconds=pod.grace,
            security_context=core.v1.PodSecurityContextArgs(
                run_as_non_root=True,
                run_as_user=pod.uid,
                run_as_group=pod.gid,
                fs_group=pod.gid,
                fs_group_change_policy="OnRootMismatch",
                seccomp_profile=core.v1.SeccompProfileArgs(type="RuntimeDefault"),
            ),
            init_containers=[_container(entry, mounts, storage) for entry in pod.init] or None,
            containers=[_container(pod.container, mounts, storage)],
            volumes=[_writable_volume(entry, own[entry.path]) for entry in pod.writable]
            + _sources(pod.volumes),
            node_selector=dict(pod.node_selector) or None,
            tolerations=[*tolerations(place.cluster.dead_node_seconds), *map(_tolerated, pod.tolerations)],
            topology_spread_constraints=spread(pod.identity, place) if pod.spread else None,
            affinity=_on_node_of(pod.with_pod_of) if pod.with_pod_of else None,
        ),
    )


def _on_node_of(identity: Identity) -> core.v1.AffinityArgs:
    """Return what binds a pod to the node of another workload's."""
    term = core.v1.PodAffinityTermArgs(
        label_selector=meta.v1.LabelSelectorArgs(match_labels=identity.selector),
        topology_key="kubernetes.io/hostname",
    )
    return core.v1.AffinityArgs(
        pod_affinity=core.v1.PodAffinityArgs(required_during_scheduling_ignored_during_execution=[term])
    )


def tolerations(seconds: int) -> list[core.v1.TolerationArgs]:
    """Return how long a pod stays on a node that does not answer, instead of Kubernetes' own 300 s."""
    return [
        core.v1.TolerationArgs(key=key, operator="Exists", effect="NoExecute", toleration_seconds=seconds)
        for key in NODE_GONE
    ]


def _tolerated(taint: Toleration) -> core.v1.TolerationArgs:
    return core.v1.TolerationArgs(
        key=taint.key,
        operator=taint.operator,
        value=taint.value,
        effect=taint.effect,
        toleration_seconds=taint.toleration_seconds,
    )


def http_probe(
    path: str, *, period: int, failures: int, timeout: int = 2, grace: int | None = None
) -> core.v1.ProbeArgs:
    """Return a probe by HTTP on the container's port; `period` and `timeout` in seconds.

    `grace` are the seconds, instead of the pod's own, until SIGKILL for a process that it found hanging.
    """
    return core.v1.ProbeArgs(
        http_get=core.v1.HTTPGetActionArgs(path=path, port="http"),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
        termination_grace_period_seconds=grace,
    )


def tcp_probe(port: str, *, period: int, failures: int, timeout: int = 2) -> core.v1.ProbeArgs:
    """Return a probe by a connection to a named port of the container; `period` and `timeout` in seconds.

    It shows that something listens, not that it works.
    """
    return core.v1.ProbeArgs(
        tcp_socket=core.v1.TCPSocketActionArgs(port=port),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def exec_probe(command: Sequence[str], *, period: int, failures: int, timeout: int = 5) -> core.v1.ProbeArgs:
    """Return a probe by a command in the container; `period` and `timeout` in seconds."""
    return core.v1.ProbeArgs(
        exec_=core.v1.ExecActionArgs(command=list(command)),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def before_stop(shutdown: Shutdown) -> core.v1.LifecycleArgs | None:
    """Return what happens between the pod's removal from its Service and SIGTERM.

    The native `preStop` sleep needs no shell in the image; a command of the user's takes its place.
    """
    seconds = budget(shutdown).pre_stop
    if shutdown.pre_stop_command:
        handler = core.v1.LifecycleHandlerArgs(
            exec_=core.v1.ExecActionArgs(command=list(shutdown.pre_stop_command))
        )
    elif seconds:
        handler = core.v1.LifecycleHandlerArgs(sleep=core.v1.SleepActionArgs(seconds=seconds))
    else:
        return None
    return core.v1.LifecycleArgs(pre_stop=handler)


def account(
    name: str,
    place: Place,
    identity: Identity,
    parent: pulumi.Resource,
    pull_secrets: Sequence[str] = (),
    annotations: Mapping[str, str] | None = None,
) -> pulumi.Output[str]:
    """Create the workload's own ServiceAccount, whose token no pod mounts, and return its name.

    By `annotations` a cloud gives its pods a role there.
    """
    created = core.v1.ServiceAccount(
        name,
        metadata=place.metadata(identity.name, identity, annotations),
        automount_service_account_token=False,
        image_pull_secrets=[
            core.v1.LocalObjectReferenceArgs(name=secret) for secret in dict.fromkeys(pull_secrets)
        ]
        or None,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return created.metadata.apply(lambda metadata: str(metadata.name))


def _container(
    entry: Container, mounts: Sequence[core.v1.VolumeMountArgs], storage: str
) -> core.v1.ContainerArgs:
    requests, limits = entry.resources.requests, entry.resources.limits
    return core.v1.ContainerArgs(
        name=entry.name,
        image=entry.image,
        image_pull_policy="IfNotPresent",
        command=list(entry.command) if entry.command else None,
        args=list(entry.args) or None,
        env=list(entry.env) or None,
        ports=[core.v1.ContainerPortArgs(name=entry.port_name, container_port=entry.port, protocol="TCP")]
        if entry.port
        else None,
        resources=core.v1.ResourceRequirementsArgs(
            requests={
                "cpu": requests.cpu,
                "memory": requests.memory,
                "ephemeral-storage": LOCAL_STORAGE_REQUEST,
            },
            limits={"cpu": limits.cpu, "memory": limits.memory, "ephemeral-storage": storage},
        ),
        security_context=core.v1.SecurityContextArgs(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            privileged=False,
            run_as_non_root=True,
            capabilities=core.v1.CapabilitiesArgs(drop=["ALL"]),
        ),
        volume_mounts=list(mounts) or None,
        liveness_probe=entry.liveness,
        readiness_probe=entry.readiness,
        startup_probe=entry.startup,
        lifecycle=entry.lifecycle,
        # The last lines of a container that failed reach `kubectl describe` and Pulumi's own error.
        termination_message_policy="FallbackToLogsOnError",
    )


def spread(identity: Identity, place: Place) -> list[core.v1.TopologySpreadConstraintArgs]:
    """Return how the workload's pods keep apart: over zones first, then over nodes."""
    # Zones are required as soon as there are several: the scheduler counts only zones whose nodes take pods,
    # so a zone that is down blocks nothing. Nodes are a preference, or two replicas could not run on one
    # node.
    rules = (
        ("topology.kubernetes.io/zone", "DoNotSchedule" if place.cluster.zones > 1 else "ScheduleAnyway"),
        ("kubernetes.io/hostname", "ScheduleAnyway"),
    )
    return [
        core.v1.TopologySpreadConstraintArgs(
            topology_key=key,
            max_skew=1,
            when_unsatisfiable=when,
            label_selector=meta.v1.LabelSelectorArgs(match_labels=identity.selector),
            # During a rollout each version spreads for itself; otherwise the old pods decide where new ones
            # go.
            match_label_keys=["pod-template-hash"],
            node_taints_policy="Honor",
        )
        for key, when in rules
    ]


def volume_name(path: str) -> str:
    """Return the volume's name for a writable path: a DNS label that shows the path."""
    shown = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[:_SHOWN].strip("-")
    return names.joined("writable", shown)


def volume_names(paths: Sequence[str]) -> dict[str, str]:
    """Return the volumes' names of writable paths: paths that would share one have their digest in it."""
    short = {path: volume_name(path) for path in paths}
    long = {path: f"{name[:_LABEL]}-{names.digest(path)}" for path, name in short.items()}
    counts = Counter(short.values())
    mixed = {path: name if counts[name] == 1 else long[path] for path, name in short.items()}
    return mixed if len(set(mixed.values())) == len(mixed) else long


def _writable_mount(entry: WritablePath, name: str) -> core.v1.VolumeMountArgs:
    return core.v1.VolumeMountArgs(name=name, mount_path=entry.path)


def _writable_volume(entry: WritablePath, name: str) -> core.v1.VolumeArgs:
    return core.v1.VolumeArgs(name=name, empty_dir=core.v1.EmptyDirVolumeSourceArgs(size_limit=entry.size))


def _mount(volume: Volume) -> core.v1.VolumeMountArgs:
    return core.v1.VolumeMountArgs(
        name=volume.source.name, mount_path=volume.path, read_only=volume.read_only, sub_path=volume.sub_path
    )


def _sources(volumes: Sequence[Volume]) -> list[core.v1.VolumeArgs]:
    unique: list[core.v1.VolumeArgs] = []
    for volume in volumes:
        if volume.source not in unique:
            unique.append(volume.source)
    return unique


def _ephemeral(writable: Sequence[WritablePath]) -> str:
    total = quantities.parse(LOCAL_STORAGE) + sum(quantities.parse(entry.size) for entry in writable)
    return quantities.format_bytes(total)
