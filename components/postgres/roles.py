"""The database's roles: an owner, two logins that take turns, and an administrator that opens and locks them.

A rotation gives the login that is not in use a new password and moves the clients to it, while the old login
still works; when the last client has moved, the old one is locked. At no moment is there a client whose
credentials are refused. Both logins act as the owner, so whatever they create belongs to it. The
administrator can do nothing but call the functions of roles.sql, which are the superuser's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_kubernetes import batch, core

from ..settings.model.database import Database as DatabaseSettings
from ..settings.model.demand import CLIENT_RESOURCES
from ..settings.model.workload import WritablePath
from ..settings.values import majors, names
from ..settings.values.names import Identity
from ..workloads import environment, workload
from ..workloads.context import REPLACE_UNREADY, Place, timeouts
from ..workloads.environment import SecretKey
from .access import Engine

SCRIPT = Path(__file__).with_name("postgres.sh")
VOLUME = Path(__file__).with_name("volume.sh")
FUNCTIONS = Path(__file__).with_name("roles.sql")
BACKUP = Path(__file__).with_name("backup.sh")
RESTORE = Path(__file__).with_name("restore.sh")
EXTERNAL = Path(__file__).with_name("external.sh")
PROOF = Path(__file__).with_name("proof.sh")
COUNTED = Path(__file__).with_name("counted.sql")
UPGRADE = Path(__file__).with_name("upgrade")
BACKUP_FUNCTIONS = Path(__file__).with_name("backup.sql")
PASSWORD, VERIFIER, BEFORE = "password", "verifier", "before"
_SCRIPTS = "/etc/feastflow/scripts"
SCRIPT_COMMAND = ("sh", f"{_SCRIPTS}/postgres.sh")
BACKUP_COMMAND = ("sh", f"{_SCRIPTS}/backup.sh")
EXTERNAL_COMMAND = ("sh", f"{_SCRIPTS}/external.sh")
UPGRADE_COMMAND = ("sh", f"{_SCRIPTS}/upgrade.sh")
RESTORE_COMMAND = ("sh", f"{_SCRIPTS}/restore.sh")
PROOF_COMMAND = ("sh", f"{_SCRIPTS}/proof.sh")
# Or as long as the server may take to recover from a crash: the Job that makes the roles may wait for that.
_DEADLINE_SECONDS = 600
_RETRIES = 3
_GRACE_SECONDS = 5
# No account's on any node.
UNPRIVILEGED = 10001


def files(settings: DatabaseSettings) -> dict[str, str]:
    """Return postgres.sh for the image's version (where Debian has its programs), volume.sh and roles.sql.

    Where Jobs copy the database, backup.sh too, and their login; where it begins from a copy, restore.sh;
    where it is upgraded, upgrade.sh and what that reads. An external server has none of our functions:
    external.sh in their place.
    """
    found = {
        SCRIPT.name: _of_version(SCRIPT, settings),
        VOLUME.name: VOLUME.read_text(encoding="utf-8"),
    }
    if settings.external is not None:
        return {**found, EXTERNAL.name: _of_version(EXTERNAL, settings)}
    found[FUNCTIONS.name] = functions(settings)
    if settings.copied_by_jobs:
        found[BACKUP.name] = _of_version(BACKUP, settings)
        found[FUNCTIONS.name] += _with_names(BACKUP_FUNCTIONS, settings)
        if settings.restore:
            found[RESTORE.name] = _of_version(RESTORE, settings)
    if settings.upgrade_from and settings.engine == "standalone":
        found |= {each.name: _of_version(each, settings) for each in sorted(UPGRADE.iterdir())}
    return found


def proof_files(settings: DatabaseSettings) -> dict[str, str]:
    """Return proof.sh and what it calls: apart from the server's, which a change would restart."""
    found = {script.name: _of_version(script, settings) for script in (BACKUP, PROOF, RESTORE)}
    return found | {each.name: each.read_text(encoding="utf-8") for each in (COUNTED, VOLUME)}


