"""The pooler: PgBouncer between the backend's pods and the server, the same for every engine.

It holds no password: a client proves its own by SCRAM against the verifier that the server has too, and with
what that proof shows PgBouncer logs in at the server. Both logins of a rotation are known to it. Not goals:
migrations and the roles' Jobs, which need whole sessions and go to the server; metrics (PgBouncer writes its
figures to its log).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pulumi
from pulumi_kubernetes import apps, core, meta, policy

from ..settings.model.database import Database as DatabaseSettings
from ..settings.model.pooler import Pooler as PoolerSettings
from ..settings.model.workload import WritablePath
from ..settings.values import images, names
from ..settings.values.names import Identity
from ..workloads import environment, workload
from ..workloads.context import SKIP_AWAIT, Place
from . import roles, server_tls
from .access import AUTHORITY, DatabaseAccess, Engine

SCRIPT = Path(__file__).with_name("pooler.sh")
PORT = 5432
FOLDER = "/etc/feastflow/pooler"
LOGINS = "/etc/feastflow/logins"
USERLIST = "/tmp/userlist.txt"  # noqa: S108 - a path inside the container
_COMMAND = ("sh", f"{FOLDER}/{SCRIPT.name}")
# Until every proxy has heard that a pod leaves; until a transaction has ended; and the kubelet's own.
_REMOVAL_SECONDS, _END_SECONDS, _MARGIN_SECONDS = 5, 15, 5
_MIN_READY_SECONDS = 3
# For a node to be found and the image to be pulled.
_BEFORE_START_SECONDS = 180
_READINESS_SECONDS, _LIVENESS_SECONDS, _START_SECONDS = 2, 10, 30


@dataclass(frozen=True, kw_only=True)
class PoolerArgs:
    """The pooler's settings, the server behind it as a client has it, and the Secrets of the logins it knows.

    `clients` are the connections that one pod accepts.
    """

    place: Place
    settings: DatabaseSettings
    pooler: PoolerSettings
    server: DatabaseAccess
    logins: Sequence[pulumi.Output[str]]
    clients: int


def create(args: PoolerArgs, parent: pulumi.Resource) -> DatabaseAccess:
    """Create the pods, their Service and their paths; return the right to connect by them."""
    place, settings, server = args.place, args.settings, args.server
    identity = place.identity(names.POOLER, names.POOLER_COMPONENT, images.version(args.pooler.image))
    files = environment.config("pooler-config", place, identity, _files(args), parent)
    tls = server_tls.create(place, parent, of=identity)
    paths = server.engine.allow(names.FROM_POOLER, place, [identity], parent)
    account = workload.account("pooler-account", place, identity, parent, settings.pull_secrets)
    service = core.v1.Service(
        names.POOLER,
        metadata=place.metadata(names.POOLER, identity, SKIP_AWAIT),
        spec=core.v1.ServiceSpecArgs(
            type="ClusterIP",
            ip_family_policy=place.cluster.family_policy,
            selector=identity.selector,
            ports=[
                core.v1.ServicePortArgs(name="postgres", port=PORT, target_port="postgres", protocol="TCP")
            ],
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    deployment = apps.v1.Deployment(
        "pooler-deployment",
        metadata=place.workload_metadata(names.POOLER, identity),
        spec=apps.v1.DeploymentSpecArgs(
            replicas=args.pooler.replicas,
            selector=meta.v1.LabelSelectorArgs(match_labels=identity.selector),
            min_ready_seconds=_MIN_READY_SECONDS,
            progress_deadline_seconds=_START_SECONDS + _BEFORE_START_SECONDS,
            revision_history_limit=3,
            strategy=apps.v1.DeploymentStrategyArgs(
                type="RollingUpdate",
                rolling_update=apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
            ),
            template=workload.template(_pod(args, identity, account, files, tls), place),
        ),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[*server.engine.reachable, *paths]),
    )
    policy.v1.PodDisruptionBudget(
        "pooler-disruption",
        metadata=place.metadata(names.POOLER, identity),
        spec=policy.v1.PodDisruptionBudgetSpecArgs(
            max_unavailable=1,
            selector=meta.v1.LabelSelectorArgs(match_labels=identity.selector),
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    engine = Engine(
        host=names.POOLER,
        port=PORT,
        server=identity,
        ready=(deployment, service),
        reachable=(service,),
        ca_secret=tls.authority,
        policy=names.POOLER_POLICY,
    )
    return replace(
        server,
        engine=engine,
        ready=(*server.ready, *engine.ready),
        gate=roles.gate(settings, engine, server.login, server.password),
    )


def configuration(args: PoolerArgs) -> str:
    """Return pgbouncer.ini: https://www.pgbouncer.org/config.html."""
    server, size = args.server.engine, args.pooler.pool_size
    values = {
        "listen_addr": "*",
        "listen_port": PORT,
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": USERLIST,
        "pool_mode": "transaction",
        # Of all logins together: during a rotation the idle connections of one make room for the other's.
        "default_pool_size": size,
        "max_db_connections": size,
        "max_client_conn": args.clients,
        "max_prepared_statements": 200,
        # pgjdbc and Npgsql send it with each connection, and it changes only how numbers are written.
        "ignore_startup_parameters": "extra_float_digits",
        "client_tls_sslmode": "require",
        "client_tls_cert_file": server_tls.CERTIFICATE,
        "client_tls_key_file": server_tls.KEY,
        # It has to be some authority, of clients that none has: an image need not have the system's own.
        "client_tls_ca_file": server_tls.CERTIFICATE,
        "server_tls_sslmode": server.ssl_mode,
        **({"server_tls_ca_file": AUTHORITY} if server.has_authority else {}),
        # A failover is over in seconds: nothing may wait longer for a server that has gone.
        "server_login_retry": 1,
        "server_connect_timeout": 3,
        "query_wait_timeout": 20,
        "tcp_keepidle": 5,
        "tcp_keepintvl": 2,
        "tcp_keepcnt": 2,
        "tcp_user_timeout": 8000,
        # Each probe of the kubelet is a connection.
        "log_connections": 0,
        "log_disconnections": 0,
        "stats_period": 60,
    }
    name = args.settings.name
    return "\n".join(
        [
            "[databases]",
            f"{name} = host={server.host} port={server.port} dbname={name}",
            "[pgbouncer]",
            *(f"{key} = {value}".rstrip() for key, value in values.items()),
            "",
        ]
    )


