"""What operators make of their custom resources, as far as other objects of a stack refer to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The labels and ports of its pods, and the names of the objects it makes, by kind."""

    labels: Callable[[Mapping[str, Any]], Mapping[str, str]]
    ports: tuple[tuple[str, int], ...]
    makes: Callable[[Mapping[str, Any]], Mapping[str, tuple[str, ...]]]


def _cloudnative_pg(cluster: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """See https://cloudnative-pg.io/documentation/1.28/service_management/ and …/certificates/."""
    name = str(cluster["metadata"]["name"])
    services = cluster.get("spec", {}).get("managed", {}).get("services", {}).get("additional", [])
    return {
        "Secret": tuple(
            f"{name}-{purpose}" for purpose in ("app", "ca", "replication", "server", "superuser")
        ),
        "Service": (f"{name}-rw", *(entry["serviceTemplate"]["metadata"]["name"] for entry in services)),
        "ServiceAccount": (name,),
    }


OPERATORS: Mapping[str, Operator] = {
    "postgresql.cnpg.io/Cluster": Operator(
        labels=lambda cluster: {
            "cnpg.io/cluster": str(cluster["metadata"]["name"]),
            "cnpg.io/podRole": "instance",
        },
        ports=(("postgresql", 5432), ("status", 8000), ("metrics", 9187)),
        makes=_cloudnative_pg,
    )
}
