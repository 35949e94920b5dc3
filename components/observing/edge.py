"""The edge's metrics of a tier: Traefik's, which any application has. No other controller's are known here.

https://doc.traefik.io/traefik/v3.5/observability/metrics/overview/#service-metrics
"""

import re

from ..settings.derived.tiers import ApplicationTier
from ..settings.values.tiers import TIERS
from .promql import series

REQUESTS = "traefik_service_requests_total"
DURATION = "traefik_service_request_duration_seconds_bucket"
CERTIFICATES = "traefik_tls_certs_not_after"
FAILED = 'code=~"5.."'
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


def service(tier: ApplicationTier, namespace: str) -> str:
    """Return the condition on the label `service`: Traefik's name of the tier's Services, its variants' too.

    Of an Ingress it is `NAMESPACE-SERVICE-PORT@kubernetes`, of an HTTPRoute
    `NAMESPACE-SERVICE-http-PORT@kubernetesgateway`; what is neither letter nor digit is one dash.
    """
    return _service(_named(namespace, tier.facts.workload), str(tier.settings.port))


def services(namespace: str) -> str:
    """Return the condition of every tier of the application at once, whatever their ports."""
    names = (_named(namespace, facts.workload) for facts in TIERS if facts.of_application)
    return _service(f"({'|'.join(names)})", "[0-9]+")


def requests(tier: ApplicationTier, namespace: str, *conditions: str) -> str:
    """Return the selector of the tier's counters of requests."""
    return series(REQUESTS, service(tier, namespace), *conditions)


def durations(tier: ApplicationTier, namespace: str) -> str:
    """Return the selector of the tier's histograms of seconds."""
    return series(DURATION, service(tier, namespace))


def certificates(host: str) -> str:
    """Return the selector of the last seconds of the certificates that name the host."""
    # A dot of a host name is any character of the pattern: no second host differs in that alone.
    return series(CERTIFICATES, f'sans=~"(.*,)?{host}(,.*)?"')


def _named(namespace: str, workload: str) -> str:
    return _NOT_IN_A_NAME.sub("-", f"{namespace}-{workload}".lower()).strip("-")


def _service(name: str, port: str) -> str:
    return f'service=~"{name}(-[a-z]+)?(-http)?-{port}@kubernetes(gateway)?"'
