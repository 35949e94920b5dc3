"""The external engine: a PostgreSQL that is there already; the stack makes logins there, or nothing at all.

Whether it can be this stack's database is asked by a Job, in a pod with the clients' own path and TLS: what
the machine that deploys can reach says nothing of that. Everything else waits for it. With an administrator
two logins take turns, as on the other engines; without one the user's own is used as it is. Not goals: the
server, its databases, its backups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi
from pulumi_kubernetes import batch, core

from ..settings.model.database import Database as DatabaseSettings
from ..settings.model.server import ExternalServer
from ..settings.values import images, majors, names
from ..settings.values.names import Identity
from ..workloads import environment, network, secrets, workload
from ..workloads.context import Place
from ..workloads.environment import SecretKey
from . import roles
from .access import DatabaseAccess, Engine

_PASSWORD = "password"  # noqa: S105 - a key in a Secret
# It tries again by itself; the second one is for a node that goes.
_RETRIES = 1


@dataclass(frozen=True, kw_only=True)
class ExternalArgs:
    """The server, how many connections clients open, and, by rotation, the login of an administrator's.

    `login_password` is the Secret of the login that an administrator makes.
    """

    place: Place
    settings: DatabaseSettings
    server: ExternalServer
    connections: int
    rotation: int
    login_password: pulumi.Output[str] | None


class External:
    """The Job that asks the server, the path of that Job, and the right to connect."""

    access: DatabaseAccess

    def __init__(self, args: ExternalArgs, parent: pulumi.Resource) -> None:
        """Create the Job with all that it needs."""
        self._args, self._parent = args, parent
        place, settings, server = args.place, args.settings, args.server
        self._clerk = place.identity(names.ROLES, "roles", images.version(settings.image))
        self._scripts = environment.config(
            "postgres-scripts", place, self._clerk, roles.files(settings), parent
        )
        self._account = workload.account("roles-account", place, self._clerk, parent, settings.pull_secrets)
        owner = server.administrator
        (source,) = server.sources
        given = secrets.create(place, _identity(place), {_PASSWORD: source}, parent)[_PASSWORD]
        self._given = given
        self._engine = self._unasked()
        paths = self._engine.allow("", place, [self._clerk], parent)
        asked = self._ask(pulumi.ResourceOptions(parent=parent, depends_on=paths))
        login = roles.login(settings, args.rotation) if owner else settings.user
        secret = args.login_password
        password = given if secret is None else SecretKey(secret=secret, key=roles.PASSWORD)
        engine = replace(self._engine, ready=(asked,), reachable=(asked,))
        self.access = DatabaseAccess(
            engine=engine,
            name=settings.name,
            login=login,
            password=password,
            ready=(asked,),
            gate=roles.gate(settings, engine, login, password),
            gate_volume=roles.scripts_volume(self._scripts),
            pull_secrets=settings.pull_secrets,
        )

    def retire(self, after: Sequence[pulumi.Resource]) -> batch.v1.Job | None:
        """Create the Job that locks the login of the rotation before, if there was one."""
        args = self._args
        if args.server.administrator is None or args.rotation == 1:
            return None
        before = roles.login(args.settings, args.rotation - 1)
        options = pulumi.ResourceOptions(parent=self._parent, depends_on=list(after))
        return self._run("retire", {"DB_LOGIN": before}, [], options)

    def _ask(self, options: pulumi.ResourceOptions) -> batch.v1.Job:
        args = self._args
        asked = {"OLDEST": str(majors.OLDEST), "CONNECTIONS": str(args.connections)}
        if args.login_password is None:
            return self._run("check", asked, [], options)
        login = {
            "DB_LOGIN": roles.login(args.settings, args.rotation),
            "DB_NAME": args.settings.name,
            "DB_OWNER": args.settings.user,
        }
        verifier = SecretKey(secret=args.login_password, key=roles.VERIFIER).variable("DB_VERIFIER")
        return self._run("grant", {**asked, **login}, [verifier], options)

    def _unasked(self) -> Engine:
        """Return the engine as it is known before anybody has asked the server."""
        place, server = self._args.place, self._args.server
        identity = place.identity(names.DATABASE_AUTHORITY, "database-authority")
        return Engine(
            host=server.host,
            port=server.port,
            server=_identity(place),
            ready=(),
            reachable=(),
            ca_config=(
                environment.config("postgres-authority", place, identity, {"ca.crt": server.ca}, self._parent)
                if server.ca
                else None
            ),
            ssl_mode=server.ssl_mode,
            outside=network.outside(server.way, place.cluster.domain),
        )

    def _run(
        self,
        verb: str,
        env: Mapping[str, str],
        hidden: Sequence[core.v1.EnvVarArgs],
        options: pulumi.ResourceOptions,
    ) -> batch.v1.Job:
        args = self._args
        owner = args.server.administrator
        plain = {
            "PGHOST": args.server.host,
            "PGPORT": str(args.server.port),
            "PGUSER": owner.user if owner else args.settings.user,
            "PGDATABASE": args.settings.name,
            **self._engine.client_variables(),
            **env,
        }
        return roles.run(
            roles.RunArgs(
                verb=verb,
                command=roles.EXTERNAL_COMMAND,
                place=args.place,
                identity=self._clerk,
                account=self._account,
                settings=args.settings,
                engine=self._engine,
                scripts=self._scripts,
                plain=plain,
                hidden=[self._given.variable("PGPASSWORD"), *hidden],
                rotation=args.rotation,
                version=[
                    roles.files(args.settings),
                    args.server.model_dump(mode="json", exclude={"password", "administrator"}),
                ],
                retries=_RETRIES,
            ),
            options,
        )


def _identity(place: Place) -> Identity:
    """Return the identity of a server that has no pods here: what is made for it is labelled so."""
    return place.identity(names.DATABASE, "database")
