"""The standalone engine: one PostgreSQL server in a StatefulSet, on one volume.

Its administrator is brought into line with the Secret at every start, on a Unix socket before the port
opens; everything else is asked of the administrator. Where backups are set, its log goes to a store as it is
written. Not goals: standbys, failover; those are the replicated engine's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apps, core, meta

from ..settings.derived import connections as sizes
from ..settings.model.database import Database as DatabaseSettings
from ..settings.model.workload import WritablePath
from ..settings.values import names
from ..settings.values.names import Identity
from ..workloads import environment, trust, workload
from ..workloads.context import SKIP_AWAIT, Place, timeouts
from ..workloads.environment import SecretKey
from . import backups, roles, server_tls, upgrades
from .access import Engine

PORT = 5432
_VOLUME = "/var/lib/postgresql/data"
_SOCKETS = "/var/run/postgresql"
_FILES = "/etc/feastflow/server"
_PROBE_SECONDS = 5
_STARTUP_PROBE_SECONDS = 2
_SHUTDOWN_SECONDS = 60

# The superuser only on the socket, only as the server's own system user; on the network nothing without TLS.
TLS_ONLY = ("hostnossl all all all reject", "hostssl all postgres all reject")
_LOCAL = ("local all postgres peer", "local all all scram-sha-256")
_BY_PASSWORD = ("hostssl all all all scram-sha-256",)


@dataclass(frozen=True, kw_only=True)
class StandaloneArgs:
    """The server's settings, what it accepts, and where its scripts and administrator's verifier are."""

    place: Place
    identity: Identity
    settings: DatabaseSettings
    connections: int
    scripts: pulumi.Output[str]
    admin_verifier: SecretKey


def create(args: StandaloneArgs, parent: pulumi.Resource) -> Engine:
    """Create the engine's objects."""
    place, identity, settings = args.place, args.identity, args.settings
    options = pulumi.ResourceOptions(parent=parent)
    claim = core.v1.PersistentVolumeClaim(
        names.DATABASE_CLAIM,
        # Bound is what the server's own await shows. The provider's await of a changed claim never ends.
        metadata=place.metadata(names.DATABASE_CLAIM, identity, SKIP_AWAIT),
        spec=core.v1.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            storage_class_name=settings.storage_class,
            resources=core.v1.VolumeResourceRequirementsArgs(requests={"storage": settings.storage}),
        ),
        opts=pulumi.ResourceOptions(parent=parent, protect=place.protect, depends_on=place.sizes),
    )
    headless = core.v1.Service(
        names.DATABASE_HEADLESS,
        metadata=place.metadata(names.DATABASE_HEADLESS, identity, SKIP_AWAIT),
        spec=_service_spec(place, identity, headless=True),
        opts=options,
    )
    client = core.v1.Service(
        names.DATABASE,
        metadata=place.metadata(names.DATABASE, identity, SKIP_AWAIT),
        spec=_service_spec(place, identity, headless=False),
        opts=options,
    )
    files = environment.config("postgres-config", place, identity, _files(settings), parent)
    tls = server_tls.create(place, parent, of=identity)
    server = apps.v1.StatefulSet(
        "postgres-server",
        metadata=place.workload_metadata(names.DATABASE, identity),
        spec=apps.v1.StatefulSetSpecArgs(
            replicas=1,
            # In order, a pod that never became ready (its image is missing) would block its own repair.
            pod_management_policy="Parallel",
            service_name=names.DATABASE_HEADLESS,
            selector=meta.v1.LabelSelectorArgs(match_labels=identity.selector),
            update_strategy=apps.v1.StatefulSetUpdateStrategyArgs(type="RollingUpdate"),
            template=workload.template(_pod(args, claim, files, tls, parent), place),
        ),
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=[headless], custom_timeouts=timeouts(settings.start_seconds)
        ),
    )
    if settings.backup:
        backups.allow_store(place, identity, settings.backup, parent)
    return Engine(
        host=names.DATABASE,
        port=PORT,
        server=identity,
        data=(_data(claim, read_only=True), *_configuration(files)),
        ready=(server, client),
        reachable=(client,),
        ca_secret=tls.authority,
    )


