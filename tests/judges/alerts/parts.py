"""Cases of the namespace's parts, by the names of kube-state-metrics and of OpenTelemetry."""

from collections.abc import Iterator, Mapping

from .case import HOST, NAMESPACE, START, Case, named, opentelemetrys, own

_POD, _CONTAINER = "feastflow-backend-7d4b9-x2x7p", "backend"
_CLAIM, _SCALER = "data-postgres-0", "feastflow-backend"
_LATER = 4_000_000_000
# Of the moment at which the alert is looked for, after 20 minutes.
_IN_TEN_DAYS = START + 20 * 60 + 10 * 86_400


def _both(
    alert: str,
    severity: str,
    minutes: int,
    summary: str,
    names: tuple[Mapping[str, tuple[str, str]], Mapping[str, tuple[str, str]]],
    labels: tuple[Mapping[str, str], Mapping[str, str]],
) -> Iterator[Case]:
    """Yield a case by kube-state-metrics' or the kubelet's names, and one by OpenTelemetry's."""
    for about, series, more in zip(("usual names", "OpenTelemetry's"), names, labels, strict=True):
        yield Case(
            alert=alert,
            about=about,
            severity=severity,
            series=series,
            labels=more,
            summary=summary,
            minutes=minutes,
        )


def _constant(bad: float, good: float) -> tuple[str, str]:
    return f"{bad:.0f}x30", f"{good:.0f}x30"


_RESTARTS = ("0 1 2 3 3 4 4 4 5 5 5 5 5 6 6", "0 0 1x20")
_CERTIFICATE = f"the certificate of {HOST} ends in 10 days and was not renewed"
_CERT_MANAGERS = own("certmanager_certificate_expiration_timestamp_seconds", name="feastflow-tls")


_STARTS, _OF_A_BAD_MINUTE = 6, 4


def _started(start: int, starts: int) -> str:
    """Return the values of a container: each of them ends after a minute, when the next one begins."""
    if start >= starts:
        return ""
    before = f"_x{start} " if start else ""
    return f"{before}{start} stale" if start < starts - 1 else f"{before}{start}x20"


def _served(sans: str, serial: str) -> str:
    return named("traefik_tls_certs_not_after", cn="", sans=sans, serial=serial)


CASES = (
    *_both(
        "PodCrashLooping",
        "page",
        10,
        f"pod {_POD} of {NAMESPACE} starts again and again",
        (
            {own("kube_pod_container_status_restarts_total", pod=_POD, container=_CONTAINER): _RESTARTS},
            # Each start has a container's id of its own.
            {
                opentelemetrys(
                    "k8s_container_restarts",
                    container_id=f"id-{start}",
                    k8s_pod_name=_POD,
                    k8s_container_name=_CONTAINER,
                ): (_started(start, _STARTS), _started(start, _OF_A_BAD_MINUTE))
                for start in range(_STARTS)
            },
        ),
        (
            {"pod": _POD, "container": _CONTAINER},
            {"k8s_pod_name": _POD, "k8s_container_name": _CONTAINER},
        ),
    ),
    *_both(
        "VolumeFilling",
        "ticket",
        10,
        f"volume {_CLAIM} of {NAMESPACE} is 85 % full",
        (
            {
                own("kubelet_volume_stats_used_bytes", persistentvolumeclaim=_CLAIM): _constant(85, 79),
                own("kubelet_volume_stats_capacity_bytes", persistentvolumeclaim=_CLAIM): _constant(100, 100),
            },
            {
                opentelemetrys("k8s_volume_available_bytes", k8s_persistentvolumeclaim_name=_CLAIM): (
                    _constant(15, 21)
                ),
                opentelemetrys("k8s_volume_capacity_bytes", k8s_persistentvolumeclaim_name=_CLAIM): (
                    _constant(100, 100)
                ),
                # A volume without a claim is a pod's own: the kubelet ends the pod.
                opentelemetrys("k8s_volume_available_bytes", k8s_volume_name="tmp"): _constant(1, 1),
                opentelemetrys("k8s_volume_capacity_bytes", k8s_volume_name="tmp"): _constant(100, 100),
            },
        ),
        (
            {"persistentvolumeclaim": _CLAIM},
            {"k8s_persistentvolumeclaim_name": _CLAIM, "k8s_namespace_name": NAMESPACE},
        ),
    ),
    *_both(
        "QuotaNearFull",
        "ticket",
        20,
        f"limits.memory of {NAMESPACE} is used to 95 %",
        (
            {
                own("kube_resourcequota", resource="limits.memory", type="used"): _constant(95, 75),
                own("kube_resourcequota", resource="limits.memory", type="hard"): _constant(100, 100),
                # What may not be used is not.
                own("kube_resourcequota", resource="services.nodeports", type="used"): _constant(0, 0),
                own("kube_resourcequota", resource="services.nodeports", type="hard"): _constant(0, 0),
            },
            {
                opentelemetrys("k8s_resource_quota_used", resource="limits.memory"): _constant(95, 75),
                opentelemetrys("k8s_resource_quota_hard_limit", resource="limits.memory"): _constant(
                    100, 100
                ),
            },
        ),
        (
            {"resource": "limits.memory"},
            {"resource": "limits.memory", "k8s_namespace_name": NAMESPACE},
        ),
    ),
    *_both(
        "AutoscalerAtMaximum",
        "ticket",
        20,
        f"{_SCALER} of {NAMESPACE} cannot add a pod",
        (
            {
                own(
                    "kube_horizontalpodautoscaler_status_current_replicas", horizontalpodautoscaler=_SCALER
                ): _constant(8, 7),
                own("kube_horizontalpodautoscaler_spec_max_replicas", horizontalpodautoscaler=_SCALER): (
                    _constant(8, 8)
                ),
            },
            {
                opentelemetrys("k8s_hpa_current_replicas", k8s_hpa_name=_SCALER): _constant(8, 7),
                opentelemetrys("k8s_hpa_max_replicas", k8s_hpa_name=_SCALER): _constant(8, 8),
            },
        ),
        (
            {"horizontalpodautoscaler": _SCALER},
            {"k8s_hpa_name": _SCALER, "k8s_namespace_name": NAMESPACE},
        ),
    ),
    Case(
        alert="CertificateExpires",
        about="Traefik",
        severity="page",
        series={
            _served(f"www.example.com,{HOST}", "1"): _constant(_IN_TEN_DAYS, _IN_TEN_DAYS),
            # The old one stays in the metrics, and others' certificates may end.
            _served(HOST, "2"): ("", f"{_LATER}x30"),
            _served("other.localhost", "3"): (f"{_LATER}x30", "0x30"),
        },
        labels={},
        summary=_CERTIFICATE,
        minutes=20,
    ),
    Case(
        alert="CertificateExpires",
        about="cert-manager",
        severity="page",
        series={_CERT_MANAGERS: _constant(_IN_TEN_DAYS, _LATER)},
        labels={},
        summary=_CERTIFICATE,
        minutes=20,
    ),
)
