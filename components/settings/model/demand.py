"""Demands of a tier on the namespace's quota."""

from dataclasses import dataclass

from .workload import Resources, resources

# Of a Job that only talks to the database.
CLIENT_RESOURCES = resources(cpu=("50m", "200m"), memory=("32Mi", "128Mi"))

# Of a Job that reads the whole database, compresses it and sends it.
COPY_RESOURCES = resources(cpu=("50m", "500m"), memory=("128Mi", "384Mi"))

# Of a Job that restores the whole database, serves it to itself alone and reads it.
PROOF_RESOURCES = resources(cpu=("50m", "1"), memory=("256Mi", "512Mi"))


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Pods of one size, each with a volume of `storage` where it has one."""

    pods: int
    resources: Resources
    storage: str | None = None
