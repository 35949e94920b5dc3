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
# What a variant's Service adds to the tier's name.
_VARIANT = "(-[a-z]+)?"
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


def service(tier: ApplicationTier, namespace: str) -> str:
    """Return the condition on the label `service` for a tier's Services, those of its variants too."""
    return _named(namespace, tier.facts.workload, tier.settings.port, _VARIANT)


def only(namespace: str, name: str, port: int) -> str:
    """Return the condition on the label `service` for one Service, which may be a variant's."""
    return _named(namespace, name, port)


def _named(namespace: str, name: str, port: int | str, more: str = "") -> str:
    """Return the condition; `more` is a pattern of what may follow the name.

    Of an Ingress it is `NAMESPACE-SERVICE-PORT@kubernetes`; what is neither letter nor digit is one dash. Of
    an HTTPRoute it is `httproute-NAMESPACE-ROUTE-gw-…-svc-NAMESPACE-SERVICE-INDEX@kubernetesgateway` in
    Traefik 3.7; earlier versions call it as they do an Ingress's, some with `http-` before the port.
    """
    space = _dashed(namespace)
    routed = f"httproute-{space}-.+-svc-{namespace}-{name}{more}-[0-9]+"
    return f'service=~"({space}-{name}{more}(-http)?-{port}|{routed})@kubernetes(gateway)?"'


def services(namespace: str) -> str:
    """Return the condition of every tier of the application at once, whatever their ports."""
    names = "|".join(facts.workload for facts in TIERS if facts.of_application)
    return _named(namespace, f"({names})", "[0-9]+", _VARIANT)


def _dashed(text: str) -> str:
    return _NOT_IN_A_NAME.sub("-", text.lower()).strip("-")


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
