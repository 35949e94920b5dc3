"""The replicated engine: CloudNativePG, one primary and standbys in different zones.

A commit is acknowledged when a standby has it too, so a failover loses nothing that a client was told is
safe. The operator belongs to the cluster and must be there; its instances keep their state in the
Kubernetes API, which is why they alone may reach it. Not goals: the operator itself, and its own pooler.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions, meta

from ..settings.model.database import PROJECTED
from ..settings.model.database import Database as DatabaseSettings
from ..settings.values import names
from ..settings.values.names import Identity
from ..workloads import network, telemetry, trust
from ..workloads.context import Place, timeouts
from ..workloads.environment import SecretKey
from ..workloads.network import Rule
from ..workloads.workload import NODE_GONE
from . import backups, roles, standalone
from .access import Engine

_STATUS_PORT = 8000
# Of the operator's Deployment: https://cloudnative-pg.io/documentation/1.28/networking/
_OPERATOR = {"app.kubernetes.io/name": "cloudnative-pg"}
_TIMEOUTS = pulumi.CustomTimeouts(create="10m", update="10m", delete="10m")
# The operator disconnects clients after this long instead of waiting for them; then it stops the server fast.
_SMART_SECONDS = 5
_STOP_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class ReplicatedArgs:
    """The servers' settings, what they accept, and where administrator's password and API server are."""

    place: Place
    identity: Identity
    settings: DatabaseSettings
    connections: int
    admin_password: SecretKey
    api_server: pulumi.Input[Sequence[Rule]] = ()


def create(args: ReplicatedArgs, parent: pulumi.Resource) -> Engine:
    """Create the cluster and the paths that it needs; Pulumi waits until the operator calls it ready."""
    # The operator labels the pods; other labels of its own may come with any version of it, this one stays.
    server = replace(args.identity, selector_override={"cnpg.io/cluster": names.DATABASE})
    policies = _paths(args, server, parent)
    cluster = apiextensions.CustomResource(
        "postgres-cluster",
        api_version="postgresql.cnpg.io/v1",
        kind="Cluster",
        metadata=args.place.metadata(
            names.DATABASE, args.identity, {"pulumi.com/waitFor": _ready(args.settings)}
        ),
        spec={**specification(args), **_environment(args, parent)},
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[*policies, *args.place.sizes],
            protect=args.place.protect,
            custom_timeouts=timeouts(args.settings.start_seconds) or _TIMEOUTS,
        ),
    )
    if args.settings.backup:
        backups.schedule(args.place, args.identity, args.settings.backup, cluster, parent)
    return Engine(
        host=names.DATABASE,
        port=standalone.PORT,
        server=server,
        ready=(cluster,),
        # Its operator sets the administrator's password after the server has begun to answer.
        reachable=(cluster,),
        ca_secret=f"{names.DATABASE}-ca",
    )


def specification(args: ReplicatedArgs) -> dict[str, Any]:
    """Return the Cluster's `spec`: https://cloudnative-pg.io/documentation/1.28/cloudnative-pg.v1/."""
    settings, place = args.settings, args.place
    zones = place.cluster.zones
    priority = place.priority(args.identity.component)
    scraped = dict(telemetry.annotations(place, settings.scraped))
    return {
        "instances": settings.instances,
        "imageName": settings.image,
        "imagePullPolicy": "IfNotPresent",
        "postgresUID": settings.uid,
        "postgresGID": settings.gid,
        "enableSuperuserAccess": False,
        "enablePDB": True,
        "primaryUpdateStrategy": "unsupervised",
        "primaryUpdateMethod": "switchover",
        "smartShutdownTimeout": _SMART_SECONDS,
        "stopDelay": _STOP_SECONDS,
        "switchoverDelay": _STOP_SECONDS,
        "startDelay": settings.crash_recovery_seconds,
        **(
            {"imagePullSecrets": [{"name": name} for name in dict.fromkeys(settings.pull_secrets)]}
            if settings.pull_secrets
            else {}
        ),
        "inheritedMetadata": {
            "labels": {"component": args.identity.component, "app.kubernetes.io/part-of": names.PART_OF},
            # The operator writes them onto pods that run; nothing restarts.
            **({"annotations": scraped} if scraped else {}),
        },
        **({} if priority is None else {"priorityClassName": priority}),
        **(backups.of_cluster(settings.backup) if settings.backup else {}),
        **_bootstrap(settings),
        "postgresql": {
            "parameters": _parameters(settings, args.connections),
            # After the operator's own rules, and before the one that lets in every client with a password.
            "pg_hba": list(standalone.TLS_ONLY),
            "synchronous": {"method": "any", "number": 1, "dataDurability": "required"},
        },
        "managed": {
            "roles": [
                {
                    "name": roles.admin(settings),
                    "ensure": "present",
                    "login": True,
                    "createdb": False,
                    "createrole": False,
                    "passwordSecret": {"name": args.admin_password.secret},
                }
            ],
            "services": {
                "disabledDefaultServices": ["ro", "r"],
                "additional": [
                    {
                        "selectorType": "rw",
                        "updateStrategy": "patch",
                        "serviceTemplate": {
                            "metadata": {"name": names.DATABASE},
                            "spec": {
                                "type": "ClusterIP",
                                **(
                                    {"ipFamilyPolicy": policy}
                                    if (policy := place.cluster.family_policy)
                                    else {}
                                ),
                            },
                        },
                    }
                ],
            },
        },
        # Clients verify the name they connect to.
        "certificates": {
            "serverAltDNSNames": names.hosts(names.DATABASE, place.instance, place.cluster.domain)
        },
        "storage": {
            "size": settings.storage,
            **({"storageClass": settings.storage_class} if settings.storage_class else {}),
        },
        "resources": settings.resources.model_dump(),
        "affinity": {
            "enablePodAntiAffinity": True,
            "topologyKey": "topology.kubernetes.io/zone",
            # With fewer zones than instances a required rule would leave one pending for ever.
            "podAntiAffinityType": "required" if zones >= settings.instances else "preferred",
            "tolerations": [
                {
                    "key": key,
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": place.cluster.dead_node_seconds,
                }
                for key in NODE_GONE
            ]
            + [taint.model_dump(by_alias=True, exclude_none=True) for taint in settings.tolerations],
            **({"nodeSelector": dict(settings.node_selector)} if settings.node_selector else {}),
        },
    }


