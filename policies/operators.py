"""Objects that operators create for custom resources, where other objects of a stack refer to them."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The labels and ports of its pods, and the names of the objects it makes, by kind."""

    labels: Callable[[Mapping[str, Any]], Mapping[str, str]]
    ports: tuple[tuple[str, int], ...]
    makes: Callable[[Mapping[str, Any]], Mapping[str, tuple[str, ...]]]


_SECRETS = ("app", "ca", "replication", "server", "superuser")


def _cloudnative_pg(cluster: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """Return a Cluster's own objects.

    https://cloudnative-pg.io/documentation/1.28/service_management/ and …/certificates/
    """
    name = _name(cluster)
    services = []
    with contextlib.suppress(AttributeError, KeyError, TypeError):
        # The operator refuses what cannot be read.
        services = [
            entry["serviceTemplate"]["metadata"]["name"]
            for entry in cluster["spec"]["managed"]["services"]["additional"]
        ]
    return {
        "Secret": tuple(f"{name}-{purpose}" for purpose in _SECRETS),
        "Service": (f"{name}-rw", *services),
        "ServiceAccount": (name,),
    }


def _inherited(cluster: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the labels that a Cluster's pods have of it."""
    labels = None
    with contextlib.suppress(AttributeError, KeyError, TypeError):
        labels = cluster["spec"]["inheritedMetadata"]["labels"]
    return labels if isinstance(labels, Mapping) else {}


def _cert_manager(certificate: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """Return a Certificate's Secret.

    https://cert-manager.io/docs/usage/certificate/
    """
    spec = certificate.get("spec")
    secret = spec.get("secretName") if isinstance(spec, Mapping) else None
    return {"Secret": (secret,)} if isinstance(secret, str) else {}


def _name(manifest: Mapping[str, Any]) -> str:
    metadata = manifest.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, Mapping) else ""


OPERATORS: Mapping[str, Operator] = {
    # Its pods answer the authority's challenge for the name:
    # https://cert-manager.io/docs/configuration/acme/http01/
    "cert-manager.io/Certificate": Operator(
        labels=lambda _: {"acme.cert-manager.io/http01-solver": "true"},
        ports=(("http", 8089),),
        makes=_cert_manager,
    ),
    "postgresql.cnpg.io/Cluster": Operator(
        labels=lambda cluster: {
            **_inherited(cluster),
            "cnpg.io/cluster": _name(cluster),
            "cnpg.io/podRole": "instance",
        },
        ports=(("postgresql", 5432), ("status", 8000), ("metrics", 9187)),
        makes=_cloudnative_pg,
    ),
}
