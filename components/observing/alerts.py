"""Alerts on the namespace's parts: pods, volumes, the quota, autoscalers, the certificate, the database.

Metrics of objects are kube-state-metrics' by their standard names, or those of OpenTelemetry's receiver
`k8s_cluster`, whichever the store has:
https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/receiver/k8sclusterreceiver
"""

from collections.abc import Iterator

from ..settings.derived import tiers, variants
from ..settings.model.stack import Stack
from ..settings.values import names
from . import edge, proved
from .promql import Alert, Group, series

# An alert must outlast a rollout and a drain, which are over in minutes.
_BRIEF, _LASTING = "5m", "15m"
# The kubelet waits 5 min at most between two starts: six in half an hour. Four are more than a bad minute.
_RESTARTS, _RESTARTS_WINDOW = 3, "30m"
_VOLUME_PERCENT, _CONNECTIONS_PERCENT, _QUOTA_PERCENT = 80, 80, 90
_LAG_SECONDS = 30
# Renewed a month before its end: https://cert-manager.io/docs/usage/certificate/#issuance-triggers
_CERTIFICATE_DAYS = 14
_DAY = 86_400
# A day, and two hours for the backup itself.
_BACKUP_HOURS = 26
# Templates of what an alert was found for.
_POD, _RESOURCE, _VALUE = "{{ $labels.pod }}", "{{ $labels.resource }}", '{{ $value | printf "%.0f" }}'


def group(stack: Stack) -> Group:
    """Return the alerts on the namespace and what is in it."""
    every = (
        *_of_pods(stack.namespace),
        *_of_limits(stack),
        *(_of_certificate(stack) if stack.edge.tls.enabled else ()),
        *(_of_servers(stack.namespace) if stack.database.engine == "replicated" else ()),
        *proved.alerts(stack),
    )
    return Group(name=f"feastflow-{stack.namespace}-namespace", interval="30s", rules=every)


def _of_pods(namespace: str) -> Iterator[Alert]:
    labels = {"namespace": namespace}
    counted = series("kube_pod_container_status_restarts_total", namespace=namespace)
    others = series("k8s_container_restarts", k8s_namespace_name=namespace)
    restarts = f"{_risen(counted, 'pod, container')} or {_risen(others, 'k8s_pod_name, k8s_container_name')}"
    yield Alert(
        name="PodCrashLooping",
        expr=f"({restarts}) > {_RESTARTS}",
        severity="page",
        summary=f"pod {_told('pod', 'k8s_pod_name')} of {namespace} starts again and again",
        labels=labels,
    )
    used = series("kubelet_volume_stats_used_bytes", namespace=namespace)
    size = series("kubelet_volume_stats_capacity_bytes", namespace=namespace)
    claimed = 'k8s_persistentvolumeclaim_name!=""'
    free = series("k8s_volume_available_bytes", claimed, k8s_namespace_name=namespace)
    whole = series("k8s_volume_capacity_bytes", claimed, k8s_namespace_name=namespace)
    claim = _told("persistentvolumeclaim", "k8s_persistentvolumeclaim_name")
    yield Alert(
        name="VolumeFilling",
        expr=f"100 * ({used} / {size} or 1 - {free} / {whole}) > {_VOLUME_PERCENT}",
        lasts=_BRIEF,
        severity="ticket",
        summary=f"volume {claim} of {namespace} is {_VALUE} % full",
        labels=labels,
    )


def _of_limits(stack: Stack) -> Iterator[Alert]:
    namespace = stack.namespace
    labels = {"namespace": namespace}
    used = series("kube_resourcequota", namespace=namespace, type="used")
    hard = series("kube_resourcequota", namespace=namespace, type="hard")
    taken = series("k8s_resource_quota_used", k8s_namespace_name=namespace)
    limit = series("k8s_resource_quota_hard_limit", k8s_namespace_name=namespace)
    if stack.tenancy.create_namespace:
        yield Alert(
            name="QuotaNearFull",
            expr=f"100 * ({used} / ignoring (type) {hard} or {taken} / {limit}) > {_QUOTA_PERCENT}",
            lasts=_LASTING,
            severity="ticket",
            summary=f"{_RESOURCE} of {namespace} is used to {_VALUE} %",
            labels=labels,
        )
    scaled = _scaled(stack)
    if scaled:
        own, others = f'horizontalpodautoscaler=~"{scaled}"', f'k8s_hpa_name=~"{scaled}"'
        now = series("kube_horizontalpodautoscaler_status_current_replicas", own, namespace=namespace)
        most = series("kube_horizontalpodautoscaler_spec_max_replicas", own, namespace=namespace)
        pods = series("k8s_hpa_current_replicas", others, k8s_namespace_name=namespace)
        bound = series("k8s_hpa_max_replicas", others, k8s_namespace_name=namespace)
        yield Alert(
            name="AutoscalerAtMaximum",
            expr=f"{now} >= {most} or {pods} >= {bound}",
            lasts=_LASTING,
            severity="ticket",
            summary=f"{_told('horizontalpodautoscaler', 'k8s_hpa_name')} of {namespace} cannot add a pod",
            labels=labels,
        )


