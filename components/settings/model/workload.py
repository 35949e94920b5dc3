"""Settings that backend and frontend have in common: image, size, probes, identity, end of life."""

import ipaddress
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from ..values import quantities
from .base import Model, refuse
from .external import External
from .nodes import NodeSelector, Tolerations
from .release import Release
from .scalars import (
    HOST,
    LONGEST_HOST,
    Certificates,
    Command,
    Cpu,
    DirectorySize,
    Image,
    Memory,
    MountPath,
    PathSegment,
    Percent,
    Port,
    Range,
    Scalar,
    Seconds,
    Sequence,
    Subdomain,
    Told,
    UnprivilegedPort,
    UrlPath,
    UserId,
    Variable,
)
from .scraped import Scraped
from .secrets import Sources

# Below these the runtimes themselves, which are some 40 MB, are killed, or are throttled for minutes.
_LEAST = {"cpu": "25m", "memory": "32Mi"}
_USUAL = {"cpu": "250m", "memory": "256Mi"}
# As short as a certificate can be.
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
# The name of the port in the container and in the Service.
HTTP = "http"
_METRIC = "http_requests_per_second"


class Amounts(Model):
    """CPU and memory."""

    cpu: Cpu = Field(description="Processor time in cores.", examples=["250m"])
    memory: Memory = Field(description="Memory in bytes.", examples=["256Mi"])


class Resources(Model):
    """Requests and limits of a container."""

    requests: Amounts = Field(description="What the scheduler reserves for each pod.")
    limits: Amounts = Field(description="What each pod may use: CPU is throttled above it, memory kills.")

    @model_validator(mode="after")
    def _something_starts(self) -> Self:
        for kind, least in _LEAST.items():
            limit = getattr(self.limits, kind)
            if quantities.parse(limit) < quantities.parse(least):
                meant = _USUAL[kind]
                raise refuse(
                    f"it is below {least}, with which no server of Node, Python or Java starts; "
                    f"did you mean {meant}?",
                    meant,
                    at=f"limits.{kind}",
                )
        return self

    @model_validator(mode="after")
    def _request_within_limit(self) -> Self:
        for kind in ("cpu", "memory"):
            request, limit = getattr(self.requests, kind), getattr(self.limits, kind)
            if quantities.parse(request) > quantities.parse(limit):
                raise refuse(
                    f"the request ({request}) is above the limit ({limit}); no API server takes such a pod",
                    limit,
                    at=f"requests.{kind}",
                )
        return self


def resources(*, cpu: tuple[str, str], memory: tuple[str, str]) -> Resources:
    """Return resources from (request, limit) pairs; for defaults."""
    return Resources(
        requests=Amounts(cpu=cpu[0], memory=memory[0]), limits=Amounts(cpu=cpu[1], memory=memory[1])
    )


