"""PostgreSQL for the backend, by whichever engine the settings name."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from . import environment, images, names, network, replicated, roles, scram, standalone, workload
from .access import DatabaseAccess, Engine
from .context import Place
from .environment import SecretKey
from .model.database import Database as DatabaseSettings
from .names import Identity

_PASSWORD, _VERIFIER = "password", "verifier"
_BASIC = "kubernetes.io/basic-auth"


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """Where the database lives, what it is, and how often its password has been rotated.

    `connections` is how many the server accepts.
    """

    place: Place
    settings: DatabaseSettings
    rotation: int
    connections: int


class Database(pulumi.ComponentResource):
    """PostgreSQL under the Service name `postgres`.

    `access` is all that a client needs, and the same for every engine. Nobody can connect until a client
    opens its path from it. `key` is a secret of the stack that no rotation changes.
    """

    access: DatabaseAccess
    service: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Create the engine, then its roles."""
        super().__init__("feastflow:kubernetes:Database", name, None, opts)
        settings, place = args.settings, args.place
        identity = place.identity(names.DATABASE, "database", images.version(settings.image))
        clerk = place.identity(names.ROLES, "roles", images.version(settings.image))
        self.key = environment.password("postgres-admin-password", 1, self)
        admin = self._credentials("postgres-admin", place, identity, roles.admin(settings), 1, self.key)
        login = roles.login(settings, args.rotation)
        password = environment.password("postgres-login-password", args.rotation, self)
        credentials = self._credentials("postgres-login", place, clerk, login, args.rotation, password)
        scripts = environment.config(
            "postgres-scripts",
            place,
            clerk,
            {roles.SCRIPT.name: roles.script(settings)},
            self,
        )
        engine = self._engine(args, identity, admin, scripts)
        paths = network.allow("postgres-from-roles", place, [clerk], (engine.server, engine.port), self)
        self._roles = roles.RolesArgs(
            place=place,
            identity=clerk,
            account=workload.account("roles-account", place, clerk, self),
            settings=settings,
            engine=engine,
            scripts=scripts,
            admin_password=SecretKey(secret=admin, key=_PASSWORD),
            rotation=args.rotation,
        )
        granted = roles.grant(self._roles, SecretKey(secret=credentials, key=_VERIFIER), paths, self)
        kept = SecretKey(secret=credentials, key=_PASSWORD)
        self.access = DatabaseAccess(
            engine=engine,
            name=settings.name,
            login=login,
            password=kept,
            ready=(granted, *engine.ready),
            gate=roles.gate(settings, engine, login, kept),
            gate_volume=roles.scripts_volume(scripts),
        )
        self.service = pulumi.Output.concat(engine.host, ".", place.namespace, ".svc:", str(engine.port))
        self.register_outputs({"service": self.service})

    def retire_previous_login(self, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        """Lock the login that the last rotation replaced, once `after` no longer uses it; return the Job."""
        job = roles.retire(self._roles, pulumi.ResourceOptions(parent=self, depends_on=list(after)))
        return [job] if job else []

    def _engine(
        self, args: DatabaseArgs, identity: Identity, admin: pulumi.Output[str], scripts: pulumi.Output[str]
    ) -> Engine:
        if args.settings.engine == "replicated":
            return replicated.create(
                replicated.ReplicatedArgs(
                    place=args.place,
                    identity=identity,
                    settings=args.settings,
                    connections=args.connections,
                    admin_password=SecretKey(secret=admin, key=_PASSWORD),
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
                admin_verifier=SecretKey(secret=admin, key=_VERIFIER),
            ),
            self,
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
            _PASSWORD: password,
            _VERIFIER: password.apply(scram.verifier),
        }
        return environment.secret(f"{name}-secret-{rotation}", place, identity, values, self, _BASIC)