def functions(settings: DatabaseSettings) -> str:
    """Return the SQL by which the superuser makes the functions, with the stack's own names."""
    return _with_names(FUNCTIONS, settings)


def _of_version(script: Path, settings: DatabaseSettings) -> str:
    return majors.of_version(script.read_text(encoding="utf-8"), settings.major)


def _with_names(script: Path, settings: DatabaseSettings) -> str:
    text = script.read_text(encoding="utf-8")
    names_of = {
        "admin": admin(settings),
        "owner": settings.user,
        "name": settings.name,
        "a": login(settings, 1),
        "b": login(settings, 2),
        "backup": backup(settings),
    }
    for token, name in names_of.items():
        text = text.replace(f"@{token}@", name)
    return text


def server_variables(settings: DatabaseSettings) -> dict[str, str]:
    """Return what the script has to know on the server's side."""
    return {"ADMIN": admin(settings), "DB_NAME": settings.name, "DB_OWNER": settings.user}


def admin(settings: DatabaseSettings) -> str:
    """Return the name of the role that may open and lock the logins, and nothing else."""
    return f"{settings.user}_admin"


def backup(settings: DatabaseSettings) -> str:
    """Return the name of the role that copies the database, and reads nothing of it."""
    return f"{settings.user}_backup"


def login(settings: DatabaseSettings, rotation: int) -> str:
    """Return the login that is in use after so many rotations."""
    return f"{settings.user}_{'ab'[(rotation - 1) % 2]}"


@dataclass(frozen=True, kw_only=True)
class RolesArgs:
    """The database, who administers it, and the login that shall work.

    `scripts` is the name of the ConfigMap that holds postgres.sh. `admin` is the administrator's
    Secret, `first_admin` the one that a standalone server's new volume is given.
    """

    place: Place
    identity: Identity
    account: pulumi.Input[str]
    settings: DatabaseSettings
    engine: Engine
    scripts: pulumi.Output[str]
    admin: pulumi.Output[str]
    first_admin: pulumi.Output[str] | None
    rotation: int


def grant(
    args: RolesArgs, verifier: SecretKey, paths: Sequence[pulumi.Resource], parent: pulumi.Resource
) -> batch.v1.Job:
    """Create the Job that makes owner, database and login; Pulumi waits until it has succeeded.

    Its pod is started with the server's, where it can wait for that: what it does takes less time than its
    start. To do it on a server that is about to be replaced does no harm, the data stays.
    """
    settings = args.settings
    env = {"DB_NAME": settings.name, "DB_LOGIN": login(settings, args.rotation)}
    after = pulumi.ResourceOptions(parent=parent, depends_on=[*args.engine.reachable, *paths])
    return _job("grant", args, env, verifier, after)


def retire(args: RolesArgs, options: pulumi.ResourceOptions) -> batch.v1.Job | None:
    """Create the Job that locks the login of the rotation before, if there was one.

    After a restore there was: both logins of the database before are in the backup, with its passwords.
    """
    if args.rotation == 1 and args.settings.restore is None:
        return None
    return _job("retire", args, {"DB_LOGIN": login(args.settings, args.rotation - 1)}, None, options)


