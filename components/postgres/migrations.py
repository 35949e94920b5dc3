"""The schema's migration: a Job once per version, finished before any pod of that version starts.

By choice it is an init container of every pod instead, for tools that may run twice and side by side.

The Job's name, and its name in Pulumi, follow the image and the command. Another version is another resource,
so nothing of a Job that ran is ever changed, and nothing but a new version (or a raised `attempt`) runs one:
not a rotated password, not other sizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import batch, core, meta

from ..settings.model.tiers import Backend
from ..settings.values import names
from ..settings.values.names import Identity
from ..workloads import environment, workload
from ..workloads.context import SKIP_AWAIT, Place, await_seconds

_GRACE_SECONDS = 30
# From its deadline until a Job has been ended, and is known to have failed.
_ENDING_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class MigrationsArgs:
    """The migration with its image, and what must exist before; `gate` ends when it can begin.

    `first` are containers that the pod runs before the gate. `login` are the resources that make what the
    gate waits for.
    """

    place: Place
    identity: Identity
    account: pulumi.Input[str]
    settings: Backend
    env: Sequence[core.v1.EnvVarArgs]
    first: Sequence[workload.Container]
    gate: workload.Container
    volumes: Sequence[workload.Volume]
    after: Sequence[pulumi.Resource]
    login: Sequence[pulumi.Resource]


def job_name(settings: Backend) -> str:
    """Return the Job's name: equal for equal versions, and for them only."""
    migrations = settings.migrations
    version = [settings.image, list(migrations.command or ()), migrations.attempt]
    return f"{names.MIGRATIONS}-{names.digest(version)}"


def container(settings: Backend, env: Sequence[core.v1.EnvVarArgs]) -> workload.Container:
    """Return the migration as a container of whichever pod."""
    return workload.Container(
        name="migrations",
        image=settings.image,
        command=environment.words(settings.migrations.command or (), env, settings.env_names),
        env=env,
        resources=settings.resources,
    )


def create(args: MigrationsArgs, parent: pulumi.Resource) -> pulumi.Resource:
    """Create the Job, and return what Pulumi creates when it has succeeded.

    Pulumi fails with the Job's last log lines otherwise. It waits at a patch of the Job, which comes after
    the login: were it to wait at the Job, the failure of what makes the login would be told only when the
    gate, which waits for that login, had used up the Job's time.
    """
    place, identity, settings = args.place, args.identity, args.settings
    pod = workload.Pod(
        node_selector=settings.node_selector,
        tolerations=settings.tolerations,
        identity=identity,
        tier=None,
        account=args.account,
        uid=settings.uid,
        gid=settings.gid,
        grace=_GRACE_SECONDS,
        restart_policy="Never",
        container=container(settings, args.env),
        init=(*args.first, args.gate),
        writable=settings.writable,
        volumes=args.volumes,
    )
    name = job_name(settings)
    job = batch.v1.Job(
        name,
        metadata=place.workload_metadata(name, identity, SKIP_AWAIT),
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
    awaited = await_seconds(settings.migrations.timeout_seconds + _ENDING_SECONDS)
    return batch.v1.JobPatch(
        f"{name}-succeeded",
        metadata=meta.v1.ObjectMetaPatchArgs(name=name, namespace=place.namespace, annotations=dict(awaited)),
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[job, *args.login],
            # Of a Job that has succeeded before, the provider may record what it was before the patch, and
            # the next update would patch it once more.
            ignore_changes=["metadata"],
            # It goes with the Job; from one that was deleted by hand, the provider could not remove it.
            retain_on_delete=True,
        ),
    )
