"""Cases of the proofs of backups, by kube-state-metrics' names."""

from .case import NAMESPACE, START, Case, own

_CLOCK = {"cronjob": "feastflow-proofs"}
_CREATED = own("kube_cronjob_created", **_CLOCK)
_SUCCESSFUL = own("kube_cronjob_status_last_successful_time", **_CLOCK)
_SCHEDULED = own("kube_cronjob_status_last_schedule_time", **_CLOCK)
_FAILED = own("kube_job_status_failed", job_name="feastflow-proofs-29394150")
_DAYS, _DAY = 8, 24 * 60
_DATABASE = {"tier": "database"}

CASES = (
    *(
        Case(
            alert="BackupNotProved",
            about=about,
            severity="ticket",
            series={_CREATED: (f"{START}x60", f"{START}x60"), _SUCCESSFUL: (cause, alike)},
            labels=_DATABASE,
            summary=f"no restore of {NAMESPACE} was proved for {_DAYS} days",
            minutes=_DAYS * _DAY,
            interval=240,
        )
        for about, cause, alike in (
            ("none since the first day", f"{START}x60", f"{START}x30 {START + 5 * 86_400}x30"),
            ("never one", "", f"{START + 3 * 86_400}x60"),
        )
    ),
    Case(
        alert="BackupProofFailed",
        about="the last one failed, and the one before did not",
        severity="page",
        series={
            _CREATED: (f"{START}x40", f"{START}x40"),
            _SCHEDULED: (f"{START + 600}x40", f"{START + 600}x40"),
            # A second attempt of the same Job succeeds.
            _SUCCESSFUL: (f"{START + 60}x40", f"{START + 60}x15 {START + 900}x24"),
            _FAILED: ("0x9 1x30", "0x9 1x30"),
            own("kube_job_status_failed", job_name="feastflow-backups-29394150"): ("1x40", "1x40"),
        },
        labels=_DATABASE,
        summary=f"the newest backup of {NAMESPACE} could not be restored",
        minutes=30,
    ),
)
