"""Cases of the proofs of backups, by kube-state-metrics' names."""

from .case import NAMESPACE, START, Case, own

_CLOCK = {"cronjob": "feastflow-proofs"}
_CREATED = own("kube_cronjob_created", **_CLOCK)
_SUCCESSFUL = own("kube_cronjob_status_last_successful_time", **_CLOCK)
_JOB = {"job_name": "feastflow-proofs-29394150"}
_BEGUN, _FAILED = own("kube_job_created", **_JOB), own("kube_job_failed", **_JOB, condition="true")
_NEXT = {"job_name": "feastflow-proofs-29395590"}
_BACKUPS = {"job_name": "feastflow-backups-29394150"}
# The one before succeeded; or, later, one that began after it, and the next one is under way for a long time.
_LATER = (f"{START + 60}x40", f"{START + 60}x11 {START + 700}x29")
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
    *(
        Case(
            alert="BackupProofFailed",
            about=about,
            severity="page",
            series={
                _CREATED: (f"{START}x40", f"{START}x40"),
                _SUCCESSFUL: (cause, alike),
                _BEGUN: (f"{START + 600}x40", f"{START + 600}x40"),
                _FAILED: (f"_x10 {failed}x30", f"_x10 {others}x30"),
                # Another one, which is under way; and a copy that failed.
                own("kube_job_created", **_NEXT): (f"_x5 {START + 900}x35", f"_x5 {START + 900}x35"),
                own("kube_job_created", **_BACKUPS): (f"{START + 1000}x40", f"{START + 1000}x40"),
                own("kube_job_failed", **_BACKUPS, condition="true"): ("1x40", "1x40"),
            },
            labels=_DATABASE,
            summary=f"the newest backup of {NAMESPACE} could not be restored",
            minutes=30,
        )
        for about, cause, alike, failed, others in (
            ("the last one failed, or one after it succeeded", *_LATER, 1, 1),
            ("never one succeeded, or none failed", "", "", 1, 0),
        )
    ),
)
