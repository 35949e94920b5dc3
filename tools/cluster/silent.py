"""A cluster that does not answer: started, waited for and described. Nothing here deletes anything of it."""

import os
import time

from tools.cluster import footprint, handle, kind, ports, record
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster, ready_nodes, switch_on, wanted_nodes
from tools.toolchain import process
from tools.toolchain.console import Step, elapsed
from tools.toolchain.errors import UserError

# Long enough for three nodes to boot; on a machine that is busy meanwhile they may take much longer.
_SECONDS = 60.0
_BUSY_SECONDS = 300.0
_PAUSE_SECONDS = 1.0
# A question to a node, or to the engine about one: they may be frozen, too.
_QUESTION_SECONDS = 10.0
_USUAL_NAME = "feastflow"
# Its name and state (R runs, S waits, T is stopped), without a tool that a node image may lack.
_API_SERVER = """\
for process in /proc/[0-9]*; do
  [ "$(cat "$process/comm" 2>/dev/null)" != kube-apiserver ] || { grep State "$process/status"; exit 0; }
done
echo none"""


def revive(cluster: Cluster) -> None:
    """Start the nodes that do not run, and wait until the API server answers and knows all of them.

    Raises:
        UserError: when it stays silent, with what was seen; its nodes and volumes are as they were.
    """
    if cluster.engine.own:
        footprint.record()
    with Step("cluster", f"{cluster.name} does not answer: starting its nodes again") as step:
        failed = [node for node in cluster.nodes() if not _starts(cluster, node)]
        if failed:
            # Another program may have its port by now.
            ports.must_be_free(cluster.port)
            raise _silent(cluster, f"{', '.join(failed)} could not be started")
        if not cluster.kubeconfig.exists() or not record.read(cluster.name).get("identity"):
            kind.fetch_kubeconfig(cluster)
        began = time.monotonic()
        while len(ready_nodes(cluster)) < wanted_nodes():
            spent = time.monotonic() - began
            if spent >= (_BUSY_SECONDS if _is_busy() else _SECONDS):
                raise _silent(cluster, f"no answer within {elapsed(spent)}")
            step.note(f"no answer for {elapsed(spent)}, {_load()}")
            time.sleep(_PAUSE_SECONDS)
        step.result(f"{cluster.name} answers again")


def down_command(name: str) -> str:
    """Return the command that gives the cluster up."""
    return "make down" if name == _USUAL_NAME else f"make down CLUSTER={name}"


def _starts(cluster: Cluster, node: str) -> bool:
    if _state(cluster.engine, node) == "paused":
        return cluster.engine.has("unpause", node)
    return switch_on(cluster, node)


def _silent(cluster: Cluster, found: str) -> UserError:
    name, first = cluster.name, handle.node_names(cluster.name)[0]
    again = "make up" if name == _USUAL_NAME else f"make up CLUSTER={name}"
    return UserError(
        "\n".join([f"the cluster {name} does not answer: {found}", *_seen(cluster)]),
        "its nodes hold the stacks' data, and a cluster that is silent may only be slow: nothing was deleted",
        f"when the machine has less to do, run it again: {again}\n"
        f"see why it is silent: {cluster.engine.command} logs {first}\n"
        f"or give up the cluster and all it holds: {down_command(name)}",
    )


def _seen(cluster: Cluster) -> list[str]:
    """Return what tells why it is silent: its containers, kubelets, API server, and the machine's load."""
    lines = []
    there = cluster.nodes()
    for node in handle.node_names(cluster.name):
        if node not in there:
            lines.append(f"{node}: there is no such container")
            continue
        state = _state(cluster.engine, node)
        kubelet = f", kubelet {_asked(cluster, node, 'systemctl', 'is-active', 'kubelet')}"
        lines.append(f"{node}: container {state}{kubelet if state == 'running' else ''}")
        if state == "running" and node == there[0]:
            lines.append(
                f"API server: process {_asked(cluster, node, 'sh', '-c', _API_SERVER)}; {_answer(cluster)}"
            )
    return [*lines, f"machine: {_load()}"]


def _state(carrier: Engine, node: str) -> str:
    try:
        return carrier.run(
            "inspect", "--format", "{{.State.Status}}", node, timeout=_QUESTION_SECONDS
        ).strip()
    except process.CommandError as failure:
        return f"unknown ({_last(failure)})"


def _asked(cluster: Cluster, node: str, *question: str) -> str:
    """Return what a command in the node prints, also where it fails by saying so."""
    command = [cluster.engine.command, "exec", node, *question]
    try:
        said = process.output(command, env=cluster.engine.environment, timeout=_QUESTION_SECONDS)
    except process.CommandError as failure:
        return _last(failure)
    return " ".join(said.split())


def _answer(cluster: Cluster) -> str:
    """Return what the API server says of itself, or why it does not."""
    try:
        said = cluster.client.output("get", "--raw", "/readyz", "--request-timeout=5s", timeout=10)
        return f"it says {said.strip()!r}"
    except (process.CommandError, OSError) as failure:
        return _last(failure) if isinstance(failure, process.CommandError) else str(failure)


def _last(failure: process.CommandError) -> str:
    return failure.tail.strip().rpartition("\n")[2] or f"ended with {failure.code}"


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def _is_busy() -> bool:
    return os.getloadavg()[0] > (os.cpu_count() or 1)
