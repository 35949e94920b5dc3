"""A limit of requests per client at the edge, in the words of the controller that has one.

A client is an address, as the controller sees it: https://doc.traefik.io/traefik/middlewares/http/ratelimit/,
https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#rate-limiting.
"""

import pulumi

from ..settings.model.edge import Edge, RateLimit
from ..settings.values import names
from ..workloads.context import Place
from .filters import Filters, middleware

_NGINX = "nginx.ingress.kubernetes.io"


def create(place: Place, settings: Edge, parent: pulumi.Resource) -> Filters:
    """Create what the limit needs, and nothing without one."""
    limit = settings.rate_limit
    if limit is None:
        return Filters()
    if settings.controller == "ingress-nginx":
        return Filters(others=_nginx(limit))
    spec = {
        "average": limit.requests_per_second,
        "period": "1s",
        "burst": limit.burst,
        **({"sourceCriterion": {"ipStrategy": {"depth": limit.proxies}}} if limit.proxies else {}),
    }
    return middleware("rate-limit", names.RATE_LIMIT, place, {"rateLimit": spec}, parent)


def _nginx(limit: RateLimit) -> dict[str, str]:
    # It knows a burst as so many times the rate: never less than asked for.
    times = -(-limit.burst // limit.requests_per_second)
    return {
        f"{_NGINX}/limit-rps": str(limit.requests_per_second),
        f"{_NGINX}/limit-burst-multiplier": str(times),
    }
