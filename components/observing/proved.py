"""Alerts on the proofs of the backups, by kube-state-metrics' names of their CronJob and its Jobs."""

from collections.abc import Iterator

from ..settings.model.stack import Stack
from ..settings.values import names
from .promql import Alert, series

_LASTING = "15m"
_DAY = 86_400


def alerts(stack: Stack) -> Iterator[Alert]:
    """Yield them, where restores are proved."""
    backup = stack.database.backup
    if backup is None or not stack.database.proved:
        return
    labels = {"namespace": stack.namespace, "tier": "database"}

    def clock(metric: str) -> str:
        return series(f"kube_cronjob_{metric}", namespace=stack.namespace, cronjob=names.PROOFS)

    # Before the first there is none, and the CronJob's own beginning counts.
    last = f"max({clock('status_last_successful_time')} or {clock('created')})"
    yield Alert(
        name="BackupNotProved",
        expr=f"(time() - {last}) / {_DAY} > {backup.proof.max_age_days}",
        lasts=_LASTING,
        severity="ticket",
        summary=f'no restore of {stack.namespace} was proved for {{{{ $value | printf "%.0f" }}}} days',
        labels=labels,
    )
    # A Job that failed is kept while later ones run or succeed; those of `make proof` count, too.
    jobs = f'job_name=~"{names.PROOFS}-.+"'
    begun = series("kube_job_created", jobs, namespace=stack.namespace)
    failed = series("kube_job_failed", jobs, 'condition="true"', namespace=stack.namespace)
    yield Alert(
        name="BackupProofFailed",
        expr=f"max({begun} and on (job_name) {failed} == 1) > {last}",
        lasts=_LASTING,
        severity="page",
        summary=f"the newest backup of {stack.namespace} could not be restored",
        labels=labels,
    )