def _ready(settings: DatabaseSettings) -> str:
    """Return what Pulumi waits for; with an upgrade also that the operator has found its data upgraded.

    The cluster of before is ready when the update begins, and one whose upgrade failed must not be recorded
    as upgraded: the image of before, named again, has the operator go back.
    """
    if settings.upgrade_from is None:
        return "condition=Ready"
    upgraded = f"jsonpath={{.status.pgDataImageInfo.majorVersion}}={settings.major}"
    return json.dumps([upgraded, "condition=Ready"])


def _bootstrap(settings: DatabaseSettings) -> dict[str, Any]:
    """Return how the first instance begins. A Cluster that is there already is not asked again."""
    if settings.restore and settings.backup:
        return backups.recovery(settings.restore, settings.backup, settings.name, settings.user)
    initdb = {
        "database": settings.name,
        "owner": settings.user,
        "encoding": "UTF8",
        "localeCType": "C.UTF-8",
        "localeCollate": "C.UTF-8",
        "dataChecksums": True,
        # As the superuser.
        "postInitSQL": [roles.functions(settings)],
    }
    return {"bootstrap": {"initdb": initdb}}


def _environment(args: ReplicatedArgs, parent: pulumi.Resource) -> dict[str, Any]:
    """Return what tells the instances of an authority that they must trust, and of the store of backups."""
    bundle, backup = args.settings.ca_bundle, args.settings.backup
    told = {
        **(trust.variables(bundle) if bundle else {}),
        **(backups.variables(backup) if backup else {}),
    }
    mounted = (
        trust.projected("postgres-ca", args.place, args.identity, bundle, PROJECTED, parent)
        if bundle
        else None
    )
    return {
        **({"projectedVolumeTemplate": mounted} if mounted else {}),
        **({"env": [{"name": name, "value": value} for name, value in told.items()]} if told else {}),
    }


def _parameters(settings: DatabaseSettings, connections: int) -> dict[str, str]:
    # The operator sets the others itself, and refuses a cluster that names them.
    ours = (
        "max_connections",
        "shared_buffers",
        "effective_cache_size",
        "maintenance_work_mem",
        "max_wal_size",
    )
    values = standalone.parameters(settings, connections)
    return {
        **{name: values[name] for name in ours},
        # A commit waits for a standby, and after a failover a standby waits this long (5 s by default) before
        # it looks for the new primary again.
        "wal_retrieve_retry_interval": "200ms",
        **({"archive_timeout": f"{backups.SECONDS}s"} if settings.backup else {}),
    }


def _paths(args: ReplicatedArgs, identity: Identity, parent: pulumi.Resource) -> list[pulumi.Resource]:
    place = args.place
    # Their status too: a primary that cannot reach the Kubernetes API asks the others whether it is alone,
    # and ends if one does not answer:
    # https://cloudnative-pg.io/documentation/1.28/instance_manager/#primary-isolation
    peers = Rule(peers=[network.pods(identity)], ports=[standalone.PORT, _STATUS_PORT])
    # It asks their status, and never speaks SQL.
    operator = Rule(peers=[_operator(args.settings.operator_namespace)], ports=[_STATUS_PORT])
    return [
        network.allow_ingress("postgres-from-peers", place, identity, [peers, operator], parent),
        network.allow_egress("postgres-to-peers", place, identity, [peers], parent),
        # Where that is, the cluster may have to say.
        network.allow_egress(
            names.DATABASE_TO_KUBERNETES, place, identity, pulumi.Output.from_input(args.api_server), parent
        ),
        *(
            [backups.allow_store(place, identity, args.settings.backup, parent)]
            if args.settings.backup
            else []
        ),
    ]


def _operator(namespace: str) -> network.Peer:
    return network.Peer(
        namespace_selector=network.namespace(namespace).namespace_selector,
        pod_selector=meta.v1.LabelSelectorArgs(match_labels=_OPERATOR),
    )
