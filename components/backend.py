"""The API: its pods, its secrets, its schema, and the paths it may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi
from pulumi_kubernetes import core

from .http import http_tier, traffic
from .http.http_tier import HttpTierArgs
from .http.traffic import Upstream
from .postgres import authorities, migrations
from .postgres.access import DatabaseAccess
from .settings.derived import variants
from .settings.derived.variants import Plan
from .settings.model.tiers import Backend as BackendSettings
from .settings.values import images, names
from .settings.values.names import Identity
from .workloads import environment, jobs, secrets, telemetry, trust, workload
from .workloads.context import Place
from .workloads.environment import Environment, SecretKey

_JWT = "jwt"


@dataclass(frozen=True, kw_only=True)
class BackendArgs:
    """The API's settings, the database it uses, and the address its pages are served from.

    `weights` says whether the edge divides requests by weight.
    """

    place: Place
    settings: BackendSettings
    database: DatabaseAccess
    site_url: str
    rotation: int
    weights: bool = False


class Backend(pulumi.ComponentResource):
    """The API's pods behind one Service, started only after the schema has reached their version.

    `upstream` is what the edge routes to; `rolled_out` are the resources after which only pods of this
    version, with these secrets, are left. `version` is that of what gets the requests, or most.
    """

    upstream: Upstream
    rolled_out: Sequence[pulumi.Resource]
    service: pulumi.Output[str]
    version: str

    def __init__(self, name: str, args: BackendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the paths to the database, then the migration, then the pods."""
        super().__init__("feastflow:kubernetes:Backend", name, None, opts)
        place, settings = args.place, args.settings
        plan = variants.plan(settings, weights=args.weights)
        self.version = images.version(plan.serving.settings.image)
        tier = place.identity(names.BACKEND, "backend")
        volumes = (
            *args.database.engine.client_volumes(),
            *trust.volumes("backend-ca", place, tier, settings.ca_bundle, self),
            *authorities.joined_volumes(settings.ca_bundle, args.database.engine),
        )
        database = args.database
        first = authorities.joining(
            settings.ca_bundle, database.engine, database.gate.image, settings.resources
        )
        tiers = [
            HttpTierArgs(
                place=place,
                identity=tier.variant(variant.suffix, images.version(variant.settings.image)),
                variant=variant,
                env=env,
                volumes=volumes,
                init=first,
                init_pull_secrets=database.pull_secrets,
            )
            for variant, env in zip(plan.variants, self._environments(args, plan, tier), strict=True)
        ]
        pods = [http_tier.create(each, self) for each in self._migrated(args, tier, tiers)]
        routes = traffic.route(pods, plan.weight, self)
        scheduled = self._scheduled(args, tiers[plan.variants.index(plan.serving)], routes.ready)
        self.upstream, self.rolled_out = routes.upstream, [*routes.ready, *scheduled]
        self.service = pulumi.Output.concat(
            self.upstream.service, ".", place.namespace, ".svc:", str(settings.port)
        )
        self.register_outputs({"service": self.service})

    def _environments(
        self, args: BackendArgs, plan: Plan[BackendSettings], identity: Identity
    ) -> list[list[core.v1.EnvVarArgs]]:
        """Return the environment of each version; the secrets are the same."""
        place = args.place
        jwt = environment.password("jwt-secret", args.rotation, self)
        secret = environment.secret(f"backend-secret-{args.rotation}", place, identity, {_JWT: jwt}, self)
        hidden = {
            "DB_PASSWORD": args.database.password,
            "JWT_SECRET": SecretKey(secret=secret, key=_JWT),
        }
        own = secrets.create(place, identity, args.settings.secrets, self)
        versions = [variant.settings for variant in plan.variants]
        values = [plain_variables(replace(args, settings=settings)) for settings in versions]
        configs = environment.configs("backend-config", place, identity, values, self)
        return [
            environment.variables(
                Environment(
                    plain=plain,
                    secret=hidden,
                    own=own,
                    extra={
                        name: value
                        for name, value in {**trust.variables(settings.ca_bundle), **settings.env}.items()
                        if name not in plain
                    },
                    renamed=settings.env_names,
                ),
                config,
            )
            for settings, plain, config in zip(versions, values, configs, strict=True)
        ]

    def _scheduled(
        self,
        args: BackendArgs,
        serving: HttpTierArgs,
        after: Sequence[pulumi.Resource],
    ) -> list[pulumi.Resource]:
        """Create the scheduled jobs of the version that gets the requests, once it does."""
        version: BackendSettings = serving.variant.settings
        made = jobs.JobsArgs(
            place=args.place,
            settings=version,
            version=self.version,
            env=serving.env,
            first=serving.init,
            gate=args.database.gate,
            gate_pull_secrets=args.database.pull_secrets,
            volumes=(*serving.volumes, args.database.gate_volume),
            after=after,
        )
        return jobs.create(made, self)

    def _migrated(
        self, args: BackendArgs, identity: Identity, tiers: Sequence[HttpTierArgs]
    ) -> list[HttpTierArgs]:
        """Open the paths of the pods; those of each version then come after its schema."""
        place, settings, engine = args.place, args.settings, args.database.engine
        migrator = place.identity(names.MIGRATIONS, "migrations")
        clients = [identity.all_variants]
        if settings.migrations.as_job:
            clients.append(migrator)
        if settings.jobs:
            clients.append(jobs.identity(place))
        paths = [
            *engine.allow(names.DATABASE_POLICY, place, clients, self),
            *(policy for client in clients for policy in http_tier.outside(place, client, settings, self)),
        ]
        after = [*args.database.ready, *paths]
        # Of the tier's own size, so that no pod needs more for waiting than for its work.
        gate = replace(args.database.gate, resources=settings.resources)
        volumes = (*tiers[0].volumes, args.database.gate_volume)
        if settings.migrations.as_init_container:
            return [
                replace(
                    tier,
                    init=(*tier.init, gate, migrations.container(tier.variant.settings, tier.env)),
                    volumes=volumes,
                    after=after,
                )
                for tier in tiers
            ]
        if not settings.migrations.as_job:
            return [replace(tier, after=after) for tier in tiers]
        account = workload.account(
            "migrations-account",
            place,
            migrator,
            self,
            [*settings.pull_secrets, *args.database.pull_secrets],
        )
        made: dict[str, pulumi.Resource] = {}
        for tier in tiers:
            version: BackendSettings = tier.variant.settings
            job = migrations.job_name(version)
            if job not in made:
                made[job] = migrations.create(
                    migrations.MigrationsArgs(
                        place=place,
                        identity=migrator.variant("", images.version(version.image)),
                        account=account,
                        settings=version,
                        env=tier.env,
                        first=tier.init,
                        gate=gate,
                        volumes=volumes,
                        # Its gate waits for the login. One after the other: not every tool takes turns.
                        after=[*engine.ready, *paths, *made.values()],
                        login=args.database.ready,
                    ),
                    self,
                )
        return [
            replace(tier, after=[*after, made[migrations.job_name(tier.variant.settings)]]) for tier in tiers
        ]


def plain_variables(args: BackendArgs) -> Mapping[str, str]:
    """Return the contract's variables that are no secret."""
    database, settings = args.database, args.settings
    return {
        "NODE_ENV": "production",
        "PORT": str(settings.port),
        "DB_HOST": database.engine.host,
        "DB_PORT": str(database.engine.port),
        "DB_NAME": database.name,
        "DB_USER": database.login,
        "DB_POOL_MAX": str(settings.pool_size),
        "JWT_EXPIRE": settings.jwt_expire,
        "FRONTEND_URL": args.site_url,
        "APP_VERSION": images.version(settings.image),
        **workload.lifetime_variables(settings.shutdown),
        **telemetry.variables(
            args.place, args.place.identity(names.BACKEND, "backend"), images.version(settings.image)
        ),
        **authorities.with_database(settings.ca_bundle, database.engine),
    }
