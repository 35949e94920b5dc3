"""The API: its pods, its secrets, its schema, and the paths it may use."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import batch

from . import environment, http_tier, images, migrations, names, network, workload
from .access import DatabaseAccess
from .context import Place
from .environment import Environment, SecretKey
from .model.tiers import Backend as BackendSettings
from .names import Identity
from .routes import Upstream

_JWT = "jwt"


@dataclass(frozen=True, kw_only=True)
class BackendArgs:
    """What the API runs, the database it uses, and the address its pages are served from."""

    place: Place
    settings: BackendSettings
    database: DatabaseAccess
    site_url: str
    rotation: int


class Backend(pulumi.ComponentResource):
    """The API's pods behind one Service, started only after the schema has reached their version.

    `upstream` is what the edge routes to.
    """

    upstream: Upstream
    service: pulumi.Output[str]
    version: str

    def __init__(self, name: str, args: BackendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the paths to the database, then the migration, then the pods."""
        super().__init__("feastflow:kubernetes:Backend", name, None, opts)
        place, settings, database = args.place, args.settings, args.database
        self.version = images.version(settings.image)
        identity = place.identity(names.BACKEND, "backend", self.version)
        migrator = place.identity(names.MIGRATIONS, "migrations", self.version)
        clients = [identity, migrator] if migrations.wanted(settings) else [identity]
        policies = network.allow(
            names.DATABASE_POLICY,
            place,
            clients=clients,
            server=database.server,
            port=database.port,
            parent=self,
        )
        secret = environment.secret(
            "backend-secret",
            place,
            identity,
            {_JWT: environment.password("jwt-secret", args.rotation, self)},
            self,
        )
        values = plain_variables(args)
        variables = environment.variables(
            Environment(
                plain=values,
                secret={"DB_PASSWORD": database.password, "JWT_SECRET": SecretKey(secret=secret, key=_JWT)},
                extra=settings.env,
                renamed=settings.env_names,
            ),
            environment.config("backend-config", place, identity, values, self),
        )
        after = [*database.ready, *policies]
        tier = http_tier.HttpTierArgs(
            place=place,
            identity=identity,
            settings=settings,
            env=variables,
            after=[*after, *self._migrate(migrator, args, variables, after)],
        )
        created = http_tier.create(tier, self)
        self.upstream = created.upstream
        self.service = pulumi.Output.concat(
            created.upstream.service, ".", place.namespace, ".svc:", str(settings.port)
        )
        self.register_outputs({"service": self.service})

    def _migrate(
        self,
        identity: Identity,
        args: BackendArgs,
        variables: list[environment.Variable],
        after: list[pulumi.Resource],
    ) -> list[batch.v1.Job]:
        if not migrations.wanted(args.settings):
            return []
        job = migrations.MigrationsArgs(
            place=args.place, identity=identity, settings=args.settings, env=variables, after=after
        )
        return [migrations.create(job, self)]


def plain_variables(args: BackendArgs) -> Mapping[str, str]:
    """The contract's variables that are no secret."""
    database, settings = args.database, args.settings
    return {
        "NODE_ENV": "production",
        "PORT": str(settings.port),
        "DB_HOST": database.host,
        "DB_PORT": str(database.port),
        "DB_NAME": database.name,
        "DB_USER": database.user,
        "JWT_EXPIRE": settings.jwt_expire,
        "FRONTEND_URL": args.site_url,
        "APP_VERSION": images.version(settings.image),
        "KEEP_ALIVE_TIMEOUT": str(workload.budget(settings.shutdown).keep_alive_milliseconds),
    }
