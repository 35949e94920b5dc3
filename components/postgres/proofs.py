"""Proofs of the backups: a CronJob that restores the newest one into a server of its own, and looks at it.

Its pod has the store's credentials and a way to the store. It has no volume of the database's, no way to it,
none of its passwords and no token for the Kubernetes API: what it found its container says at its end.
Not a goal: what only the application knows of its data.
"""

import pulumi
from pulumi_kubernetes import batch, core

from ..settings.model.backup import Backup
from ..settings.model.database import Database as DatabaseSettings
from ..settings.model.demand import PROOF_RESOURCES
from ..settings.model.workload import WritablePath
from ..settings.values import images, names, stores
from ..workloads import environment, trust, workload
from ..workloads.context import Place
from . import backups, roles

# What is damaged is so at the next attempt; a store that is away may be back then.
_RETRIES = 1
_GRACE_SECONDS = 30
_DATA, _SOCKETS = "/var/lib/postgresql/data", "/var/run/postgresql"
# Two files of the log, and what is said.
_FILES = "128Mi"
_HOURS_A_DAY = 24


def create(place: Place, settings: DatabaseSettings, backup: Backup, parent: pulumi.Resource) -> None:
    """Create the CronJob and its way to the store; nothing is awaited, since nothing runs yet."""
    identity = place.identity(names.PROOFS, "proofs", images.version(settings.image))
    path = backups.allow_store(place, identity, backup, parent)
    account = workload.account(
        "proofs-account",
        place,
        identity,
        parent,
        settings.pull_secrets,
        backup.credentials.workload_identity,
    )
    scripts = environment.config("proofs-scripts", place, identity, roles.proof_files(settings), parent)
    pod = workload.Pod(
        node_selector=settings.node_selector,
        tolerations=settings.tolerations,
        identity=identity,
        tier=None,
        account=account,
        uid=settings.uid,
        gid=settings.gid,
        grace=_GRACE_SECONDS,
        restart_policy="Never",
        volumes=(
            roles.scripts_volume(scripts),
            *backups.credentials_volumes(backup),
            *trust.volumes("proofs-ca", place, identity, settings.ca_bundle, parent),
        ),
        writable=(
            WritablePath(path=_DATA, size=settings.storage),
            WritablePath(path=_SOCKETS, size="1Mi"),
            WritablePath(path="/tmp", size=_FILES),  # noqa: S108 - a path inside the container
        ),
        container=workload.Container(
            name="proof",
            image=settings.image,
            command=roles.PROOF_COMMAND,
            env=_variables(settings, backup),
            resources=PROOF_RESOURCES,
        ),
    )
    batch.v1.CronJob(
        "postgres-proofs",
        metadata=place.workload_metadata(names.PROOFS, identity),
        spec=backups.by_clock(
            backup.proof.schedule, workload.template(pod, place), retries=_RETRIES, kept_failed=1
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[path]),
    )


def _variables(settings: DatabaseSettings, backup: Backup) -> list[core.v1.EnvVarArgs]:
    told = {
        **backups.script_variables(backup),
        **trust.variables(settings.ca_bundle),
        **roles.server_variables(settings),
        "PGDATA": f"{_DATA}/pgdata",
        "PGHOST": _SOCKETS,
        "RESTORE_FROM": backup.destination,
        "RESTORE_AT": "latest",
        # The next one may be on its way when the proof begins.
        "COPY_HOURS": str((stores.days_between(backup.schedule) + 1) * _HOURS_A_DAY),
    }
    return environment.plain(dict(sorted(told.items())))
