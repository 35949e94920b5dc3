"""Backups of the database: the store, as barman-cloud and the replicated engine's operator are told of it.

CloudNativePG calls barman-cloud in its instances (`barmanObjectStore`), which it will replace by a plugin
(docs/decisions/0081). Not a goal: the bucket and its credentials, which exist before.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions, batch, core, networking

from ..settings.model.backup import Backup
from ..settings.model.restore import Restore
from ..settings.values import names
from ..settings.values.names import Identity
from ..workloads import network
from ..workloads.context import Place
from ..workloads.workload import Volume

# After so many seconds a part of the log that is not full is sent too: what a lost server may take along.
SECONDS = 60
# A terabyte in a day: the longest that a Job may take which reads or writes the whole database.
DEADLINE_SECONDS = 86400
# The operator's cron begins with seconds: https://cloudnative-pg.io/documentation/1.28/backup/#scheduled-backups
_AT_SECOND = "0"
_NAME = "postgres"
_DESTINATION = "feastflow.dev/destination"
_ORIGIN = "origin"
_CREDENTIALS = "/etc/feastflow/store"
# As the server's key: root's, and the pod's group may read it.
_MODE = 0o440


def by_clock(
    schedule: str, template: core.v1.PodTemplateSpecArgs, *, retries: int, kept_failed: int
) -> batch.v1.CronJobSpecArgs:
    """Return the CronJob of a pod that copies or restores the whole database, one at a time."""
    return batch.v1.CronJobSpecArgs(
        schedule=schedule,
        time_zone="Etc/UTC",
        concurrency_policy="Forbid",
        # A node that was away for the night is no reason to have none of that day.
        starting_deadline_seconds=DEADLINE_SECONDS // 2,
        successful_jobs_history_limit=1,
        failed_jobs_history_limit=kept_failed,
        job_template=batch.v1.JobTemplateSpecArgs(
            spec=batch.v1.JobSpecArgs(
                backoff_limit=retries, active_deadline_seconds=DEADLINE_SECONDS, template=template
            )
        ),
    )


def of_cluster(backup: Backup) -> dict[str, Any]:
    """Return the parts of the Cluster's `spec` that say where its backups go, and as whom."""
    role = backup.credentials.workload_identity
    return {
        "backup": {"retentionPolicy": backup.retention, "barmanObjectStore": object_store(backup)},
        **({"serviceAccountTemplate": {"metadata": {"annotations": dict(role)}}} if role else {}),
    }


def object_store(backup: Backup) -> dict[str, Any]:
    """Return the store as the operator names it.

    https://cloudnative-pg.io/documentation/1.28/cloudnative-pg.v1/#barmanobjectstoreconfiguration
    """
    how = {
        **({} if backup.compression == "none" else {"compression": backup.compression}),
        **({} if backup.encryption == "bucket" else {"encryption": backup.encryption}),
    }
    return {
        "destinationPath": backup.destination,
        **({"endpointURL": backup.endpoint} if backup.endpoint else {}),
        "serverName": _NAME,
        "s3Credentials": _credentials(backup),
        **({"wal": dict(how), "data": dict(how)} if how else {}),
    }


def recovery(restore: Restore, backup: Backup, name: str, owner: str) -> dict[str, Any]:
    """Return the parts of the Cluster's `spec` by which it begins from a backup of another one.

    https://cloudnative-pg.io/documentation/1.28/recovery/
    """
    target: dict[str, Any] = {}
    if restore.moment:
        target = {"targetTime": restore.moment.isoformat(sep=" ")}
    elif restore.copy_id:
        target = {"backupID": restore.copy_id, "targetImmediate": True}
    store = object_store(backup.model_copy(update={"destination": restore.source}))
    return {
        "bootstrap": {
            "recovery": {
                "source": _ORIGIN,
                "database": name,
                "owner": owner,
                **({"recoveryTarget": target} if target else {}),
            }
        },
        "externalClusters": [{"name": _ORIGIN, "barmanObjectStore": store}],
    }


def variables(backup: Backup) -> Mapping[str, str]:
    """Return the environment of every process that speaks to the store, credentials apart."""
    return {"AWS_DEFAULT_REGION": backup.region} if backup.region else {}


def script_variables(backup: Backup) -> Mapping[str, str]:
    """Return the environment of backup.sh: where the store is, and what it is asked."""
    compression = [] if backup.compression == "none" else [f"--{backup.compression}"]
    encryption = [] if backup.encryption == "bucket" else ["--encryption", backup.encryption]
    return {
        "STORE_DESTINATION": backup.destination,
        "STORE_HOW": " ".join(["--endpoint-url", backup.endpoint] if backup.endpoint else []),
        "STORE_SENT": " ".join([*compression, *encryption]),
        **({"STORE_FILES": _CREDENTIALS} if backup.credentials.secret_name else {}),
        **variables(backup),
    }


def credentials_volumes(backup: Backup) -> tuple[Volume, ...]:
    """Return the volume of the store's credentials: files, so that a rotation reaches pods that run."""
    found = backup.credentials
    if found.secret_name is None:
        return ()
    source = core.v1.VolumeArgs(
        name="store",
        secret=core.v1.SecretVolumeSourceArgs(
            secret_name=found.secret_name,
            default_mode=_MODE,
            items=[
                core.v1.KeyToPathArgs(key=found.id_key, path="id"),
                core.v1.KeyToPathArgs(key=found.secret_key, path="secret"),
            ],
        ),
    )
    return (Volume(source=source, path=_CREDENTIALS),)


def allow_store(
    place: Place, client: Identity, backup: Backup, parent: pulumi.Resource
) -> networking.v1.NetworkPolicy:
    """Let the workload's pods reach the store, and nothing else outside."""
    rule = network.outside(backup.way, place.cluster.domain)
    return network.allow_egress(names.to_store(client.name), place, client, [rule], parent)


def schedule(
    place: Place, identity: Identity, backup: Backup, cluster: pulumi.Resource, parent: pulumi.Resource
) -> None:
    """Have the operator copy the whole by the clock, and once at the beginning of each destination."""
    when = backup.schedule if backup.schedule.startswith("@") else f"{_AT_SECOND} {backup.schedule}"
    apiextensions.CustomResource(
        "postgres-backups",
        api_version="postgresql.cnpg.io/v1",
        kind="ScheduledBackup",
        metadata=place.metadata(names.DATABASE, identity, {_DESTINATION: backup.destination}),
        spec={
            "schedule": when,
            # Without a first copy of the whole there is nothing that the log could be added to.
            "immediate": True,
            # The list of backups then goes with the Cluster; what is in the store stays.
            "backupOwnerReference": "cluster",
            "cluster": {"name": names.DATABASE},
            "method": "barmanObjectStore",
            "target": "prefer-standby",
        },
        # Only a new one begins with a copy, and after an upgrade there is none in the new place.
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[cluster],
            replace_on_changes=["metadata.annotations"],
            # Of the same name: the other order would delete what it has just made.
            delete_before_replace=True,
        ),
    )


def _credentials(backup: Backup) -> dict[str, Any]:
    found = backup.credentials
    if found.workload_identity:
        return {"inheritFromIAMRole": True}
    return {
        "accessKeyId": {"name": found.secret_name, "key": found.id_key},
        "secretAccessKey": {"name": found.secret_name, "key": found.secret_key},
    }
