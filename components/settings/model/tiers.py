"""The two tiers of pods that serve HTTP, with the figures of the contract as defaults."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from . import mounts, references
from .base import Model, refuse
from .jobs import Job
from .scalars import Command, Image, Name, Seconds, Sequence, UnprivilegedPort
from .workload import Autoscaling, Probes, Resources, Workload, WritablePath, resources

_TMP = "/tmp"  # noqa: S108 - a path inside the container

# What the program itself sets; a further value of the same name would silently win or lose.
BACKEND_VARIABLES = (
    "NODE_ENV",
    "PORT",
    "DB_HOST",
    "DB_PORT",
    "DB_NAME",
    "DB_USER",
    "DB_PASSWORD",
    "JWT_SECRET",
    "JWT_EXPIRE",
    "FRONTEND_URL",
    "APP_VERSION",
    "KEEP_ALIVE_TIMEOUT",
    "DRAIN_SECONDS",
    "DB_POOL_MAX",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "NODE_EXTRA_CA_CERTS",
)
# Drivers read these by their own names alone: renamed, they would verify nothing or not connect.
TLS_VARIABLES = ("PGSSLMODE", "PGSSLROOTCERT", "NODE_EXTRA_CA_CERTS")
# Switches off the verification of every server, the database's too.
_UNVERIFIED = "NODE_TLS_REJECT_UNAUTHORIZED"
# Where the site's server finds the API inside the namespace, if it calls it there.
BACKEND_URL = "BACKEND_URL"
FRONTEND_VARIABLES = ("NODE_ENV", "PORT", "HOSTNAME", "APP_VERSION", "KEEP_ALIVE_TIMEOUT", "DRAIN_SECONDS")


class Migrations(Model):
    """Migrations of the database's schema to the version that the backend expects."""

    mode: Literal["job", "initContainer", "none"] = Field(
        default="job",
        description="`job`: once per version, before the rollout; `initContainer`: in every pod; `none`.",
        examples=["job"],
    )
    command: Command | None = Field(
        default=None,
        description="Command of the backend's image; without one nothing is migrated.",
        examples=[["npm", "run", "migrate"]],
    )
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=0,
        description="Further attempts of a failed Job; 0 suits tools that must not run twice.",
        examples=[0],
    )
    timeout_seconds: Annotated[Seconds, Field(ge=1)] = Field(
        default=300, description="Seconds after which a Job that has not ended has failed.", examples=[300]
    )
    attempt: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Raise it to run the Job of the same version again.", examples=[2]
    )

    @model_validator(mode="after")
    def _takes_effect(self) -> Self:
        # `none` is a switch for a while, and keeps what belongs to the other modes.
        for name in ("retries", "timeout_seconds", "attempt"):
            field = type(self).model_fields[name]
            if self.mode == "initContainer" and getattr(self, name) != field.default:
                raise refuse(
                    f"it is a Job's, and with mode {self.mode} there is none",
                    f"remove {field.alias}, or set mode to job",
                    at=field.alias or name,
                )
        return self

    @property
    def as_job(self) -> bool:
        """Return whether there is anything to run as a Job."""
        return self.mode == "job" and self.command is not None

    @property
    def as_init_container(self) -> bool:
        """Return whether there is anything to run in every new pod."""
        return self.mode == "initContainer" and self.command is not None


class Backend(Workload):
    """The API."""

    image: Image = Field(
        default="feastflow/backend:1.0.0",
        description="Image of the API.",
        examples=["feastflow/backend:1.0.0"],
    )
    port: UnprivilegedPort = Field(default=5000, description="Port that the API listens on.", examples=[5000])
    resources: Resources = Field(
        default=resources(cpu=("200m", "500m"), memory=("256Mi", "512Mi")),
        description="Requests and limits of each pod.",
    )
    autoscaling: Autoscaling = Field(
        default=Autoscaling(min_replicas=2, max_replicas=8, cpu_percent=70, memory_percent=80),
        description="How many pods there are, and what makes it more.",
    )
    probes: Probes = Field(
        default=Probes(liveness="/api/health", readiness="/api/ready", startup="/api/health"),
        description="How Kubernetes asks whether the API works.",
    )
    writable: Annotated[tuple[WritablePath, ...], Sequence] = Field(
        default=(WritablePath(path=_TMP),),
        description="Directories that the process writes to.",
        examples=[[{"path": "/tmp", "size": "64Mi"}]],  # noqa: S108
    )
    pool_size: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3,
        description="Connections that each pod's pool may open (DB_POOL_MAX); readiness has one more.",
        examples=[3],
    )
    migrations: Migrations = Field(default=Migrations(), description="How the schema is migrated.")
    jobs: dict[Annotated[Name, Field(max_length=37)], Job] = Field(
        default={},
        description="Scheduled jobs of the backend's image, by name.",
        examples=[{"report": {"schedule": "30 3 * * *", "command": ["npm", "run", "report"]}}],
    )
    jwt_expire: str = Field(
        default="7d",
        pattern=r"^[0-9]{1,8}[smhdw]$",
        description="How long a customer's token is valid (JWT_EXPIRE).",
        examples=["7d"],
    )

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        jobs = {f"jobs.{name}.env": job.env for name, job in self.jobs.items()}
        mounts.check(self)
        check_names(self, BACKEND_VARIABLES, jobs)
        references.check(self, BACKEND_VARIABLES, self.jobs, {"migrations.command": self.migrations.command})
        return self


