"""The database: one interface, three engines."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..derived import variants
from ..values import images, majors
from .backup import Backup
from .base import Model, refuse
from .demand import CLIENT_RESOURCES, COPY_RESOURCES, PROOF_RESOURCES, Demand
from .external import External
from .nodes import NodeSelector, Tolerations
from .pooler import Pooler
from .restore import Restore
from .scalars import Image, Name, Sequence, SqlName, Storage, Subdomain, UserId
from .scraped import Scraped
from .server import ExternalServer
from .workload import PEM, CaBundle, Resources, resources

# Where the operator mounts `projectedVolumeTemplate`:
# https://cloudnative-pg.io/documentation/1.28/cloudnative-pg.v1/#clusterspec
PROJECTED = "/projected/"
# https://cloudnative-pg.io/documentation/1.28/monitoring/#monitoring-instances
_EXPORTER = Scraped(port=9187, port_name="metrics", path="/metrics")
# What the standalone server's pod has mounted.
_MOUNTED = (
    *("/etc/feastflow/scripts", "/etc/feastflow/server", "/etc/feastflow/tls", "/etc/passwd", "/tmp"),  # noqa: S108
    *("/dev/shm", "/var/lib/postgresql", "/var/run/postgresql"),  # noqa: S108
)
_SERVER_VARIABLES = (
    *("ADMIN", "ADMIN_VERIFIER", "DB_NAME", "DB_OWNER", "HBA_FILE", "START_SECONDS"),
    *("CLUSTER_NAME", "NAMESPACE", "POD_NAME", "TMPDIR"),
    *("COPIED", "RETENTION", "STORE_DESTINATION", "STORE_FILES", "STORE_HOW", "STORE_SENT"),
)
# Of a server that the stack runs.
_OF_OWN_SERVER = (
    *("instances", "storage", "storage_class", "uid", "gid", "resources", "ca_bundle"),
    *("crash_recovery_seconds", "backup", "restore"),
)
_OWN_DATABASES = ("postgres", "template0", "template1")
# These stand for every role, for none or for the current one: https://www.postgresql.org/docs/current/sql-grant.html
_OWN_ROLES = ("public", "none", "user", "current_role", "current_user", "session_user", "system_user")
# CloudNativePG's own, for standbys and for its pooler.
_OPERATORS_ROLES = ("streaming_replica", "cnpg_pooler_pgbouncer")
# Made with every cluster and everybody's: what the operator's account there brings is judged by no rule.
_SHARED_NAMESPACES = ("default", "kube-node-lease", "kube-public")


# Room for the names that follow from it: NAME_admin, NAME_a, NAME_b.
OwnerName = Annotated[SqlName, Field(max_length=50)]


class Database(Model):
    """PostgreSQL."""

    engine: Literal["standalone", "replicated", "external"] = Field(
        default="standalone",
        description=(
            "`standalone`: one instance. `replicated`: CloudNativePG, a primary and standbys. `external`: a "
            "server that is there already."
        ),
        examples=["standalone"],
    )
    image: Image = Field(
        default="ghcr.io/cloudnative-pg/postgresql:15.14-bookworm",
        description="PostgreSQL 15 or later: programs on PATH, or below /usr/lib/postgresql/VERSION/bin.",
        examples=["ghcr.io/cloudnative-pg/postgresql:15.14-bookworm"],
    )
    version: Annotated[int, Field(ge=majors.OLDEST, le=majors.NEWEST)] | None = Field(
        default=None,
        description="PostgreSQL's major version, where the image's tag does not begin with it.",
        examples=[15],
    )
    external: ExternalServer | None = Field(
        default=None,
        description="The server of the external engine.",
        examples=[
            {
                "host": "db.example.com",
                "ca": PEM,
                "password": {"secret": "database", "key": "password"},
            }
        ],
    )
    instances: Annotated[int, Field(ge=1, le=9)] = Field(
        default=1, description="Servers: one primary, the others standbys of it.", examples=[3]
    )
    name: SqlName = Field(default="feastflow", description="Name of the database.", examples=["feastflow"])
    user: OwnerName = Field(
        default="feastflow",
        description="Role that owns the database; clients log in as members of it.",
        examples=["feastflow"],
    )
    operator_namespace: Name = Field(
        default="cnpg-system",
        description="Namespace of the CloudNativePG operator; only the replicated engine needs it.",
        examples=["cnpg-system"],
    )
    operator_account: Subdomain | None = Field(
        default=None,
        description=(
            "Service account that the operator runs as; none means the one that is found there, else "
            "`cnpg-manager`. Its Helm chart calls it after the release, such as `cnpg-cloudnative-pg`."
        ),
        examples=["cnpg-cloudnative-pg"],
    )
    storage: Storage = Field(
        default="2Gi",
        description="Size of each instance's volume; it can grow, never shrink.",
        examples=["2Gi"],
    )
    storage_class: Annotated[Subdomain, External("StorageClass")] | None = Field(
        default=None,
        description="Class of the volume; none means the cluster's default.",
        examples=["standard"],
    )
    uid: UserId = Field(default=26, description="Numeric user of the server process.", examples=[26])
    gid: UserId = Field(
        default=26, description="Numeric group of the server process and its files.", examples=[26]
    )
    # Buffers, and what the connections of two versions take at their peak (see `derived.connections`).
    # Request and limit of memory are equal: a database that is killed for memory takes every tier with it.
    resources: Resources = Field(
        default=resources(cpu=("250m", "1"), memory=("512Mi", "512Mi")),
        description="Requests and limits of each instance.",
    )
    max_connections: Annotated[int, Field(ge=10, le=1000)] | None = Field(
        default=None,
        description="Connections that the server accepts; none means as many as its clients may open.",
        examples=[160],
    )
    pull_secrets: Annotated[tuple[Annotated[Name, External("Secret")], ...], Sequence] = Field(
        default=(),
        description="Secrets of the namespace with which nodes pull the image, and the pooler's.",
        examples=[["registry"]],
    )
    ca_bundle: CaBundle | None = Field(
        default=None,
        description=(
            "An authority that the server must trust where it connects itself (LDAP, foreign servers). "
            "The replicated engine has it below `/projected`."
        ),
        examples=[{"pem": PEM}],
    )
    node_selector: NodeSelector = Field(
        default={},
        description="Labels of the nodes that the instances, the pooler and the roles' Jobs may run on.",
        examples=[{"kubernetes.io/arch": "arm64"}],
    )
    tolerations: Tolerations = Field(
        default=(),
        description="Taints of nodes that keep off neither the instances, the pooler nor the roles' Jobs.",
        examples=[[{"key": "dedicated", "value": "database", "effect": "NoSchedule"}]],
    )
    crash_recovery_seconds: Annotated[int, Field(ge=30, le=86400)] = Field(
        default=600, description="Seconds that a start may take while the log is replayed.", examples=[600]
    )
    backup: Backup | None = Field(
        default=None,
        description="Backups on an object store; none means that what is deleted is lost.",
        examples=[
            {
                "destination": "s3://my-backups/feastflow/prod",
                "credentials": {"secretName": "backup-store"},
            }
        ],
    )

    restore: Restore | None = Field(
        default=None,
        description="The backup from which a database without data begins; data that is there stays.",
        examples=[{"from": "s3://my-backups/feastflow/before"}],
    )
    pooler: Pooler | None = Field(
        default=None,
        description="PgBouncer before the server; none means that the backend's pods connect to that.",
        examples=[{"replicas": 2}],
    )

    @property
    def scraped(self) -> Scraped | None:
        """Return the metrics of each instance: the operator's; the standalone server has none."""
        return _EXPORTER if self.engine == "replicated" else None

    def demands(self, *, weights: bool) -> tuple[Demand, ...]:  # noqa: ARG002 - as of every tier
        """Return every pod that it may have at once: an instance more than it has, Jobs, and the pooler's."""
        pooler = (
            [Demand(pods=variants.most_at_once(self.pooler.replicas), resources=self.pooler.resources)]
            if self.pooler
            else []
        )
        if self.external is not None:
            return (Demand(pods=2, resources=CLIENT_RESOURCES), *pooler)
        return (
            Demand(pods=self.instances + 1, resources=self.resources, storage=self.storage),
            # `grant` of a rotation, and `retire` of the one before.
            Demand(pods=2, resources=CLIENT_RESOURCES),
            # The first copy of a destination, and one by the clock.
            *([Demand(pods=2, resources=COPY_RESOURCES)] if self.copied_by_jobs else []),
            *([Demand(pods=1, resources=PROOF_RESOURCES)] if self.proved else []),
            *pooler,
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # Of `pg` the logins would be pg_a and pg_b.
        if self.user in ("postgres", "pg") or self.user.startswith("pg_"):
            raise refuse(
                "the name belongs to PostgreSQL itself, and the application must not be its superuser",
                "feastflow",
                at="user",
            )
        if self.user in _OWN_ROLES:
            raise refuse(
                "PostgreSQL keeps the name for itself, and no role that is called so can be made or granted",
                "feastflow",
                at="user",
            )
        if self.user in _OPERATORS_ROLES:
            raise refuse(
                "CloudNativePG has a role of this name, with rights that are not the application's",
                "feastflow",
                at="user",
            )
        if self.name in _OWN_DATABASES:
            raise refuse("the database belongs to PostgreSQL itself", "feastflow", at="name")
        if self.engine == "standalone" and self.instances != 1:
            raise refuse(
                "the standalone engine has no standbys; each further instance would hold its own data",
                "1",
                at="instances",
            )
        if self.engine == "replicated" and self.instances == 1:
            raise refuse("with one instance there is nothing to fail over to", "3", at="instances")
        return self

    @model_validator(mode="after")
    def _external(self) -> Self:
        if self.engine != "external":
            if self.external is not None:
                raise refuse(
                    f"the {self.engine} engine runs a server of its own, and this one would not be asked",
                    "set engine to external, or remove external",
                    at="external",
                )
            return self
        if self.external is None:
            raise refuse(
                "the stack runs no server with this engine, and has to be told of the one that is there",
                "in the stack's file, set feastflow:database.external: host, ca, password or administrator",
                at="external",
            )
        for name in _OF_OWN_SERVER:
            field = type(self).model_fields[name]
            if getattr(self, name) != field.default:
                raise refuse(
                    "the server is not the stack's, so nothing would follow from it",
                    f"remove {field.alias}; whoever runs the server decides on it there",
                    at=field.alias or name,
                )
        return self

    @model_validator(mode="after")
    def _pooler_knows_the_logins(self) -> Self:
        if self.pooler and self.external and self.external.administrator is None:
            raise refuse(
                "a pooler passes on what the server keeps of a password, and of the user's own login nothing "
                "here knows that: each client would be refused",
                "set database.external.administrator in place of password, or remove pooler",
                at="pooler",
            )
        return self

    @model_validator(mode="after")
    def _operator(self) -> Self:
        if self.operator_account == "default":
            raise refuse(
                "every pod of that namespace that names no account has this one, and nothing would judge it",
                "cnpg-cloudnative-pg",
                at="operatorAccount",
            )
        if self.operator_account and self.engine != "replicated":
            raise refuse(
                f"the {self.engine} engine has no operator, so the account would not be used",
                "set engine to replicated, or remove operatorAccount",
                at="operatorAccount",
            )
        default = type(self).model_fields["operator_namespace"].default
        if self.operator_namespace != default and self.engine != "replicated":
            raise refuse(
                f"the {self.engine} engine has no operator, so its namespace would not be looked at",
                "set engine to replicated, or remove operatorNamespace",
                at="operatorNamespace",
            )
        if self.engine == "replicated" and self.operator_namespace in _SHARED_NAMESPACES:
            raise refuse(
                "the operator's account passes the admission policies, and each user who may create accounts "
                "in a namespace that all users of the cluster share would take its name",
                "cnpg-system",
                at="operatorNamespace",
            )
        return self

    @model_validator(mode="after")
    def _image_can_back_up(self) -> Self:
        if self.backup and (instead := images.without_barman(self.image)):
            raise refuse(
                "this image lacks barman-cloud, with which backups are written, so none would ever be",
                instead,
                at="image",
            )
        return self

    @model_validator(mode="after")
    def _restored_elsewhere(self) -> Self:
        if self.restore is None:
            return self
        if self.backup is None:
            raise refuse(
                "backup says how the store is asked, and a database that was restored needs one of its own",
                "in the stack's file, set feastflow:database.backup, with another destination",
                at="backup",
            )
        nested = (f"{self.restore.source}/", f"{self.backup.destination}/")
        if nested[0].startswith(nested[1]) or nested[1].startswith(nested[0]):
            raise refuse(
                "the restored database would write its log among that of the one before, and no "
                "restore could tell them apart",
                f"{self.restore.source.rstrip('/')}-2",
                at="backup.destination",
            )
        return self

    @model_validator(mode="after")
    def _bundle_has_its_place(self) -> Self:
        bundle = self.ca_bundle
        if bundle is None:
            return self
        if self.engine == "replicated" and not bundle.path.startswith(PROJECTED):
            raise refuse(
                f"CloudNativePG mounts further files below {PROJECTED.rstrip('/')} alone",
                f"{PROJECTED}ca.crt",
                at="caBundle.path",
            )
        for taken in _MOUNTED:
            if f"{bundle.path}/".startswith(f"{taken}/") or taken.startswith(f"{bundle.path}/"):
                raise refuse(
                    f"the server has {taken} mounted already, and one of the two would be hidden",
                    "/etc/feastflow/ca.crt",
                    at="caBundle.path",
                )
        for name in bundle.variables:
            if name in _SERVER_VARIABLES or name.startswith(("CNPG_", "PG")):
                raise refuse(
                    f"{name} belongs to the server or its operator, and one of the two values would be lost",
                    '["SSL_CERT_FILE"]',
                    at="caBundle.variables",
                )
        return self

    @model_validator(mode="after")
    def _version_is_known(self) -> Self:
        tagged = majors.tagged(self.image)
        if self.engine == "replicated" and tagged is None:
            raise refuse(
                "CloudNativePG reads PostgreSQL's version from the image's tag, and this one does not begin "
                "with a version from 15 on",
                "ghcr.io/cloudnative-pg/postgresql:15.14-bookworm",
                at="image",
            )
        if tagged is None and self.version is None:
            raise refuse(
                "its tag does not begin with a version of PostgreSQL from 15 on, and a server does not start "
                "on data of another major version",
                "pulumi config set --path feastflow:database.version 15 (the version in this image)",
                at="image",
            )
        read = self.engine == "replicated" or majors.certain(self.image)
        if self.version is not None and read and self.version != tagged:
            raise refuse(
                f"the image's tag names PostgreSQL {tagged}, and a server does not start on data of another "
                "major version",
                str(tagged),
                at="version",
            )
        return self

    @property
    def copied_by_jobs(self) -> bool:
        """Return whether Jobs of the stack's copy the database; for another engine its operator does."""
        return self.backup is not None and self.engine == "standalone"

    @property
    def proved(self) -> bool:
        """Return whether a restore of the newest backup is proved by the clock."""
        return self.backup is not None and self.backup.proof.enabled

    @property
    def major(self) -> int:
        """Return PostgreSQL's major version, as the settings or the image's tag say."""
        return self.version or majors.tagged(self.image) or 0
