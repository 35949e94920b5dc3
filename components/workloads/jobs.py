"""Scheduled jobs: a CronJob for each of `backend.jobs`, of the version of the backend that gets the requests.

A run has the backend's environment, secrets, user and volumes, and waits for the database as a migration
does. Not a goal: jobs of other images, and runs side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pulumi
from pulumi_kubernetes import batch, core

from ..settings.model.jobs import Job
from ..settings.model.tiers import Backend
from ..settings.values import names
from ..settings.values.names import Identity
from . import environment, workload
from .context import Place

_GRACE_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class JobsArgs:
    """The runs' part of the backend, and what must exist before; `gate` ends once there is a database.

    `first` are containers that the pod runs before the gate.
    """

    place: Place
    settings: Backend
    version: str
    env: Sequence[core.v1.EnvVarArgs]
    first: Sequence[workload.Container]
    gate: workload.Container
    volumes: Sequence[workload.Volume]
    after: Sequence[pulumi.Resource]
    gate_pull_secrets: Sequence[str] = ()


def identity(place: Place) -> Identity:
    """Return who the pods of all jobs are to the network."""
    return place.identity(names.JOBS, "jobs").all_variants


def create(args: JobsArgs, parent: pulumi.Resource) -> list[pulumi.Resource]:
    """Create the CronJobs and an account for each, and return the CronJobs."""
    return [_create(args, name, job, parent) for name, job in sorted(args.settings.jobs.items())]


def _create(args: JobsArgs, name: str, job: Job, parent: pulumi.Resource) -> pulumi.Resource:
    place, settings = args.place, args.settings
    resources = job.resources or settings.resources
    env = environment.over(args.env, job.env, settings.env_names)
    own = place.identity(names.joined(names.JOBS, name), "jobs", args.version)
    # Of the same size, so that no run needs more for waiting than for its work.
    before = [replace(container, resources=resources) for container in (*args.first, args.gate)]
    pod = workload.Pod(
        node_selector=settings.node_selector,
        tolerations=settings.tolerations,
        identity=own,
        tier=None,
        account=workload.account(
            f"job-{name}-account", place, own, parent, [*settings.pull_secrets, *args.gate_pull_secrets]
        ),
        uid=settings.uid,
        gid=settings.gid,
        grace=_GRACE_SECONDS,
        restart_policy="Never",
        container=workload.Container(
            name=name if name not in {container.name for container in before} else f"{name}-job",
            image=settings.image,
            command=environment.words(job.command or (), env, settings.env_names),
            args=environment.words(job.args, env, settings.env_names),
            env=env,
            resources=resources,
        ),
        init=before,
        writable=settings.writable,
        volumes=args.volumes,
    )
    return batch.v1.CronJob(
        f"job-{name}",
        metadata=place.workload_metadata(own.name, own),
        spec=batch.v1.CronJobSpecArgs(
            schedule=job.schedule,
            time_zone=job.time_zone,
            concurrency_policy="Forbid",
            suspend=job.suspended,
            starting_deadline_seconds=job.starting_seconds,
            successful_jobs_history_limit=job.kept_successful,
            failed_jobs_history_limit=job.kept_failed,
            job_template=batch.v1.JobTemplateSpecArgs(
                spec=batch.v1.JobSpecArgs(
                    backoff_limit=job.retries,
                    active_deadline_seconds=job.timeout_seconds,
                    template=workload.template(pod, place),
                )
            ),
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(args.after)),
    )
