"""A pod's part of observability: its variables of OpenTelemetry, its way to the endpoint, its annotations.

Nothing waits for a collector: without one, a pod serves as it does with one.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from ..settings.model.scraped import Scraped
from ..settings.model.workload import Egress
from ..settings.values.names import Identity
from . import network
from .context import Place

# Of gRPC: https://opentelemetry.io/docs/specs/otlp/. Without the protocol, each SDK has a default of its own.
_GRPC_PORT = 4317
_HTTPS_PORT = 443


def variables(place: Place, identity: Identity, version: str) -> Mapping[str, str]:
    """Return OpenTelemetry's variables of the workload at this version; none without an endpoint.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
    https://opentelemetry.io/docs/specs/semconv/resource/
    """
    endpoint = place.observability.otlp_endpoint
    if endpoint is None:
        return {}
    attributes = {
        "deployment.environment.name": place.environment,
        "k8s.namespace.name": place.instance,
        "service.namespace": place.instance,
        "service.version": version,
    }
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc" if _port(endpoint) == _GRPC_PORT else "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{key}={value}" for key, value in attributes.items()),
        "OTEL_SERVICE_NAME": identity.name,
    }


def way(place: Place) -> list[network.Rule]:
    """Return the way to the endpoint: one rule, or none without an endpoint."""
    endpoint = place.observability.otlp_endpoint
    if endpoint is None:
        return []
    host = Egress(host=urlsplit(endpoint).hostname or "", port=_port(endpoint))
    return [network.outside(host, place.cluster.domain)]


def annotations(place: Place, scraped: Scraped | None) -> Mapping[str, str]:
    """Return the annotations of pods with these metrics; none where nothing is observed."""
    return scraped.annotations if scraped and place.observability.enabled else {}


def _port(endpoint: str) -> int:
    return urlsplit(endpoint).port or _HTTPS_PORT
