"""A part of observability: one program, what it needs, and whom it may reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# The namespace that stacks let in: `observability.namespace` is this one by default.
NAMESPACE = "observability"
# Log files are on the node, and Pod Security `restricted` allows no pod to look there.
NODES_NAMESPACE = "observability-nodes"
# Where pods send spans, as `observability.otlpEndpoint` takes it.
OTLP_ENDPOINT = f"http://collector.{NAMESPACE}.svc:4318"
# Where a part's files and its companion's copies are.
FILES = "/etc/observability"
CERTIFICATE = "/etc/certificate"
COPIES = "/copies"
COMPANION = "companion"
COMPANION_PORT = 8081

Rule = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Size:
    """A request and a limit of a container, in Kubernetes' quantities."""

    cpu: tuple[str, str]
    memory: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program of the local cluster's observability.

    `ports` are its TCP ports by name; `health` and `metrics` are paths on the first of them. `files` are
    files of `configuration/`, mounted under `FILES`; `stores` are writable folders, with their limits in MiB.
    `reaches` names the parts that it connects to. `rights` are rules of RBAC; without any it has no token.
    `companion` are arguments of the container that fills `COPIES`. `hosts` are what the edge routes to it:
    the first word of the host, the path, and the port's name. Pods of all namespaces may reach the ports of
    `every_namespace`. With `every_node` it is a DaemonSet that reads log files; with `scrapes` it reads the
    metrics of all pods. `serves` is an API of Kubernetes', as GROUP/VERSION, that the API server has from its
    first port, by https.
    """

    name: str
    program: str
    args: Sequence[str]
    ports: Mapping[str, int]
    health: str
    size: Size
    metrics: str | None = "/metrics"
    files: Sequence[str] = ()
    stores: Mapping[str, int] = field(default_factory=dict)
    reaches: Sequence[str] = ()
    rights: Sequence[Rule] = ()
    companion: Sequence[str] = ()
    hosts: Sequence[tuple[str, str, str]] = ()
    every_namespace: Sequence[str] = ()
    every_node: bool = False
    scrapes: bool = False
    serves: str = ""
    slow_start_seconds: int = 30

    @property
    def namespace(self) -> str:
        """Return the namespace that it runs in."""
        return NODES_NAMESPACE if self.every_node else NAMESPACE

    @property
    def port(self) -> tuple[str, int]:
        """Return the name and the number of its first port."""
        return next(iter(self.ports.items()))

    @property
    def host(self) -> str:
        """Return its Service's name in the cluster, to which its certificate is issued."""
        return f"{self.name}.{self.namespace}.svc"

    @property
    def selector(self) -> dict[str, str]:
        """Return the labels by which its pods are selected."""
        return {"app.kubernetes.io/name": self.name}

    @property
    def workload(self) -> str:
        """Return what of it has a rollout, as kubectl names it."""
        return f"{'daemonset' if self.every_node else 'deployment'}/{self.name}"


Manifest = dict[str, Any]
