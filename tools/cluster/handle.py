"""A local cluster as it is: its nodes, whether they are Ready, and how one is switched on."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.cluster import record
from tools.cluster.engine import Engine
from tools.toolchain import kubectl, process
from tools.toolchain.kubectl import Kubectl

CONFIG = Path(__file__).parent / "kind.yaml"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A local cluster that answers. `kubeconfig` holds its context and no other."""

    name: str
    port: int
    engine: Engine
    kubeconfig: Path
    tools: Path

    @property
    def context(self) -> str:
        """Return the name kind gives the context."""
        return f"kind-{self.name}"

    @property
    def kubectl(self) -> Path:
        """Return the kubectl of the cluster's own version."""
        return self.tools / "kubectl"

    @property
    def client(self) -> Kubectl:
        """Return what asks and changes this cluster."""
        return kubectl.of(self.kubectl, kubeconfig=self.kubeconfig)

    def nodes(self) -> list[str]:
        """Return the containers of the cluster's nodes, running or not, the control plane first."""
        return containers(self.engine, self.name)

    def identity(self) -> str:
        """Return the uid of kube-system: it tells this cluster from an earlier one of its name."""
        question = ("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
        return self.client.output(*question).strip()


def is_running(cluster: Cluster, node: str) -> bool:
    """Return whether a node runs."""
    return cluster.engine.run("inspect", "--format", "{{.State.Status}}", node).strip() == "running"


def switch_on(cluster: Cluster, node: str) -> bool:
    """Start a node that does not run, at the address it had; whether it runs now.

    Podman would give it the next free address, and its neighbours would go on routing its pods to the old one
    until kube-router looks again, minutes later. A machine keeps its address over a reboot.
    """
    carrier = cluster.engine
    if carrier.own and not is_running(cluster, node):
        address = record.read(cluster.name).get("addresses", {}).get(node)
        if address:
            carrier.has("network", "disconnect", carrier.network, node)
            kept = carrier.has("network", "connect", "--ip", address, carrier.network, node)
            if not kept:
                # Taken meanwhile: a node at another address is found again later, one without any never.
                carrier.has("network", "connect", carrier.network, node)
    # What was seen available before may have to start again.
    record.write(cluster.name, record.read(cluster.name) | {"addons": None, "operator": None})
    return carrier.has("start", node)


def addresses(cluster: Cluster) -> dict[str, str]:
    """Return the address of every node that has one, by its container."""
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    known = {}
    for node in cluster.nodes():
        for address in cluster.engine.run("inspect", "--format", template, node).split()[:1]:
            known[node] = address
    return known


def answers(cluster: Cluster) -> bool:
    """Return whether the API server answers and every node is Ready."""
    return all_ready(ready_nodes(cluster))


def all_ready(nodes: list[str]) -> bool:
    """Return whether these, as `ready_nodes` gives them, are all that there should be."""
    return nodes == ["True"] * wanted_nodes()


def ready_nodes(cluster: Cluster) -> list[str]:
    """Return whether each node that the API server knows is Ready; empty when that does not answer."""
    template = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
    command = ["get", "nodes", "--request-timeout=5s", "-o", f"jsonpath={template}"]
    try:
        return cluster.client.output(*command, timeout=10).split()
    except (process.CommandError, OSError):
        return []


def containers(carrier: Engine, name: str) -> list[str]:
    """Return the containers of a cluster's nodes, running or not, the control plane first."""
    label = f"label=io.x-k8s.kind.cluster={name}"
    return sorted(carrier.run("ps", "--all", "--filter", label, "--format", "{{.Names}}").split())


def wanted_nodes() -> int:
    """Return how many nodes a whole cluster has."""
    return len(node_names(""))


def node_names(name: str) -> list[str]:
    """Return the containers of a whole cluster, as kind names them: by role, numbered from the second one."""
    roles = [node["role"] for node in yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["nodes"]]
    numbers = [roles[:index].count(role) + 1 for index, role in enumerate(roles)]
    return [
        f"{name}-{role}{number if number > 1 else ''}" for role, number in zip(roles, numbers, strict=True)
    ]
