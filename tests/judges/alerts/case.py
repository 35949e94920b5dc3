"""A case of an alert, and series in vmalert-tool's notation: https://docs.victoriametrics.com/victoriametrics/vmalert-tool/."""

from collections.abc import Mapping
from dataclasses import dataclass

NAMESPACE = "feastflow-prod"
HOST = f"{NAMESPACE}.localhost"
BACKEND = f"{NAMESPACE}-feastflow-backend-5000@kubernetes"
# The second that vmalert-tool's evaluation begins with: the year 2000.
START = 946_684_800
# Traefik's own bounds.
BOUNDS = ("0.1", "0.3", "1.2", "5", "+Inf")
_OF_EDGE = {"method": "GET", "protocol": "http"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """An alert, and when it must be firing: `minutes` after the start, with these labels and this summary.

    `series` have the values for which it fires, and those that look alike and for which it does not; empty
    values are no series. `interval` is the number of minutes between two samples and two evaluations.
    """

    alert: str
    about: str
    severity: str
    series: Mapping[str, tuple[str, str]]
    labels: Mapping[str, str]
    summary: str
    minutes: int
    interval: int = 1
    group: str = f"feastflow-{NAMESPACE}-namespace"

    def __str__(self) -> str:
        return f"{self.alert}: {self.about}"

    def given(self, *, alike: bool) -> dict[str, str]:
        """Return the series of the cause, or those that look alike."""
        return {name: values[alike] for name, values in self.series.items() if values[alike]}


def named(metric: str, **labels: str) -> str:
    """Return the series with these labels."""
    return f"{metric}{{{','.join(f'{name}={chr(34)}{value}{chr(34)}' for name, value in labels.items())}}}"


def own(metric: str, **labels: str) -> str:
    """Return the stack's series by Prometheus' usual labels."""
    return named(metric, namespace=NAMESPACE, **labels)


def opentelemetrys(metric: str, **labels: str) -> str:
    """Return the stack's series by OpenTelemetry's labels."""
    return named(metric, k8s_namespace_name=NAMESPACE, **labels)


def requests(code: str, service: str = BACKEND) -> str:
    """Return the edge's counter of requests with this status code."""
    return named("traefik_service_requests_total", code=code, service=service, **_OF_EDGE)


def durations(bound: str) -> str:
    """Return the edge's counter of requests that took at most so many seconds."""
    metric = "traefik_service_request_duration_seconds_bucket"
    return named(metric, code="200", le=bound, service=BACKEND, **_OF_EDGE)


def grows(by: float, samples: int) -> str:
    """Return the values of a counter that grows with each sample."""
    return f"0+{by:g}x{samples}"
