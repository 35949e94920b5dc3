"""PostgreSQL for the backend, by whichever engine the settings name."""

from dataclasses import dataclass

import pulumi

from . import environment, images, names, standalone
from .access import DatabaseAccess
from .context import Place
from .environment import SecretKey
from .model.stack import Database as DatabaseSettings

_PASSWORD = "password"  # noqa: S105 - a key of the Secret, not a secret


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """Where the database lives, what it is, and which generation of its password is in force."""

    place: Place
    settings: DatabaseSettings
    rotation: int


class Database(pulumi.ComponentResource):
    """PostgreSQL under the Service name `postgres`.

    `access` is all that a client needs, and the same for every engine. Nobody can connect until a client
    opens its path from it.
    """

    access: DatabaseAccess
    service: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the engine and its credentials."""
        super().__init__("feastflow:kubernetes:Database", name, None, opts)
        settings, place = args.settings, args.place
        identity = place.identity(names.DATABASE, "database", images.version(settings.image))
        secret = environment.secret(
            "postgres-secret",
            place,
            identity,
            {_PASSWORD: environment.password("postgres-password", args.rotation, self)},
            self,
        )
        password = SecretKey(secret=secret, key=_PASSWORD)
        ready = standalone.create(
            standalone.StandaloneArgs(place=place, identity=identity, settings=settings, password=password),
            self,
        )
        self.access = DatabaseAccess(
            host=names.DATABASE,
            port=standalone.PORT,
            name=settings.name,
            user=settings.user,
            password=password,
            server=identity,
            ready=ready,
        )
        self.service = pulumi.Output.concat(
            names.DATABASE, ".", place.namespace, ".svc:", str(standalone.PORT)
        )
        self.register_outputs({"service": self.service})
