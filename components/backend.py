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

    Where there is a pooler, its pods and jobs have the database by that (`pooled`), and migrations do not.
    `weights` says whether the edge divides requests by weight.
    """

    place: Place
    settings: BackendSettings
    database: DatabaseAccess
    site_url: str
    rotation: int
    pooled: DatabaseAccess | None = None
    weights: bool = False

    @property
    def served(self) -> DatabaseAccess:
        """Return the right to connect of the pods and the jobs."""
        return self.pooled or self.database


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
        self._trusted = trust.volumes("backend-ca", place, tier, settings.ca_bundle, self)
        tiers = [
            HttpTierArgs(
                place=place,
                identity=tier.variant(variant.suffix, images.version(variant.settings.image)),
                variant=variant,
                service=tier.name,
                env=env,
                volumes=self._volumes(settings, args.served),
                init=_joining(settings, args.served),
                init_pull_secrets=args.served.pull_secrets,
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
        values = [plain_variables(replace(args, settings=settings), args.served) for settings in versions]
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

    def _volumes(self, settings: BackendSettings, database: DatabaseAccess) -> tuple[workload.Volume, ...]:
        """Return the volumes with all authorities that a client of this database trusts."""
        return (
            *database.engine.client_volumes(),
            *self._trusted,
            *authorities.joined_volumes(settings.ca_bundle, database.engine),
        )

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
            gate=args.served.gate,
            gate_pull_secrets=args.served.pull_secrets,
            volumes=(*serving.volumes, args.served.gate_volume),
            after=after,
        )
        return jobs.create(made, self)

    def _paths(self, args: BackendArgs, identity: Identity) -> list[pulumi.Resource]:
        """Open the paths of the pods, the jobs' and the migration's too."""
        place, settings = args.place, args.settings
        clients = [identity.all_variants]
        migrators = [place.identity(names.MIGRATIONS, "migrations")] if settings.migrations.as_job else []
        if args.pooled is None:
            clients += migrators
        if settings.jobs:
            clients.append(jobs.identity(place))
        engine = args.served.engine
        opened: list[pulumi.Resource] = [*engine.allow(engine.policy, place, clients, self)]
        if args.pooled is not None and migrators:
            # Not by the policy of a stack without a pooler: pods of before are let in until they have gone.
            opened += args.database.engine.allow(names.FROM_MIGRATIONS, place, migrators, self)
            clients += migrators
        for client in clients:
            opened += http_tier.outside(place, client, settings, self)
        return opened

    def _migrated(
        self, args: BackendArgs, identity: Identity, tiers: Sequence[HttpTierArgs]
    ) -> list[HttpTierArgs]:
        """Open the paths of the pods; those of each version then come after its schema."""
        place, settings, engine = args.place, args.settings, args.database.engine
        migrator = place.identity(names.MIGRATIONS, "migrations")
        paths = self._paths(args, identity)
        after = [*args.served.ready, *paths]
        # Of the tier's own size, so that no pod needs more for waiting than for its work.
        gate = replace(args.database.gate, resources=settings.resources)
        volumes = (*self._volumes(settings, args.database), args.database.gate_volume)
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
                        env=_past_the_pooler(replace(args, settings=version), tier.env),
                        first=_joining(settings, args.database),
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


def _past_the_pooler(args: BackendArgs, env: Sequence[core.v1.EnvVarArgs]) -> Sequence[core.v1.EnvVarArgs]:
    """Return a version's environment for its migration, which calls the server itself.

    In the values themselves, in place of a ConfigMap: a Job that ran keeps the name of the one that it had,
    so nothing would refer to that of another rotation.
    """
    if args.pooled is None:
        return env
    renamed, bundle = args.settings.env_names, trust.variables(args.settings.ca_bundle)
    served = plain_variables(args, args.served)
    own = {**bundle, **plain_variables(args, args.database)}
    lost = {renamed.get(name, name) for name in served if name not in own}
    differing = [name for name in served if name in own and own[name] != served[name]]
    changed = {renamed.get(name, name): own[name] for name in differing}
    return environment.over([each for each in env if each.name not in lost], changed, renamed)


def _joining(settings: BackendSettings, database: DatabaseAccess) -> tuple[workload.Container, ...]:
    """Return the container that joins the authorities of a client of this database, where it needs one."""
    return authorities.joining(settings.ca_bundle, database.engine, database.gate.image, settings.resources)


def plain_variables(args: BackendArgs, database: DatabaseAccess) -> Mapping[str, str]:
    """Return the contract's variables that are no secret, for a client of this database."""
    settings = args.settings
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