def rules() -> str:
    """Return the server's pg_hba.conf; the one in the data directory is not read."""
    return "".join(f"{rule}\n" for rule in (*_LOCAL, *TLS_ONLY, *_BY_PASSWORD))


def parameters(settings: DatabaseSettings, connections: int) -> dict[str, str]:
    """Return the server's parameters that differ from PostgreSQL's defaults, sized from the memory limit."""
    memory = sizes.memory(settings)
    return {
        "listen_addresses": "*",
        "max_connections": str(connections),
        "shared_buffers": f"{sizes.shared_buffers(memory)}MB",
        "effective_cache_size": f"{max(64, memory // 2)}MB",
        "maintenance_work_mem": f"{max(16, memory // 16)}MB",
        # What lies between two checkpoints must fit into a small volume.
        "max_wal_size": f"{max(64, min(512, sizes.storage(settings) // 4))}MB",
        "password_encryption": "scram-sha-256",
        "ssl": "on",
        "ssl_cert_file": server_tls.CERTIFICATE,
        "ssl_key_file": server_tls.KEY,
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "timezone": "UTC",
        **(archiving() if settings.backup else {}),
    }


def archiving() -> dict[str, str]:
    """Return the parameters by which the server sends its log to a store."""
    return {
        "archive_mode": "on",
        "archive_command": " ".join([*roles.BACKUP_COMMAND, "archive", "%p"]),
        "archive_timeout": f"{backups.SECONDS}s",
    }


def _options(args: StandaloneArgs) -> list[str]:
    values = parameters(args.settings, args.connections)
    return [text for name in sorted(values) for text in ("-c", f"{name}={values[name]}")]


