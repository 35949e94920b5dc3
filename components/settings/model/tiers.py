"""The two tiers of pods that serve HTTP, with the figures of the contract as defaults."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..derived import variants
from ..values import names
from . import contract, mounts, references
from .base import Model, refuse
from .demand import Demand
from .jobs import Job
from .scalars import Command, Image, Name, Seconds, Sequence, UnprivilegedPort, UrlPath
from .workload import Autoscaling, Probes, Resources, Workload, WritablePath, resources

_TMP = "/tmp"  # noqa: S108 - a path inside the container


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


class ApplicationSettings(Workload):
    """A tier of pods that run an image of the application over HTTP."""

    @property
    def scheduled(self) -> Mapping[str, Job]:
        """Its scheduled jobs by name."""
        return {}

    @property
    def companions(self) -> tuple[str, ...]:
        """The names of further workloads whose way out of the namespace is the same."""
        return ()

    def demands(self, *, weights: bool) -> tuple[Demand, ...]:
        """Return every pod that it may have at once; see `variants.plan` for `weights`."""
        pods = variants.peak_pods(variants.plan(self, weights=weights))
        return (Demand(pods=pods, resources=self.resources),)


class Backend(ApplicationSettings):
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

    @property
    def scheduled(self) -> Mapping[str, Job]:
        """Its scheduled jobs by name."""
        return self.jobs

    @property
    def companions(self) -> tuple[str, ...]:
        """The names of its jobs' and migrations' pods."""
        return (
            *((names.JOBS,) if self.jobs else ()),
            *((names.MIGRATIONS,) if self.migrations.as_job else ()),
        )

    def demands(self, *, weights: bool) -> tuple[Demand, ...]:
        """Return every pod that it may have at once: its Deployments', a migration, and each job."""
        jobs = (job.resources or self.resources for job in self.jobs.values())
        return (
            *super().demands(weights=weights),
            Demand(pods=1, resources=self.resources),
            *(Demand(pods=1, resources=size) for size in jobs),
        )

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        jobs = {f"jobs.{name}.env": job.env for name, job in self.jobs.items()}
        mounts.check(self)
        contract.check_names(self, contract.BACKEND_VARIABLES, jobs)
        references.check(
            self, contract.BACKEND_VARIABLES, self.jobs, {"migrations.command": self.migrations.command}
        )
        return self


class Frontend(ApplicationSettings):
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
    metrics_path: UrlPath | None = Field(
        default=None,
        description="Path of its metrics in Prometheus' format, on the same port; none: it has none.",
        examples=["/metrics"],
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
        variables = (*contract.FRONTEND_VARIABLES, *((contract.BACKEND_URL,) if self.calls_backend else ()))
        mounts.check(self)
        contract.check_names(self, variables)
        references.check(self, variables)
        return self
