"""The right to connect to the database: all that its clients know of it, whichever engine runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from .environment import SecretKey
from .names import Identity


@dataclass(frozen=True, kw_only=True)
class DatabaseAccess:
    """Address, credentials by reference, and who to ask the network for.

    `ready` are the resources after which connections succeed.
    """

    host: str
    port: int
    name: str
    user: str
    password: SecretKey
    server: Identity
    ready: Sequence[pulumi.Resource]
