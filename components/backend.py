"""The API: its pods, its secrets, its schema, and the paths it may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi
from pulumi_kubernetes import core

from . import environment, http_tier, images, migrations, names, network, trust, workload
from .access import DatabaseAccess
from .context import Place
from .environment import Environment, SecretKey
from .http_tier import HttpTierArgs
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

    `upstream` is what the edge routes to; `rolled_out` are the resources after which only pods of this
    version, with these secrets, are left.
    """

    upstream: Upstream
    rolled_out: Sequence[pulumi.Resource]
    service: pulumi.Output[str]
    version: str

    def __init__(self, name: str, args: BackendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the paths to the database, then the migration, then the pods."""
        super().__init__("feastflow:kubernetes:Backend", name, None, opts)
        place, settings = args.place, args.settings
        self.version = images.version(settings.image)
        identity = place.identity(names.BACKEND, "backend", self.version)
        tier = HttpTierArgs(
            place=place,
            identity=identity,
            settings=settings,
            env=self._environment(args, identity),
            volumes=(
                *args.database.engine.client_volumes(),
                *trust.volumes("backend-ca", place, identity, settings.ca_bundle, self),
            ),
        )
        created = http_tier.create(self._migrated(args, tier), self)
        self.upstream = created.upstream
        self.rolled_out = (created.deployment,)
        self.service = pulumi.Output.concat(
            created.upstream.service, ".", place.namespace, ".svc:", str(settings.port)
        )
        self.register_outputs({"service": self.service})

    def _environment(self, args: BackendArgs, identity: Identity) -> list[core.v1.EnvVarArgs]:
        place, settings = args.place, args.settings
        jwt = environment.password("jwt-secret", args.rotation, self)
        secret = environment.secret(f"backend-secret-{args.rotation}", place, identity, {_JWT: jwt}, self)
        values = plain_variables(args)
        return environment.variables(
            Environment(
                plain=values,
                secret={
                    "DB_PASSWORD": args.database.password,
                    "JWT_SECRET": SecretKey(secret=secret, key=_JWT),
                },
                extra={**trust.variables(settings.ca_bundle), **settings.env},
                renamed=settings.env_names,
            ),
            environment.config("backend-config", place, identity, values, self),
        )

    def _migrated(self, args: BackendArgs, tier: HttpTierArgs) -> HttpTierArgs:
        """Open the paths to the database; the tier's pods then come after the schema."""
        place, settings, engine = args.place, args.settings, args.database.engine
        migrator = place.identity(names.MIGRATIONS, "migrations", self.version)
        clients = [tier.identity, migrator] if migrations.as_job(settings) else [tier.identity]
        paths = network.allow(names.DATABASE_POLICY, place, clients, (engine.server, engine.port), self)
        after = [*args.database.ready, *paths]
        # Of the tier's own size, so that no pod needs more for waiting than for its work.
        gate = replace(args.database.gate, resources=settings.resources)
        volumes = (*tier.volumes, args.database.gate_volume)
        if migrations.as_init_container(settings):
            init = (gate, migrations.container(settings, tier.env))
            return replace(tier, init=init, volumes=volumes, after=after)
        if not migrations.as_job(settings):
            return replace(tier, after=after)
        job = migrations.MigrationsArgs(
            place=place,
            identity=migrator,
            settings=settings,
            env=tier.env,
            gate=gate,
            volumes=volumes,
            after=after,
        )
        return replace(tier, after=[*after, migrations.create(job, self)])


def plain_variables(args: BackendArgs) -> Mapping[str, str]:
    """The contract's variables that are no secret."""
    database, settings = args.database, args.settings
    return {
        "NODE_ENV": "production",
        "PORT": str(settings.port),
        "DB_HOST": database.engine.host,
        "DB_PORT": str(database.engine.port),
        "DB_NAME": database.name,
        "DB_USER": database.login,
        "JWT_EXPIRE": settings.jwt_expire,
        "FRONTEND_URL": args.site_url,
        "APP_VERSION": images.version(settings.image),
        **workload.lifetime_variables(settings.shutdown),
        **database.engine.client_variables(),
    }