class Autoscaling(Model):
    """The bounds of the number of pods, and the load at which there are more or fewer."""

    min_replicas: int = Field(ge=1, le=100, description="Pods at rest.", examples=[2])
    max_replicas: int = Field(ge=1, le=100, description="Pods under the highest load.", examples=[8])
    cpu_percent: Percent | None = Field(
        default=70,
        description="Average CPU use, in percent of the request, above which pods are added.",
        examples=[70],
    )
    memory_percent: Percent | None = Field(
        default=None,
        description="Average memory use, in percent of the request, above which pods are added.",
        examples=[80],
    )

    scale_down_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=300,
        description="Seconds for which the load must have been lower before pods are deleted.",
        examples=[300],
    )
    requests_per_second: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        description="Requests a second and pod above which pods are added; see `requestsMetric`.",
        examples=[100],
    )
    requests_metric: PathSegment = Field(
        default=_METRIC,
        description="Name of that number in the cluster's custom metrics API, which must exist for it.",
        examples=["http_requests_per_second"],
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise refuse(
                f"the minimum ({self.min_replicas}) is above the maximum ({self.max_replicas}), "
                "so there is no number of pods that fits",
                str(self.max_replicas),
                at="minReplicas",
            )
        if (
            self.cpu_percent is None
            and self.memory_percent is None
            and self.requests_per_second is None
            and self.min_replicas != self.max_replicas
        ):
            raise refuse(
                "without any target nothing scales the pods between minimum and maximum",
                "70",
                at="cpuPercent",
            )
        if self.requests_per_second is None and self.requests_metric != _METRIC:
            raise refuse(
                "the metric is read for requestsPerSecond alone, which is not set",
                "set requestsPerSecond, or remove requestsMetric",
                at="requestsMetric",
            )
        return self


class Probes(Model):
    """Paths that the kubelet asks, and how patient it is."""

    liveness: UrlPath = Field(
        description="Answers while the process works; restarts it otherwise.", examples=["/"]
    )
    readiness: UrlPath = Field(
        description="Answers while requests can be served; no traffic otherwise.", examples=["/"]
    )
    startup: UrlPath = Field(
        description="Answers once the process has started; other probes wait.", examples=["/"]
    )
    startup_seconds: int = Field(
        default=120,
        ge=2,
        le=3600,
        description="Seconds a start may take before the process is restarted.",
        examples=[120],
    )


class Shutdown(Model):
    """The end of a pod, in seconds; see `components.workloads.budget`."""

    endpoint_removal_seconds: Seconds = Field(
        default=5,
        description="Seconds for which a pod keeps serving until every proxy knows that it leaves.",
        examples=[5],
    )
    drain_seconds: Seconds = Field(
        default=20,
        description="Seconds that the process has after SIGTERM for requests in flight.",
        examples=[20],
    )
    margin_seconds: Seconds = Field(
        default=5,
        description="Seconds on top, before SIGKILL, for what the kubelet itself needs.",
        examples=[5],
    )
    proxy_idle_seconds: Seconds = Field(
        default=90,
        description="Seconds for which the edge keeps idle connections; the pods keep them longer.",
        examples=[90],
    )
    share_process_namespace: bool = Field(
        default=False,
        description="Whether a pause process is PID 1, for a process that as PID 1 ignores SIGTERM.",
        examples=[True],
    )
    pre_stop_command: Command | None = Field(
        default=None,
        description="Command run in the container before SIGTERM, in place of the sleep.",
        examples=[["sh", "-c", "sleep 5; kill -INT 1"]],
    )


class CaBundle(Model):
    """Certificates of an authority that the process must trust besides the system's own."""

    pem: Certificates = Field(
        description="One or more certificates in PEM form; public, hence no secret.",
        examples=[PEM],
    )
    path: MountPath = Field(
        default="/etc/feastflow/ca.crt", description="File it is mounted as.", examples=["/etc/ssl/own.crt"]
    )
    variables: Annotated[tuple[Variable, ...], Sequence] = Field(
        default=("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"),
        description="Variables that are set to the path.",
        examples=[["NODE_EXTRA_CA_CERTS"]],
    )


def _outside_host(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if HOST.fullmatch(text.removesuffix(".")) and len(text) <= LONGEST_HOST:
            return text
    raise refuse(
        "it is no DNS name in lower case, without scheme, port or path; addresses stand in cidrs",
        "api.example.com",
    )


OutsideHost = Annotated[str, AfterValidator(_outside_host)]


class Egress(Model):
    """A host outside the namespace that the pods may connect to.

    NetworkPolicies know addresses, not names. A name of the cluster's (`name.namespace.svc`) opens that
    namespace; another host opens `cidrs`, or without them every public address, on one port.
    """

    host: OutsideHost = Field(
        description=(
            "Name of the host, as the process calls it: of a Service `name.namespace.svc`, of a public host "
            "that could be one with a dot at its end."
        ),
        examples=["api.example.com"],
    )
    port: Port = Field(
        default=443, description="Port there; of a Service, the port of its pods.", examples=[443]
    )
    cidrs: Annotated[tuple[Range, ...], Sequence] = Field(
        default=(), description="Addresses of the host, where they are known.", examples=[["192.0.2.0/24"]]
    )


class WritablePath(Model):
    """A directory the process may write to; everything else is read-only."""

    path: MountPath = Field(description="Absolute path in the container.", examples=["/tmp"])  # noqa: S108
    size: DirectorySize = Field(
        default="64Mi", description="Most it may hold; the pod is evicted beyond that.", examples=["64Mi"]
    )


class Workload(Model):
    """An HTTP server that the project runs but did not write."""

    image: Image = Field(
        description="What to run, with a tag other than `latest`, or a digest.", examples=["app:1.0.0"]
    )
    command: Command | None = Field(
        default=None, description="Replaces the image's entry point.", examples=[["node", "server.js"]]
    )
    args: Annotated[tuple[Scalar, ...], Sequence] = Field(
        default=(), description="Arguments of the command.", examples=[["--port", "5000"]]
    )
    port: UnprivilegedPort = Field(description="Port that the process listens on.", examples=[5000])
    uid: UserId = Field(default=1000, description="Numeric user of the process, never 0.", examples=[1000])
    gid: UserId = Field(
        default=1000,
        description="Numeric group of the process and owner of its writable paths.",
        examples=[1000],
    )
    resources: Resources = Field(description="Requests and limits of each pod.")
    autoscaling: Autoscaling = Field(description="How many pods, and when more.")
    probes: Probes = Field(description="How Kubernetes asks whether it works.")
    metrics_path: UrlPath | None = Field(
        default="/metrics",
        description="Path of its metrics in Prometheus' format, on the same port; none: it has none.",
        examples=["/metrics"],
    )
    shutdown: Shutdown = Field(default=Shutdown(), description="How a pod ends without failing a request.")
    writable: Annotated[tuple[WritablePath, ...], Sequence] = Field(
        description="Directories the process writes to.",
        examples=[[{"path": "/tmp", "size": "64Mi"}]],  # noqa: S108
    )
    env: dict[Variable, Told] = Field(
        default={},
        description=(
            "Further environment in plain text; `$(NAME)` stands for another variable, `$$(NAME)` for itself."
        ),
        examples=[{"LOG_LEVEL": "info"}],
    )
    secrets: Sources = Field(
        default={},
        description="Secret environment: a secret of the stack's configuration, or where the value is kept.",
        examples=[{"SMTP_PASSWORD": {"secret": "smtp", "key": "password"}}],
    )
    env_names: dict[Variable, Variable] = Field(
        default={},
        description="Other names for the contract's variables: the contract's name to the application's.",
        examples=[{"APP_VERSION": "RELEASE"}],
    )
    ca_bundle: CaBundle | None = Field(
        default=None, description="An authority to trust.", examples=[{"pem": PEM}]
    )
    egress: Annotated[tuple[Egress, ...], Sequence] = Field(
        default=(),
        description="Hosts outside the namespace that the pods may connect to.",
        examples=[[{"host": "api.example.com", "port": 443}]],
    )
    pull_secrets: Annotated[tuple[Annotated[Subdomain, External("Secret")], ...], Sequence] = Field(
        default=(),
        description="Secrets of the namespace with which nodes pull the image.",
        examples=[["registry"]],
    )
    node_selector: NodeSelector = Field(
        default={},
        description="Labels of the nodes that the pods may run on; none means every node.",
        examples=[{"kubernetes.io/arch": "arm64"}],
    )
    tolerations: Tolerations = Field(
        default=(),
        description="Taints of nodes that do not keep the pods off.",
        examples=[[{"key": "kubernetes.io/arch", "value": "arm64", "effect": "NoSchedule"}]],
    )
    release: Release = Field(default=Release(), description="How one version follows another.")

    @property
    def scraped(self) -> Scraped | None:
        """Return its metrics, where it has any."""
        return Scraped(port=self.port, port_name=HTTP, path=self.metrics_path) if self.metrics_path else None

    @model_validator(mode="after")
    def _targets_can_be_reached(self) -> Self:
        for kind in ("cpu", "memory"):
            target = getattr(self.autoscaling, f"{kind}_percent")
            request, limit = getattr(self.resources.requests, kind), getattr(self.resources.limits, kind)
            most = int(100 * quantities.parse(limit) / quantities.parse(request))
            if target is not None and target > most:
                raise refuse(
                    f"no pod uses more than its limit ({limit}), which is {most} % of its request "
                    f"({request}), so no pod would ever be added",
                    str(most * 4 // 5),
                    at=f"autoscaling.{kind}Percent",
                )
        return self

    @model_validator(mode="after")
    def _distinct_paths(self) -> Self:
        paths = [entry.path for entry in self.writable]
        for path in paths:
            if paths.count(path) > 1:
                raise refuse(
                    f"the path {path} is there twice, and one of the two sizes would be lost",
                    "list each path once",
                    at="writable",
                )
        return self