class Frontend(Workload):
    """The site."""

    image: Image = Field(
        default="feastflow/frontend:1.0.0",
        description="Image of the site.",
        examples=["feastflow/frontend:1.0.0"],
    )
    port: UnprivilegedPort = Field(
        default=3000, description="Port that the site listens on.", examples=[3000]
    )
    resources: Resources = Field(
        default=resources(cpu=("100m", "300m"), memory=("128Mi", "256Mi")),
        description="Requests and limits of each pod.",
    )
    autoscaling: Autoscaling = Field(
        default=Autoscaling(min_replicas=3, max_replicas=10, cpu_percent=70),
        description="How many pods there are, and what makes it more.",
    )
    probes: Probes = Field(
        default=Probes(liveness="/", readiness="/", startup="/"),
        description="How Kubernetes asks whether the site works.",
    )
    writable: Annotated[tuple[WritablePath, ...], Sequence] = Field(
        default=(WritablePath(path=_TMP), WritablePath(path="/app/.next/cache", size="128Mi")),
        description="Directories that the process writes to.",
        examples=[[{"path": "/app/.next/cache", "size": "128Mi"}]],
    )
    calls_backend: bool = Field(
        default=False,
        description=(
            "Whether the site's server calls the API inside the namespace (server-side fetch, rewrites): the "
            "path is opened, and its address told as `BACKEND_URL`."
        ),
        examples=[True],
    )

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        contract = (*FRONTEND_VARIABLES, *((BACKEND_URL,) if self.calls_backend else ()))
        mounts.check(self)
        check_names(self, contract)
        references.check(self, contract)
        return self


def check_names(
    tier: Workload, contract: tuple[str, ...], more: Mapping[str, Mapping[str, str]] | None = None
) -> None:
    """Refuse variables that would be there twice, new names for variables that do not exist, and less TLS.

    `more` are further environments by their keys below the tier.
    """
    environments: dict[str, Mapping[str, object]] = {
        "secrets": tier.secrets,
        **plain_environments(tier),
        **(more or {}),
    }
    _keep_tls(tier, contract, environments)
    for old in tier.env_names:
        if old not in contract:
            raise refuse(
                f"{old} is no variable of the contract ({', '.join(contract)}), so nothing would be renamed",
                f"{contract[0]}: MY_NAME",
                at=f"envNames.{old}",
            )
    names = [tier.env_names.get(name, name) for name in contract]
    # Node reads one file: where the bundle and the database are both meant, it holds both.
    merged = {"NODE_EXTRA_CA_CERTS"} & set(contract)
    names += [name for name in tier.ca_bundle.variables if name not in merged] if tier.ca_bundle else []
    for name in names:
        if names.count(name) > 1:
            raise refuse(
                f"two variables would be called {name}, and one of the two values would be lost",
                "give each variable a name of its own",
                at="envNames",
            )
    for place, env in environments.items():
        for name in env:
            if name in names:
                raise refuse(
                    "the program sets this variable itself, from what it knows of the other tiers",
                    "remove it, or give the program's variable another name in envNames",
                    at=f"{place}.{name}",
                )
            if place != "secrets" and name in tier.secrets:
                raise refuse(
                    "the variable is in secrets too, and one of the two values would be lost",
                    f"remove it here: the value in secrets.{name} is the one that stays secret",
                    at=f"{place}.{name}",
                )


def _keep_tls(
    tier: Workload, contract: tuple[str, ...], environments: Mapping[str, Mapping[str, object]]
) -> None:
    own = [name for name in TLS_VARIABLES if name in contract]
    for name in own:
        if name in tier.env_names:
            raise refuse(
                f"drivers read {name} by this name alone; without it they would trust any server, or none",
                f"remove it; what another driver reads stands in backend.env, as `MY_NAME: $({name})`",
                at=f"envNames.{name}",
            )
    for place, env in environments.items():
        if _UNVERIFIED in env:
            raise refuse(
                "it decides whether Node verifies the servers that it talks to, the database among them",
                f"remove it, and name the authority to trust in {'backend' if own else 'frontend'}.caBundle",
                at=f"{place}.{_UNVERIFIED}",
            )
        if own and "NODE_EXTRA_CA_CERTS" in env:
            raise refuse(
                "the program sets this variable itself, to the authority of the database's certificate",
                "remove it; other authorities to trust stand in backend.caBundle, and Node gets both",
                at=f"{place}.NODE_EXTRA_CA_CERTS",
            )


def plain_environments(tier: Workload) -> dict[str, Mapping[str, str]]:
    """Return the variables that are told in plain text, by the keys that hold them below the tier."""
    release = tier.release
    return {
        "env": tier.env,
        "release.green.env": release.green.env if release.green else {},
        "release.canary.env": release.canary.env if release.canary else {},
    }
