"""Observability: the collectors' namespace, and the promise to each tier's users."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from ..values.tiers import OF_APPLICATION
from .base import Model, refuse
from .scalars import HOST, Name

# https://opentelemetry.io/docs/specs/otlp/#otlphttp-default-port
_OTLP_HTTP = 4318
_ENDPOINT = f"http://collector.observability.svc:{_OTLP_HTTP}"
_SIGNALS = ("/v1/traces", "/v1/metrics", "/v1/logs")
# An error budget of one request in 100,000 is the least that a month of a busy site can measure.
_LEAST_PERCENT, _MOST_PERCENT = 90.0, 99.999
_FASTEST, _SLOWEST = 1, 60_000
# The burn rates are of hours to days (components/observing/burning.py), and stores keep months.
_SHORTEST, _LONGEST = 7, 90


def _availability(percent: float) -> float:
    if percent > _MOST_PERCENT:
        raise refuse(
            "it leaves no request that may fail, so the first failure of each window would be an alert, "
            "and nothing could ever be released",
            "99.9",
        )
    if percent < _LEAST_PERCENT:
        raise refuse(
            f"below {_LEAST_PERCENT:g} % the budget is larger than an outage uses in its first hour, so no "
            "alert would tell of it",
            "99.9",
        )
    return percent


def _percentile(percent: float) -> float:
    if not 50 <= percent <= 99.9:  # noqa: PLR2004 - the median, and what a histogram can still tell
        raise refuse("it is the share of requests in percent that must be as fast, from 50 to 99.9", "99")
    return percent


def _milliseconds(limit: int) -> int:
    if not _FASTEST <= limit <= _SLOWEST:
        raise refuse(
            "no request takes no time, and a browser gives up before a minute: "
            f"{_FASTEST} to {_SLOWEST} milliseconds",
            "500",
        )
    return limit


def _window(days: int) -> int:
    if not _SHORTEST <= days <= _LONGEST:
        raise refuse(
            "the slowest alert looks at three days, which must be a part of the window, and stores keep "
            f"some months: {_SHORTEST} to {_LONGEST} days",
            "30",
        )
    return days


def _endpoint(text: str) -> str:
    """Return the URL; hosts are judged with the stack, which knows the cluster's domain."""
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise refuse("it is no URL", _ENDPOINT) from None
    if url.scheme not in ("http", "https"):
        raise refuse("OTLP's base URL begins with http:// or https://, for gRPC too", _ENDPOINT)
    if url.username is not None or url.password is not None:
        raise refuse(
            "a ConfigMap would show the password; a collector in the cluster can add it",
            _ENDPOINT,
        )
    if not HOST.fullmatch(host.removesuffix(".")) or not any(each.isalpha() for each in host):
        raise refuse(
            "its host is no DNS name in lower case; a policy opens a Service's namespace, or public hosts",
            _ENDPOINT,
        )
    if url.query or url.fragment:
        raise refuse("an SDK puts a path at its end, which a query or a fragment would cut off", _ENDPOINT)
    if url.path.rstrip("/").endswith(_SIGNALS):
        raise refuse(
            "it is the base of three signals, and an SDK puts /v1/traces, /v1/metrics or /v1/logs at its end",
            text[: text.rindex("/v1/")],
        )
    if port is None and url.scheme == "http":
        raise refuse("without a port it is port 80, where no collector takes OTLP", _ENDPOINT)
    return text


def _tier(name: str) -> str:
    if name not in OF_APPLICATION:
        raise refuse(
            f"requests are measured at the edge, and those are of {' and '.join(OF_APPLICATION)}",
            OF_APPLICATION[0],
        )
    return name


class Latency(Model):
    """The time within which most requests are answered."""

    percentile: Annotated[float, AfterValidator(_percentile)] = Field(
        default=99.0, description="Share of the requests, in percent, that are as fast.", examples=[99]
    )
    milliseconds: Annotated[int, AfterValidator(_milliseconds)] = Field(
        default=500, description="Milliseconds, as the edge measures them.", examples=[300]
    )


class Objective(Model):
    """The promise to a tier's users."""

    availability: Annotated[float, AfterValidator(_availability)] = Field(
        default=99.9, description="Share of the requests, in percent, that do not fail.", examples=[99.95]
    )
    latency: Latency = Field(default=Latency(), description="Time within which most requests are answered.")
    window_days: Annotated[int, AfterValidator(_window)] = Field(
        default=30, description="Days over which both are promised.", examples=[28]
    )


class Observability(Model):
    """Collectors, alerts and objectives."""

    enabled: bool = Field(
        default=True,
        description="Whether collectors are let in, and rules and dashboards are there.",
        examples=[False],
    )
    namespace: Name = Field(
        default="observability",
        description="Namespace of the collectors: its pods may read the tiers' metrics.",
        examples=["monitoring"],
    )
    monitors: bool | None = Field(
        default=None,
        description=(
            "Whether the stack makes PodMonitors and a PrometheusRule; none means where the cluster has "
            "their definitions and the account may make them."
        ),
        examples=[True],
    )
    otlp_endpoint: Annotated[str, AfterValidator(_endpoint)] | None = Field(
        default=None,
        description=(
            "Base URL to which the tiers send what OpenTelemetry measures; the way there is opened. The port "
            "is that of the collector's pods; 4317 is told as gRPC, any other as HTTP."
        ),
        examples=[_ENDPOINT],
    )
    objectives: dict[Annotated[str, AfterValidator(_tier)], Objective] = Field(
        default={},
        description="Promise to the users of a tier, by tier; what is left out has the defaults.",
        examples=[{"backend": {"availability": 99.95}}],
    )

    def objective(self, tier: str) -> Objective:
        """Return the promise to the tier's users."""
        return self.objectives.get(tier, Objective())

    @model_validator(mode="after")
    def _takes_effect(self) -> Self:
        if self.enabled:
            return self
        for name in ("monitors", "otlp_endpoint"):
            if getattr(self, name):
                alias = type(self).model_fields[name].alias or name
                raise refuse("with enabled false nothing is collected", f"remove {alias}", at=alias)
        return self