def _files(args: PoolerArgs) -> dict[str, str]:
    return {"pgbouncer.ini": configuration(args), SCRIPT.name: SCRIPT.read_text(encoding="utf-8")}


def _pod(
    args: PoolerArgs,
    identity: Identity,
    account: pulumi.Input[str],
    files: pulumi.Output[str],
    tls: server_tls.ServerTls,
) -> workload.Pod:
    settings, pooler = args.settings, args.pooler
    told = {
        "LOGINS": LOGINS,
        "USERLIST": USERLIST,
        "PORT": str(PORT),
        "REMOVAL_SECONDS": str(_REMOVAL_SECONDS),
        "DRAIN_SECONDS": str(pooler.drain_seconds),
        "END_SECONDS": str(_END_SECONDS),
    }
    source = core.v1.VolumeArgs(name="pooler", config_map=core.v1.ConfigMapVolumeSourceArgs(name=files))
    return workload.Pod(
        node_selector=settings.node_selector,
        tolerations=settings.tolerations,
        identity=identity,
        tier=names.DATABASE_TIER,
        account=account,
        uid=roles.UNPRIVILEGED,
        gid=roles.UNPRIVILEGED,
        grace=_REMOVAL_SECONDS + pooler.drain_seconds + _END_SECONDS + _MARGIN_SECONDS,
        spread=True,
        writable=(WritablePath(path="/tmp", size="1Mi"),),  # noqa: S108 - a path inside the container
        volumes=(
            workload.Volume(source=source, path=FOLDER),
            _logins(args.logins),
            tls.volume,
            *args.server.engine.client_volumes(),
        ),
        container=workload.Container(
            name="pooler",
            image=pooler.image,
            command=(*_COMMAND, "serve"),
            env=environment.plain(told),
            port=PORT,
            port_name="postgres",
            resources=pooler.resources,
            startup=workload.tcp_probe("postgres", period=1, failures=_START_SECONDS),
            readiness=workload.tcp_probe("postgres", period=_READINESS_SECONDS, failures=2),
            liveness=workload.tcp_probe("postgres", period=_LIVENESS_SECONDS, failures=3),
            lifecycle=core.v1.LifecycleArgs(
                pre_stop=core.v1.LifecycleHandlerArgs(
                    exec_=core.v1.ExecActionArgs(command=[*_COMMAND, "drain"])
                )
            ),
        ),
    )


def _logins(secrets: Sequence[pulumi.Output[str]]) -> workload.Volume:
    """Return the volume with name and verifier of each login, and nothing else of their Secrets."""
    keys = ("username", roles.VERIFIER)
    sources = [
        core.v1.VolumeProjectionArgs(
            secret=core.v1.SecretProjectionArgs(
                name=secret,
                items=[core.v1.KeyToPathArgs(key=key, path=f"{number}/{key}") for key in keys],
            )
        )
        for number, secret in enumerate(secrets)
    ]
    volume = core.v1.VolumeArgs(name="logins", projected=core.v1.ProjectedVolumeSourceArgs(sources=sources))
    return workload.Volume(source=volume, path=LOGINS)