def _pod(
    args: StandaloneArgs,
    claim: core.v1.PersistentVolumeClaim,
    files: pulumi.Output[str],
    tls: server_tls.ServerTls,
    parent: pulumi.Resource,
) -> workload.Pod:
    settings = args.settings
    variables = [
        core.v1.EnvVarArgs(name="PGDATA", value=f"{_VOLUME}/pgdata"),
        core.v1.EnvVarArgs(name="PGHOST", value=_SOCKETS),
        core.v1.EnvVarArgs(name="HBA_FILE", value=f"{_FILES}/pg_hba.conf"),
        *environment.plain(trust.variables(settings.ca_bundle)),
        *environment.plain(backups.script_variables(settings.backup) if settings.backup else {}),
        *environment.plain(upgrades.variables(settings)),
    ]
    administrator = [
        *environment.plain(roles.server_variables(settings)),
        core.v1.EnvVarArgs(name="START_SECONDS", value=str(settings.crash_recovery_seconds)),
        args.admin_verifier.variable("ADMIN_VERIFIER"),
    ]
    configuration, passwd = _configuration(files)
    return workload.Pod(
        node_selector=settings.node_selector,
        tolerations=settings.tolerations,
        identity=args.identity,
        tier=args.identity.component,
        account=workload.account(
            "postgres-account",
            args.place,
            args.identity,
            parent,
            settings.pull_secrets,
            settings.backup.credentials.workload_identity if settings.backup else None,
        ),
        uid=settings.uid,
        gid=settings.gid,
        grace=_SHUTDOWN_SECONDS,
        writable=(
            WritablePath(path=_SOCKETS, size="1Mi"),
            WritablePath(path="/tmp", size="64Mi"),  # noqa: S108 - a path inside the container
        ),
        volumes=(
            _data(claim, read_only=False),
            roles.scripts_volume(args.scripts),
            configuration,
            tls.volume,
            _shared_memory(settings),
            passwd,
            *(backups.credentials_volumes(settings.backup) if settings.backup else ()),
            *trust.volumes("postgres-ca", args.place, args.identity, settings.ca_bundle, parent),
        ),
        init=(
            *_restored(args, [*variables, *administrator]),
            *upgrades.containers(settings, variables, _options(args)),
            workload.Container(
                name="prepare",
                image=settings.image,
                command=(*roles.SCRIPT_COMMAND, "prepare"),
                env=[*variables, *administrator],
                resources=settings.resources,
            ),
        ),
        container=workload.Container(
            name="postgres",
            image=settings.image,
            command=(*roles.SCRIPT_COMMAND, "serve", *_options(args)),
            env=variables,
            port=PORT,
            port_name="postgres",
            resources=settings.resources,
            startup=workload.exec_probe(
                (*roles.SCRIPT_COMMAND, "ready"),
                period=_STARTUP_PROBE_SECONDS,
                failures=-(-settings.crash_recovery_seconds // _STARTUP_PROBE_SECONDS),
            ),
            readiness=workload.exec_probe(
                (*roles.SCRIPT_COMMAND, "ready"), period=_PROBE_SECONDS, failures=2
            ),
            liveness=workload.exec_probe(
                (*roles.SCRIPT_COMMAND, "alive"), period=_PROBE_SECONDS * 2, failures=3
            ),
            # SIGTERM would be a smart shutdown, which waits for clients until the grace period is over.
            lifecycle=core.v1.LifecycleArgs(
                pre_stop=core.v1.LifecycleHandlerArgs(
                    exec_=core.v1.ExecActionArgs(command=[*roles.SCRIPT_COMMAND, "stop"])
                )
            ),
        ),
    )


def _restored(args: StandaloneArgs, env: Sequence[core.v1.EnvVarArgs]) -> list[workload.Container]:
    """Return what begins the data directory from a backup, where that is set."""
    settings = args.settings
    if settings.restore is None:
        return []
    moment = settings.restore.moment
    told = {
        "RESTORE_FROM": settings.restore.source,
        "RESTORE_AT": moment.isoformat(sep=" ") if moment else settings.restore.at,
    }
    return [
        workload.Container(
            name="restore",
            image=settings.image,
            command=(*roles.RESTORE_COMMAND, *_options(args)),
            env=[*env, *environment.plain(told)],
            resources=settings.resources,
        )
    ]


def _data(claim: core.v1.PersistentVolumeClaim, *, read_only: bool) -> workload.Volume:
    source = core.v1.VolumeArgs(
        name="data",
        persistent_volume_claim=core.v1.PersistentVolumeClaimVolumeSourceArgs(
            claim_name=claim.metadata.apply(lambda metadata: str(metadata.name)),
            # Where it is, the kubelet also leaves the files' groups and modes as they are.
            read_only=True if read_only else None,
        ),
    )
    return workload.Volume(source=source, path=_VOLUME, read_only=read_only)


def _configuration(files: pulumi.Output[str]) -> tuple[workload.Volume, workload.Volume]:
    source = core.v1.VolumeArgs(name="server", config_map=core.v1.ConfigMapVolumeSourceArgs(name=files))
    return (
        workload.Volume(source=source, path=_FILES),
        # initdb and peer authentication look the uid up; an image need not know it.
        workload.Volume(source=source, path="/etc/passwd", sub_path="passwd"),
    )


def shared_memory(memory: int) -> int:
    """Return the size of /dev/shm for a memory limit, both in MiB: half, as Linux gives it of a machine's.

    A runtime's own 64 MiB are too few as soon as the workers of one VACUUM share more
    (`maintenance_work_mem`), or those of some queries. What is in it counts against the limit.
    """
    return max(64, memory // 2)


def _shared_memory(settings: DatabaseSettings) -> workload.Volume:
    size = f"{shared_memory(sizes.memory(settings))}Mi"
    source = core.v1.VolumeArgs(
        name="shared-memory", empty_dir=core.v1.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=size)
    )
    return workload.Volume(source=source, path="/dev/shm", read_only=False)  # noqa: S108 - in the container


def _files(settings: DatabaseSettings) -> dict[str, str]:
    return {
        "pg_hba.conf": rules(),
        "passwd": f"postgres:x:{settings.uid}:{settings.gid}:PostgreSQL:/var/lib/postgresql:/bin/sh\n",
    }


def _service_spec(place: Place, identity: Identity, *, headless: bool) -> core.v1.ServiceSpecArgs:
    return core.v1.ServiceSpecArgs(
        type="ClusterIP",
        cluster_ip="None" if headless else None,
        ip_family_policy=place.cluster.family_policy,
        selector=identity.selector,
        ports=[core.v1.ServicePortArgs(name="postgres", port=PORT, target_port="postgres", protocol="TCP")],
    )
