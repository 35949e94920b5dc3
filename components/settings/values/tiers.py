"""The one list of tiers: what is true of each whatever its settings say. Standard library only.

What its settings say of images and quota comes on top in `derived.tiers`. The room is the lowest one, so that
everything may loop over the list: the model's own checks, components, and tools that run without a package.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from . import names


@dataclass(frozen=True, kw_only=True)
class TierFacts:
    """A tier's constants.

    `name` is its section of the settings and the component of its pods, `title` what messages call it,
    `workload` the name of its Deployment, StatefulSet or Cluster. In Pulumi its workload's name begins with
    `label`. `priority` is the value of its PriorityClass. `logs` are the components whose pods have its logs,
    `files` the rendered files by kind. `tells` are the variables by which the API knows of it.
    `of_application` says that it runs an image of the application over HTTP: its settings are
    `ApplicationSettings`, and its image may be built from the application's source.
    """

    name: str
    title: str
    workload: str
    label: str
    priority: int
    logs: tuple[str, ...]
    files: Mapping[str, str]
    tells: tuple[str, ...] = ()
    of_application: bool = False


# Under pressure a node evicts, and a full cluster gives way, from the lowest priority. `kubectl apply` goes
# by the files' names; 10 and above are those of kinds.
TIERS = (
    TierFacts(
        name="backend",
        title="backend",
        workload=names.BACKEND,
        label="backend",
        priority=1_000,
        logs=("backend", "migrations"),
        files={"Deployment": "06-backend-deployment", "Service": "07-backend-service"},
        of_application=True,
    ),
    TierFacts(
        name="frontend",
        title="frontend",
        workload=names.FRONTEND,
        label="frontend",
        priority=1_000,
        logs=("frontend",),
        files={"Deployment": "08-frontend-deployment", "Service": "09-frontend-service"},
        of_application=True,
    ),
    TierFacts(
        name="database",
        title="PostgreSQL",
        workload=names.DATABASE,
        label="postgres",
        priority=1_000_000,
        logs=("database",),
        files={
            "StatefulSet": "04-postgres-deployment",
            "Cluster": "04-postgres-deployment",
            "Service": "05-postgres-service",
        },
        tells=(
            *("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_POOL_MAX"),
            *("PGSSLMODE", "PGSSLROOTCERT", "NODE_EXTRA_CA_CERTS"),
        ),
    ),
)
OF_APPLICATION = tuple(tier.name for tier in TIERS if tier.of_application)
