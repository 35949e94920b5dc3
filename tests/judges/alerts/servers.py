"""Cases of the database's instances, by CloudNativePG's names."""

from .case import NAMESPACE, START, Case, own

_DATABASE = {"tier": "database"}
_BACKUP = "cnpg_collector_last_available_backup_timestamp"
_PLUGINS = "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp"
_FAILED, _ARCHIVED = "cnpg_pg_stat_archiver_last_failed_time", "cnpg_pg_stat_archiver_last_archived_time"
_HOURS = 30

CASES = (
    Case(
        alert="ReplicationLag",
        about="a standby does not follow",
        severity="page",
        series={own("cnpg_pg_replication_lag", pod="postgres-2"): ("60x20", "5x20")},
        labels={"pod": "postgres-2", **_DATABASE},
        summary=f"standby postgres-2 of {NAMESPACE} is 60 s behind",
        minutes=10,
    ),
    Case(
        alert="ConnectionsNearLimit",
        about="85 of 100",
        severity="ticket",
        series={
            own("cnpg_backends_total", pod="postgres-1", usename="feastflow_a"): ("80x30", "70x30"),
            own("cnpg_backends_total", pod="postgres-1", usename="feastflow_admin"): ("5x30", "5x30"),
            own("cnpg_backends_total", pod="postgres-2", usename="feastflow_a"): ("70x30", "70x30"),
            own("cnpg_pg_settings_setting", pod="postgres-1", name="max_connections"): ("100x30", "100x30"),
            own("cnpg_pg_settings_setting", pod="postgres-2", name="max_connections"): ("100x30", "100x30"),
        },
        labels={"pod": "postgres-1", **_DATABASE},
        summary=f"postgres-1 of {NAMESPACE} has 85 % of its connections in use",
        minutes=20,
    ),
    *(
        Case(
            alert="BackupTooOld",
            about=about,
            severity="ticket",
            # One at the beginning, and none since; without backups the timestamp is 0.
            series={own(metric, pod="postgres-1"): (f"{START}x190", alike)},
            labels=_DATABASE,
            summary=f"the last backup of {NAMESPACE} is {_HOURS} hours old",
            minutes=_HOURS * 60,
            interval=10,
        )
        for about, metric, alike in (
            ("the operator's own", _BACKUP, "0x190"),
            ("the plugin's", _PLUGINS, f"{START}x140 {START + 86_400}x50"),
        )
    ),
    Case(
        alert="LogArchiveFails",
        about="the last attempt failed",
        severity="page",
        series={
            own(_FAILED, pod="postgres-1"): ("60+60x30", "60x30"),
            own(_ARCHIVED, pod="postgres-1"): ("30x30", "30 90+60x30"),
            # Nothing is archived there.
            own(_FAILED, pod="postgres-2"): ("-1x30", "-1x30"),
            own(_ARCHIVED, pod="postgres-2"): ("-1x30", "-1x30"),
        },
        labels={"pod": "postgres-1", **_DATABASE},
        summary=f"postgres-1 of {NAMESPACE} cannot archive its log, which fills its volume",
        minutes=20,
    ),
)
