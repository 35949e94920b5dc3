"""PostgreSQL for the backend, by whichever engine the settings name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from .postgres import administrator, copies, external, pooler, proofs, replicated, roles, scram, standalone
from .postgres.access import DatabaseAccess, Engine
from .settings.model.database import Database as DatabaseSettings
from .settings.model.server import ExternalServer
from .settings.values import images, names
from .settings.values.names import Identity
from .workloads import environment, network, workload
from .workloads.context import Place
from .workloads.environment import SecretKey
from .workloads.network import Rule

_BASIC = "kubernetes.io/basic-auth"


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """The database's place and settings, and how often its password has been rotated.

    `connections` is how many the server accepts, `pooled` how many a pod of the pooler does. `api_server` is
    where a replicated one reaches the Kubernetes API, `before` what the last update of the stack recorded.
    """

    place: Place
    settings: DatabaseSettings
    rotation: int
    connections: int
    pooled: int = 0
    api_server: pulumi.Input[Sequence[Rule]] = ()
    before: pulumi.Input[Mapping[str, Any]] = field(default_factory=dict)


class Database(pulumi.ComponentResource):
    """PostgreSQL under the Service name `postgres`, or at the host of an external server.

    `access` is all that a client needs, and the same for every engine. No pod can connect until a client
    opens its path from it. `pooled` is the same by the pooler, where there is one. `key` is a secret of the
    stack that no rotation changes.
    """

    access: DatabaseAccess
    pooled: DatabaseAccess | None
    service: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the engine, then its roles."""
        super().__init__("feastflow:kubernetes:Database", name, None, opts)
        settings, place = args.settings, args.place
        identity = place.identity(names.DATABASE, "database", images.version(settings.image))
        clerk = place.identity(names.ROLES, "roles", images.version(settings.image))
        self.key = environment.password("postgres-admin-password", 1, self)
        self._external: external.External | None = None
        if settings.external is not None:
            self._connect(args, settings.external, clerk)
            return
        first = None
        if settings.engine == "standalone":
            # For a new volume: another one would restart the server, so a rotation's Job sets that.
            first = self._credentials("postgres-admin", place, identity, roles.admin(settings), 1, self.key)
        admin = self._administrator(args)
        login = roles.login(settings, args.rotation)
        credentials = self._login(args, clerk, args.rotation)
        scripts = environment.config(
            "postgres-scripts",
            place,
            clerk,
            roles.files(settings),
            self,
        )
        engine = self._engine(args, identity, (admin, first), scripts)
        paths = network.allow("postgres-from-roles", place, [clerk], (engine.server, engine.port), self)
        self._roles = roles.RolesArgs(
            place=place,
            identity=clerk,
            account=workload.account("roles-account", place, clerk, self, settings.pull_secrets),
            settings=settings,
            engine=engine,
            scripts=scripts,
            admin=admin,
            first_admin=first,
            rotation=args.rotation,
        )
        granted = roles.grant(self._roles, SecretKey(secret=credentials, key=roles.VERIFIER), paths, self)
        self._copies(args, engine, (scripts, admin), granted)
        if settings.backup and settings.proved:
            proofs.create(place, settings, settings.backup, self)
        kept = SecretKey(secret=credentials, key=roles.PASSWORD)
        self.access = DatabaseAccess(
            engine=engine,
            name=settings.name,
            login=login,
            password=kept,
            ready=(granted, *engine.ready),
            gate=roles.gate(settings, engine, login, kept),
            gate_volume=roles.scripts_volume(scripts),
            pull_secrets=settings.pull_secrets,
        )
        self.pooled = self._pooler(args, clerk, credentials)
        self.service = pulumi.Output.concat(engine.host, ".", place.namespace, ".svc:", str(engine.port))
        self.register_outputs({"service": self.service})

    def retire_previous_login(self, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        """Lock the login that the last rotation replaced, once `after` no longer uses it; return the Job."""
        if self._external is not None:
            locked = self._external.retire(after)
            return [locked] if locked else []
        job = roles.retire(self._roles, pulumi.ResourceOptions(parent=self, depends_on=list(after)))
        return [job] if job else []

    def _connect(self, args: DatabaseArgs, server: ExternalServer, clerk: Identity) -> None:
        """Ask a server that is there already; where it has an administrator, make the rotation's login."""
        login_password = None
        if server.administrator is not None:
            login_password = self._login(args, clerk, args.rotation)
        asked = external.ExternalArgs(
            place=args.place,
            settings=args.settings,
            server=server,
            connections=args.connections,
            rotation=args.rotation,
            login_password=login_password,
        )
        self._external = external.External(asked, self)
        self.access = self._external.access
        self.pooled = self._pooler(args, clerk, login_password)
        self.service = pulumi.Output.from_input(f"{server.host}:{server.port}")
        self.register_outputs({"service": self.service})

    def _login(self, args: DatabaseArgs, clerk: Identity, rotation: int) -> pulumi.Output[str]:
        """Create the Secret with the login of a rotation."""
        password = environment.password("postgres-login-password", rotation, self)
        user = roles.login(args.settings, rotation)
        return self._credentials("postgres-login", args.place, clerk, user, rotation, password)

    def _pooler(
        self, args: DatabaseArgs, clerk: Identity, login: pulumi.Output[str] | None
    ) -> DatabaseAccess | None:
        """Create the pooler, where one is set; it knows the login of the rotation before, too."""
        if args.settings.pooler is None or login is None:
            return None
        before = [self._login(args, clerk, args.rotation - 1)] if args.rotation > 1 else []
        return pooler.create(
            pooler.PoolerArgs(
                place=args.place,
                settings=args.settings,
                pooler=args.settings.pooler,
                server=self.access,
                logins=[login, *before],
                clients=args.pooled,
            ),
            self,
        )

    def _copies(
        self,
        args: DatabaseArgs,
        engine: Engine,
        known: tuple[pulumi.Output[str], pulumi.Output[str]],
        after: pulumi.Resource,
    ) -> None:
        """Have the whole copied, where the engine has no operator that does it."""
        settings, place = args.settings, args.place
        if settings.backup is None or not settings.copied_by_jobs:
            return
        password = environment.password("postgres-backup-password", args.rotation, self)
        identity = place.identity(names.BACKUPS, "backups")
        user = roles.backup(settings)
        secret = self._credentials("postgres-backup", place, identity, user, args.rotation, password)
        scripts, admin = known
        copies.create(
            copies.CopiesArgs(
                place=place,
                settings=settings,
                backup=settings.backup,
                engine=engine,
                scripts=scripts,
                password=secret,
                admin=admin,
                rotation=args.rotation,
            ),
            [after, *engine.ready],
            self,
        )

    def _engine(
        self,
        args: DatabaseArgs,
        identity: Identity,
        admin: tuple[pulumi.Output[str], pulumi.Output[str] | None],
        scripts: pulumi.Output[str],
    ) -> Engine:
        now, first = admin
        if first is None:
            return replicated.create(
                replicated.ReplicatedArgs(
                    place=args.place,
                    identity=identity,
                    settings=args.settings,
                    connections=args.connections,
                    api_server=args.api_server,
                    # The operator sets it, without a restart.
                    admin_password=SecretKey(secret=now, key=roles.PASSWORD),
                ),
                self,
            )
        return standalone.create(
            standalone.StandaloneArgs(
                place=args.place,
                identity=identity,
                settings=args.settings,
                connections=args.connections,
                scripts=scripts,
                admin_verifier=SecretKey(secret=first, key=roles.VERIFIER),
            ),
            self,
        )

    def _administrator(self, args: DatabaseArgs) -> pulumi.Output[str]:
        """Create the Secret with the administrator's password of this update, and the one before it."""
        key = environment.password("postgres-administrator-key", 1, self)

        def known(values: Sequence[Any]) -> dict[str, str]:
            first, secret, before = values
            number = administrator.turn(args.rotation, before)
            now = administrator.password(first, secret, number)
            return {
                "username": roles.admin(args.settings),
                roles.PASSWORD: now,
                roles.VERIFIER: scram.verifier(now),
                roles.BEFORE: administrator.password(first, secret, number - 1),
            }

        def apart(before: Mapping[str, Any]) -> str:
            # A rotation that is lowered keeps the password, under another name in Pulumi.
            is_own = administrator.turn(args.rotation, before) == args.rotation
            return "" if is_own else str(args.rotation)

        content = pulumi.Output.all(self.key, key, args.before).apply(known)
        values = {name: content[name] for name in ("username", roles.PASSWORD, roles.VERIFIER, roles.BEFORE)}
        identity = args.place.identity(names.DATABASE_ADMINISTRATOR, "database-administrator")
        told = pulumi.Output.from_input(args.before).apply(apart)
        return environment.keep(
            f"postgres-administrator-secret-{args.rotation}",
            args.place.metadata(environment.secret_name(identity, values, told), identity),
            values,
            self,
            _BASIC,
        )

    def _credentials(
        self,
        name: str,
        place: Place,
        identity: Identity,
        user: str,
        rotation: int,
        password: pulumi.Output[str],
    ) -> pulumi.Output[str]:
        values: dict[str, pulumi.Input[str]] = {
            "username": user,
            roles.PASSWORD: password,
            roles.VERIFIER: password.apply(scram.verifier),
        }
        return environment.secret(f"{name}-secret-{rotation}", place, identity, values, self, _BASIC)