def _of_certificate(stack: Stack) -> Iterator[Alert]:
    # The newest of those that the edge has read for the host: an old one stays in its metrics.
    served = f"max({edge.certificates(stack.edge.host)})"
    issued = series(
        "certmanager_certificate_expiration_timestamp_seconds",
        namespace=stack.namespace,
        name=names.CERTIFICATE,
    )
    yield Alert(
        name="CertificateExpires",
        expr=f"(({served} or max({issued})) - time()) / {_DAY} < {_CERTIFICATE_DAYS}",
        lasts=_LASTING,
        severity="page",
        summary=f"the certificate of {stack.edge.host} ends in {_VALUE} days and was not renewed",
        labels={"namespace": stack.namespace},
    )


def _of_servers(namespace: str) -> Iterator[Alert]:
    """Yield the alerts on CloudNativePG's instances: https://cloudnative-pg.io/documentation/1.28/monitoring/."""
    labels = {"namespace": namespace, "tier": "database"}

    def own(metric: str, **more: str) -> str:
        return series(metric, namespace=namespace, **more)

    yield Alert(
        name="ReplicationLag",
        expr=f"max by (pod) ({own('cnpg_pg_replication_lag')}) > {_LAG_SECONDS}",
        lasts=_BRIEF,
        severity="page",
        summary=f"standby {_POD} of {namespace} is {_VALUE} s behind",
        labels=labels,
    )
    open_ = f"sum by (pod) ({own('cnpg_backends_total')})"
    most = f"max by (pod) ({own('cnpg_pg_settings_setting', name='max_connections')})"
    yield Alert(
        name="ConnectionsNearLimit",
        expr=f"100 * {open_} / {most} > {_CONNECTIONS_PERCENT}",
        lasts=_LASTING,
        severity="ticket",
        summary=f"{_POD} of {namespace} has {_VALUE} % of its connections in use",
        labels=labels,
    )
    # Without backups it is 0. The plugin for backups has a name of its own for it.
    last = (
        f"max({own('cnpg_collector_last_available_backup_timestamp')} > 0 "
        f"or {own('barman_cloud_cloudnative_pg_io_last_available_backup_timestamp')} > 0)"
    )
    yield Alert(
        name="BackupTooOld",
        expr=f"(time() - {last}) / 3600 > {_BACKUP_HOURS}",
        lasts=_LASTING,
        severity="ticket",
        summary=f"the last backup of {namespace} is {_VALUE} hours old",
        labels=labels,
    )
    failed, archived = (
        own("cnpg_pg_stat_archiver_last_failed_time"),
        own("cnpg_pg_stat_archiver_last_archived_time"),
    )
    yield Alert(
        name="LogArchiveFails",
        expr=f"max by (pod) ({failed} > {archived})",
        lasts=_LASTING,
        severity="page",
        summary=f"{_POD} of {namespace} cannot archive its log, which fills its volume",
        labels=labels,
    )


def _risen(restarts: str, by: str) -> str:
    """Return how often containers have started again in the window.

    Not `increase`: OpenTelemetry names each start by its container's id, so that each is a series of its own.
    """
    return f"max by ({by}) ({restarts}) - min by ({by}) (min_over_time({restarts}[{_RESTARTS_WINDOW}]))"


def _told(*labels: str) -> str:
    """Return a template with the one of the labels that there is."""
    return "".join(f"{{{{ $labels.{label} }}}}" for label in labels)


def _scaled(stack: Stack) -> str:
    """Return a pattern of the autoscalers that may add pods: one of equal bounds is always at its maximum."""
    found = [
        names.joined(tier.facts.workload, variant.suffix)
        for tier in tiers.applications(stack)
        for variant in variants.plan(tier.settings, weights=tier.weights).variants
        if not variant.replicas
        and variant.settings.autoscaling.min_replicas < variant.settings.autoscaling.max_replicas
    ]
    return "|".join(found)
