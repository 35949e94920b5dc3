"""Copies of the whole standalone database: a Job that makes the first, and a CronJob for those by the clock.

They run on the server's node and read its files, which they may not write; the server is asked, over TLS and
by a login that can read no data, only when a copy begins and ends. Pulumi waits for the first copy: an update
that ends has something to restore. Not a goal: the log between two copies, which the server sends itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import batch

from ..settings.model.backup import Backup
from ..settings.model.database import Database as DatabaseSettings
from ..settings.model.demand import COPY_RESOURCES
from ..settings.model.workload import WritablePath
from ..settings.values import images, names, stores
from ..workloads import environment, network, trust, workload
from ..workloads.context import REPLACE_UNREADY, Place, timeouts
from ..workloads.environment import SecretKey
from . import backups, roles
from .access import Engine

_RETRIES = 3
_GRACE_SECONDS = 30
# What is compressed and not yet sent: parts of 20 MiB, of two processes.
_SENDING = "512Mi"


@dataclass(frozen=True, kw_only=True)
class CopiesArgs:
    """The server, where its copies go, and who lets their login in.

    `scripts` is the name of the ConfigMap that holds backup.sh. `password` has the login's password and its
    verifier; `admin` is the administrator's Secret.
    """

    place: Place
    settings: DatabaseSettings
    backup: Backup
    engine: Engine
    scripts: pulumi.Output[str]
    password: pulumi.Output[str]
    admin: pulumi.Output[str]
    rotation: int


def create(args: CopiesArgs, after: Sequence[pulumi.Resource], parent: pulumi.Resource) -> batch.v1.CronJob:
    """Create both, and the paths that they need; `after` is what opens the administrator's login."""
    place, settings = args.place, args.settings
    identity = place.identity(names.BACKUPS, "backups", images.version(settings.image))
    paths = [
        *network.allow(
            "postgres-from-backups", place, [identity], (args.engine.server, args.engine.port), parent
        ),
        backups.allow_store(place, identity, args.backup, parent),
    ]
    account = workload.account(
        "backups-account",
        place,
        identity,
        parent,
        settings.pull_secrets,
        args.backup.credentials.workload_identity,
    )
    options = pulumi.ResourceOptions(parent=parent, depends_on=[*after, *paths])
    volumes = _volumes(args, parent)
    first = _pod(args, account, volumes, ("--immediate-checkpoint",))
    # A Job cannot be changed: what makes it another Job is part of its name.
    version = names.digest(
        [settings.image, args.rotation, args.backup.model_dump(mode="json"), roles.files(settings)]
    )
    name = f"{names.BACKUPS}-first-{version}"
    job = batch.v1.Job(
        name,
        metadata=place.workload_metadata(name, identity, REPLACE_UNREADY),
        spec=batch.v1.JobSpecArgs(
            backoff_limit=_RETRIES,
            active_deadline_seconds=backups.DEADLINE_SECONDS,
            template=workload.template(first, place),
        ),
        opts=pulumi.ResourceOptions.merge(
            options, pulumi.ResourceOptions(custom_timeouts=timeouts(backups.DEADLINE_SECONDS))
        ),
    )
    return batch.v1.CronJob(
        "postgres-backups",
        metadata=place.workload_metadata(names.BACKUPS, identity),
        spec=backups.by_clock(
            args.backup.schedule,
            workload.template(_pod(args, account, volumes), place),
            retries=_RETRIES,
            kept_failed=3,
        ),
        opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[job])),
    )


def _volumes(args: CopiesArgs, parent: pulumi.Resource) -> tuple[workload.Volume, ...]:
    identity = args.place.identity(names.BACKUPS, "backups")
    return (
        roles.scripts_volume(args.scripts),
        *args.engine.data,
        *args.engine.client_volumes(),
        *backups.credentials_volumes(args.backup),
        *trust.volumes("backups-ca", args.place, identity, args.settings.ca_bundle, parent),
    )


def _pod(
    args: CopiesArgs,
    account: pulumi.Input[str],
    volumes: Sequence[workload.Volume],
    further: Sequence[str] = (),
) -> workload.Pod:
    place, settings, backup = args.place, args.settings, args.backup
    connection = {
        "PGHOST": args.engine.host,
        "PGPORT": str(args.engine.port),
        "PGDATABASE": "postgres",
        **args.engine.client_variables(),
    }
    copied = {
        **connection,
        "PGUSER": roles.backup(settings),
        "COPIED": " ".join(further),
        "RETENTION": f"RECOVERY WINDOW OF {stores.days_kept(backup.retention)} DAYS",
        **backups.script_variables(backup),
        **trust.variables(settings.ca_bundle),
    }
    return workload.Pod(
        node_selector=settings.node_selector,
        tolerations=settings.tolerations,
        identity=place.identity(names.BACKUPS, "backups", images.version(settings.image)),
        tier=None,
        account=account,
        # The files are the server's own user's, and closed to others.
        uid=settings.uid,
        gid=settings.gid,
        grace=_GRACE_SECONDS,
        restart_policy="Never",
        with_pod_of=args.engine.server,
        volumes=volumes,
        writable=(WritablePath(path="/tmp", size=_SENDING),),  # noqa: S108 - a path inside the container
        init=(
            workload.Container(
                name="open",
                image=settings.image,
                command=(*roles.BACKUP_COMMAND, "open"),
                env=[
                    *environment.plain(dict(sorted({**connection, "PGUSER": roles.admin(settings)}.items()))),
                    SecretKey(secret=args.admin, key=roles.PASSWORD).variable("PGPASSWORD"),
                    SecretKey(secret=args.password, key=roles.VERIFIER).variable("BACKUP_VERIFIER"),
                ],
                resources=COPY_RESOURCES,
            ),
        ),
        container=workload.Container(
            name="copy",
            image=settings.image,
            command=(*roles.BACKUP_COMMAND, "copy"),
            env=[
                *environment.plain(dict(sorted(copied.items()))),
                SecretKey(secret=args.password, key=roles.PASSWORD).variable("PGPASSWORD"),
            ],
            resources=COPY_RESOURCES,
        ),
    )
