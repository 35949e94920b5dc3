"""The right to connect to the database: all that others know of it, whichever engine runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from ..settings.values.names import Identity
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
    no client is let in before the administrator is known, it may wait from the beginning.
    """

    host: str
    port: int
    server: Identity
    ready: Sequence[pulumi.Resource]
    reachable: Sequence[pulumi.Resource]
    ca_secret: pulumi.Input[str] | None = None
    data: Sequence[Volume] = ()

    def client_variables(self) -> Mapping[str, str]:
        """Return what drivers read to verify the server: which reads what is in docs/configuration.md."""
        if self.ca_secret is None:
            return {}
        return {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": AUTHORITY, NODE_AUTHORITIES: AUTHORITY}

    def client_volumes(self) -> tuple[Volume, ...]:
        """Return the volumes that `client_variables` refers to."""
        if self.ca_secret is None:
            return ()
        # A directory, not a single file: a renewed certificate then reaches pods that run.
        source = core.v1.VolumeArgs(
            name="database-ca",
            secret=core.v1.SecretVolumeSourceArgs(
                secret_name=self.ca_secret, items=[core.v1.KeyToPathArgs(key=_CA_FILE, path=_CA_FILE)]
            ),
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
