"""The database's roles: one owner, and two logins that take turns.

A rotation gives the login that is not in use a new password and moves the clients to it, while the old login
still works; when the last client has moved, the old one is locked. At no moment is there a client whose
credentials are refused. Both logins act as the owner, so whatever they create belongs to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_kubernetes import batch, core

from . import digests, names, sizing, workload
from .access import Engine
from .context import Place
from .environment import SecretKey
from .model.database import Database as DatabaseSettings
from .model.workload import WritablePath
from .names import Identity

_SCRIPT_VERSION = 15
SCRIPT = Path(__file__).with_name("postgres.sh")
_SCRIPTS = "/etc/feastflow/scripts"
SCRIPT_COMMAND = ("sh", f"{_SCRIPTS}/postgres.sh")
# As long as the server may take to recover from a crash: the Job that makes the roles may wait all the while.
_DEADLINE_SECONDS = 600
_RETRIES = 3
_GRACE_SECONDS = 5
# Nobody's on any node.
_UNPRIVILEGED = 10001


def script(settings: DatabaseSettings) -> str:
    """postgres.sh for the image's version: where Debian's packages keep its programs."""
    return SCRIPT.read_text(encoding="utf-8").replace(
        f"/postgresql/{_SCRIPT_VERSION}/", f"/postgresql/{settings.major}/"
    )


def admin(settings: DatabaseSettings) -> str:
    """The role that makes roles; no superuser."""
    return f"{settings.user}_admin"


def login(settings: DatabaseSettings, rotation: int) -> str:
    """The login that is in use after so many rotations."""
    return f"{settings.user}_{'ab'[(rotation - 1) % 2]}"


@dataclass(frozen=True, kw_only=True)
class RolesArgs:
    """The database, who administers it, and the login that shall work.

    `scripts` is the name of the ConfigMap that holds postgres.sh.
    """

    place: Place
    identity: Identity
    account: pulumi.Input[str]
    settings: DatabaseSettings
    engine: Engine
    scripts: pulumi.Output[str]
    admin_password: SecretKey
    rotation: int


def grant(
    args: RolesArgs, verifier: SecretKey, paths: Sequence[pulumi.Resource], parent: pulumi.Resource
) -> batch.v1.Job:
    """Create the Job that makes owner, database and login; Pulumi waits until it has succeeded.

    Its pod is started beside the server's, where it can wait for that: what it does takes less time than its
    start. To do it on a server that is about to be replaced does no harm, the data stays.
    """
    settings = args.settings
    env = {
        "DB_NAME": settings.name,
        "DB_OWNER": settings.user,
        "DB_LOGIN": login(settings, args.rotation),
    }
    after = pulumi.ResourceOptions(parent=parent, depends_on=[*args.engine.reachable, *paths])
    return _job("grant", args, env, verifier, after)


def retire(args: RolesArgs, options: pulumi.ResourceOptions) -> batch.v1.Job | None:
    """Create the Job that locks the login of the rotation before, if there was one."""
    if args.rotation == 1:
        return None
    return _job("retire", args, {"DB_LOGIN": login(args.settings, args.rotation - 1)}, None, options)


def gate(
    settings: DatabaseSettings, engine: Engine, login_name: str, password: SecretKey
) -> workload.Container:
    """A container that ends when the server lets the login in from its pod.

    A pod runs before every node knows that its address may pass, and where everything is applied at once,
    before there is a login; a program that tries once would be refused. It needs the engine's client volumes.
    """
    connection = {
        "PGHOST": engine.host,
        "PGPORT": str(engine.port),
        "PGUSER": login_name,
        "PGDATABASE": settings.name,
        **engine.client_variables(),
    }
    return workload.Container(
        name="await-database",
        image=settings.image,
        command=(*SCRIPT_COMMAND, "login"),
        env=[
            *(core.v1.EnvVarArgs(name=name, value=value) for name, value in connection.items()),
            password.variable("PGPASSWORD"),
        ],
        resources=sizing.CLIENT_RESOURCES,
    )


def scripts_volume(scripts: pulumi.Output[str]) -> workload.Volume:
    """Where a container finds postgres.sh; `scripts` is the name of its ConfigMap."""
    source = core.v1.VolumeArgs(name="scripts", config_map=core.v1.ConfigMapVolumeSourceArgs(name=scripts))
    return workload.Volume(source=source, path=_SCRIPTS)


def _job(
    verb: str,
    args: RolesArgs,
    env: Mapping[str, str],
    verifier: SecretKey | None,
    options: pulumi.ResourceOptions,
) -> batch.v1.Job:
    place, settings = args.place, args.settings
    connection = {
        "PGHOST": args.engine.host,
        "PGPORT": str(args.engine.port),
        "PGUSER": admin(settings),
        "PGDATABASE": "postgres",
        **args.engine.client_variables(),
    }
    plain = {**connection, **env}
    pod = workload.Pod(
        identity=args.identity,
        account=args.account,
        uid=_UNPRIVILEGED,
        gid=_UNPRIVILEGED,
        grace=_GRACE_SECONDS,
        restart_policy="Never",
        volumes=(scripts_volume(args.scripts), *args.engine.client_volumes()),
        writable=(WritablePath(path="/tmp", size="16Mi"),),  # noqa: S108 - a path inside the container
        container=workload.Container(
            name=verb,
            image=settings.image,
            command=(*SCRIPT_COMMAND, verb),
            env=[
                *(core.v1.EnvVarArgs(name=name, value=plain[name]) for name in sorted(plain)),
                args.admin_password.variable("PGPASSWORD"),
                *([verifier.variable("DB_VERIFIER")] if verifier else []),
            ],
            resources=sizing.CLIENT_RESOURCES,
        ),
    )
    # A Job cannot be changed: what makes it another Job is part of its name, in Pulumi too. To run it again
    # does no harm, so whatever else changes may replace it.
    version = digests.of([settings.image, _UNPRIVILEGED, args.rotation, dict(plain), script(settings)])
    name = f"{names.ROLES}-{verb}-{version}"
    return batch.v1.Job(
        name,
        metadata=place.pod_maker(name, args.identity),
        spec=batch.v1.JobSpecArgs(
            backoff_limit=_RETRIES,
            active_deadline_seconds=_DEADLINE_SECONDS,
            template=workload.template(pod, place),
        ),
        opts=options,
    )