def gate(
    settings: DatabaseSettings, engine: Engine, login_name: str, password: SecretKey
) -> workload.Container:
    """Return a container that ends when the server lets the login in from its pod.

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
            *environment.plain(connection),
            password.variable("PGPASSWORD"),
        ],
        resources=CLIENT_RESOURCES,
    )


def scripts_volume(scripts: pulumi.Output[str]) -> workload.Volume:
    """Return the volume with postgres.sh; `scripts` is the name of its ConfigMap."""
    source = core.v1.VolumeArgs(name="scripts", config_map=core.v1.ConfigMapVolumeSourceArgs(name=scripts))
    return workload.Volume(source=source, path=_SCRIPTS)


def _administrator(args: RolesArgs) -> list[core.v1.EnvVarArgs]:
    """Return its password and verifier, and the passwords that may be in force before the Job has run."""
    keys = {"PGPASSWORD": PASSWORD, "ADMIN_VERIFIER": VERIFIER, "ADMIN_BEFORE": BEFORE}
    found = [SecretKey(secret=args.admin, key=key).variable(name) for name, key in keys.items()]
    if args.first_admin is None:
        return found
    return [*found, SecretKey(secret=args.first_admin, key=PASSWORD).variable("ADMIN_FIRST")]


def _job(
    verb: str,
    args: RolesArgs,
    env: Mapping[str, str],
    verifier: SecretKey | None,
    options: pulumi.ResourceOptions,
) -> batch.v1.Job:
    settings = args.settings
    plain = {
        "PGHOST": args.engine.host,
        "PGPORT": str(args.engine.port),
        "PGUSER": admin(settings),
        "PGDATABASE": "postgres",
        **args.engine.client_variables(),
        **env,
    }
    return run(
        RunArgs(
            verb=verb,
            command=SCRIPT_COMMAND,
            place=args.place,
            identity=args.identity,
            account=args.account,
            settings=settings,
            engine=args.engine,
            scripts=args.scripts,
            plain=plain,
            hidden=[*_administrator(args), *([verifier.variable("DB_VERIFIER")] if verifier else [])],
            rotation=args.rotation,
            version=[files(settings)],
            seconds=max(_DEADLINE_SECONDS, settings.start_seconds),
        ),
        options,
    )


@dataclass(frozen=True, kw_only=True)
class RunArgs:
    """A Job that talks to the database: the verb of a script, its environment, and what makes it another Job.

    `version` is what does so besides image, rotation and environment. `hidden` are variables whose values are
    in Secrets. It has failed after so many `seconds`.
    """

    verb: str
    command: Sequence[str]
    place: Place
    identity: Identity
    account: pulumi.Input[str]
    settings: DatabaseSettings
    engine: Engine
    scripts: pulumi.Output[str]
    plain: Mapping[str, str]
    hidden: Sequence[core.v1.EnvVarArgs]
    rotation: int
    version: Sequence[object]
    seconds: int = _DEADLINE_SECONDS
    retries: int = _RETRIES


def run(args: RunArgs, options: pulumi.ResourceOptions) -> batch.v1.Job:
    """Create the Job; Pulumi waits until it has succeeded."""
    place, settings = args.place, args.settings
    pod = workload.Pod(
        node_selector=settings.node_selector,
        tolerations=settings.tolerations,
        identity=args.identity,
        tier=None,
        account=args.account,
        uid=UNPRIVILEGED,
        gid=UNPRIVILEGED,
        grace=_GRACE_SECONDS,
        restart_policy="Never",
        volumes=(scripts_volume(args.scripts), *args.engine.client_volumes()),
        writable=(WritablePath(path="/tmp", size="16Mi"),),  # noqa: S108 - a path inside the container
        container=workload.Container(
            name=args.verb,
            image=settings.image,
            command=(*args.command, args.verb),
            env=[*environment.plain(dict(sorted(args.plain.items()))), *args.hidden],
            resources=CLIENT_RESOURCES,
        ),
    )
    # A Job cannot be changed: what makes it another Job is part of its name, in Pulumi too. To run it again
    # does no harm, so whatever else changes may replace it.
    version = names.digest([settings.image, UNPRIVILEGED, args.rotation, dict(args.plain), *args.version])
    name = f"{names.ROLES}-{args.verb}-{version}"
    return batch.v1.Job(
        name,
        metadata=place.workload_metadata(name, args.identity, REPLACE_UNREADY),
        spec=batch.v1.JobSpecArgs(
            backoff_limit=args.retries,
            active_deadline_seconds=args.seconds,
            template=workload.template(pod, place),
        ),
        opts=pulumi.ResourceOptions.merge(
            options, pulumi.ResourceOptions(custom_timeouts=timeouts(args.seconds))
        ),
    )
