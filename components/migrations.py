"""The schema's migration: a Job once per version, finished before any pod of that version starts.

By choice it is an init container of every pod instead, for tools that may run twice and side by side.

The Job's name, and its name in Pulumi, follow the image and the command. Another version is another resource,
so nothing of a Job that ran is ever changed, and nothing but a new version (or a raised `attempt`) runs one:
not a rotated password, not other sizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import batch, core

from . import digests, names, workload
from .context import Place
from .model.tiers import Backend
from .names import Identity

_GRACE_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class MigrationsArgs:
    """What is migrated by which image, and what must exist before; `gate` ends when it can begin."""

    place: Place
    identity: Identity
    account: pulumi.Input[str]
    settings: Backend
    env: Sequence[core.v1.EnvVarArgs]
    gate: workload.Container
    volumes: Sequence[workload.Volume]
    after: Sequence[pulumi.Resource]


def as_job(settings: Backend) -> bool:
    """Whether there is anything to run as a Job."""
    return settings.migrations.mode == "job" and settings.migrations.command is not None


def as_init_container(settings: Backend) -> bool:
    """Whether there is anything to run in every new pod."""
    return settings.migrations.mode == "initContainer" and settings.migrations.command is not None


def job_name(settings: Backend) -> str:
    """The Job's name: equal for equal versions, and for them only."""
    migrations = settings.migrations
    version = [settings.image, list(migrations.command or ()), migrations.attempt]
    return f"{names.MIGRATIONS}-{digests.of(version)}"


def container(settings: Backend, env: Sequence[core.v1.EnvVarArgs]) -> workload.Container:
    """The migration as a container of whichever pod."""
    return workload.Container(
        name="migrations",
        image=settings.image,
        command=settings.migrations.command,
        env=env,
        resources=settings.resources,
    )


def create(args: MigrationsArgs, parent: pulumi.Resource) -> batch.v1.Job:
    """Create the Job; Pulumi waits for its success, and fails with its last log lines otherwise."""
    place, identity, settings = args.place, args.identity, args.settings
    pod = workload.Pod(
        identity=identity,
        account=args.account,
        uid=settings.uid,
        gid=settings.gid,
        grace=_GRACE_SECONDS,
        restart_policy="Never",
        container=container(settings, args.env),
        init=(args.gate,),
        writable=settings.writable,
        volumes=args.volumes,
    )
    return batch.v1.Job(
        job_name(settings),
        metadata=place.pod_maker(job_name(settings), identity),
        spec=batch.v1.JobSpecArgs(
            backoff_limit=settings.migrations.retries,
            active_deadline_seconds=settings.migrations.timeout_seconds,
            # Deleting it after a while would make Pulumi run it again.
            ttl_seconds_after_finished=None,
            template=workload.template(pod, place),
        ),
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=list(args.after), ignore_changes=["spec", "metadata"]
        ),
    )
