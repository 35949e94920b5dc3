"""The right to connect to the database: all that others know of it, whichever engine runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core, networking

from ..settings.values import names
from ..settings.values.names import Identity
from ..workloads import network
from ..workloads.context import Place
from ..workloads.environment import SecretKey
from ..workloads.workload import Container, Volume

_CA_FOLDER = "/etc/feastflow/database"
_CA_FILE = "ca.crt"
# Where clients find the authority, and the variable that Node reads it from.
AUTHORITY = f"{_CA_FOLDER}/{_CA_FILE}"
NODE_AUTHORITIES = "NODE_EXTRA_CA_CERTS"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The engine as clients need it: its address, its readiness, and the authority that signs for it.

    `data` are the volumes by which a pod on the server's node reads its data and never writes it.
    `reachable` are the resources after which a client that waits for the server need not be recreated: where
    no client is let in before the administrator is known, it may wait from the beginning. `outside` is the
    way to a server that is no pod of the namespace. The authority is `ca.crt` of a Secret or a ConfigMap.
    `policy` is the name of the NetworkPolicy that lets in the application.
    """

    host: str
    port: int
    server: Identity
    ready: Sequence[pulumi.Resource]
    reachable: Sequence[pulumi.Resource]
    ca_secret: pulumi.Input[str] | None = None
    ca_config: pulumi.Input[str] | None = None
    ssl_mode: str = "verify-full"
    data: Sequence[Volume] = ()
    outside: network.Rule | None = None
    policy: str = names.DATABASE_POLICY

    @property
    def has_authority(self) -> bool:
        """Return whether clients are given an authority to verify the server with."""
        return self.ca_secret is not None or self.ca_config is not None

    def allow(
        self, name: str, place: Place, clients: Sequence[Identity], parent: pulumi.Resource
    ) -> list[networking.v1.NetworkPolicy]:
        """Let each client reach the server; `name` is that of the policy on the side of a server of ours."""
        if self.outside is None:
            return network.allow(name, place, clients, (self.server, self.port), parent)
        # A policy has one name: changed before the server was asked, it would cut off pods that run.
        return [
            network.allow_egress(
                names.to_database(client.name), place, client, [self.outside], parent, self.ready
            )
            for client in clients
        ]

    def client_variables(self) -> Mapping[str, str]:
        """Return what drivers read to verify the server: which reads what is in docs/configuration.md."""
        if not self.has_authority:
            return {"PGSSLMODE": self.ssl_mode} if self.outside else {}
        return {"PGSSLMODE": self.ssl_mode, "PGSSLROOTCERT": AUTHORITY, NODE_AUTHORITIES: AUTHORITY}

    def client_volumes(self) -> tuple[Volume, ...]:
        """Return the volumes that `client_variables` refers to."""
        if not self.has_authority:
            return ()
        # A directory, not a single file: a renewed certificate then reaches pods that run.
        items = [core.v1.KeyToPathArgs(key=_CA_FILE, path=_CA_FILE)]
        source = core.v1.VolumeArgs(
            name="database-ca",
            secret=None
            if self.ca_secret is None
            else core.v1.SecretVolumeSourceArgs(secret_name=self.ca_secret, items=items),
            config_map=None
            if self.ca_config is None
            else core.v1.ConfigMapVolumeSourceArgs(name=self.ca_config, items=items),
        )
        return (Volume(source=source, path=_CA_FOLDER),)


@dataclass(frozen=True, kw_only=True)
class DatabaseAccess:
    """Address, credentials by reference, and who to ask the network for.

    `ready` are the resources after which the login works. `gate` is a container that ends once the
    login is let in from its pod, and needs `gate_volume` and the engine's own; its image is pulled with
    `pull_secrets`.
    """

    engine: Engine
    name: str
    login: str
    password: SecretKey
    ready: Sequence[pulumi.Resource]
    gate: Container
    gate_volume: Volume
    pull_secrets: Sequence[str] = ()
