"""Hours without an alert: a rollout with a drain and a switchover, and a night with few requests."""

from collections.abc import Mapping

from .case import durations, grows, own, requests

_HOUR = 60
_CLAIM, _SCALER = "data-postgres-0", "feastflow-backend"
_SCALERS = {"horizontalpodautoscaler": _SCALER}
_RESTARTS = "kube_pod_container_status_restarts_total"

# From the 20th minute on three requests fail, some take a second, pods end and others begin, each of them
# with one restart; a standby is 45 s behind for two minutes; the surge uses the quota up.
ROLLOUT: Mapping[str, str] = {
    requests("200"): grows(600, _HOUR),
    requests("502"): "0x20 3x39",
    durations("0.1"): "0+500x20 10400+400x3 11700+500x36",
    durations("0.3"): "0+590x20 12300+500x3 13890+590x36",
    durations("1.2"): "0+598x20 12558+598x3 14950+598x36",
    durations("5"): grows(600, _HOUR),
    durations("+Inf"): grows(600, _HOUR),
    **{own(_RESTARTS, pod=f"old-{pod}", container="backend"): "0x25 stale" for pod in range(3)},
    **{own(_RESTARTS, pod=f"new-{pod}", container="backend"): "_x20 0x3 1x35" for pod in range(3)},
    own("kube_resourcequota", resource="pods", type="used"): "50x20 100x8 50x31",
    own("kube_resourcequota", resource="pods", type="hard"): "100x60",
    own("kube_horizontalpodautoscaler_status_current_replicas", **_SCALERS): "2x20 8x8 2x31",
    own("kube_horizontalpodautoscaler_spec_max_replicas", **_SCALERS): "8x60",
    own("kubelet_volume_stats_used_bytes", persistentvolumeclaim=_CLAIM): "50x60",
    own("kubelet_volume_stats_capacity_bytes", persistentvolumeclaim=_CLAIM): "100x60",
    own("cnpg_pg_replication_lag", pod="postgres-2"): "0x20 45x2 0x37",
    own("cnpg_backends_total", pod="postgres-1", usename="feastflow_a"): "40x20 95x5 40x34",
    own("cnpg_pg_settings_setting", pod="postgres-1", name="max_connections"): "100x60",
    own("cnpg_pg_stat_archiver_last_failed_time", pod="postgres-1"): "-1x20 1200x39",
    own("cnpg_pg_stat_archiver_last_archived_time", pod="postgres-1"): "0x22 1380+60x37",
}

# Two requests a minute, three of which fail in the whole hour.
NIGHT: Mapping[str, str] = {
    requests("200"): grows(2, _HOUR),
    requests("500"): "0 1 1 2 2 2 3x54",
}
