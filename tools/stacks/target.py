"""The Kubernetes to deploy to: a context that the user named, or the local cluster."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import handle, lifecycle
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.toolchain import cache, golang, kubectl, pins, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl

_FORBIDDEN = "Error from server (Forbidden)"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A cluster that answers. `local` is None for one that the user named: that is only ever deployed to."""

    context: str
    kubeconfig: Path | None
    kubectl: Path
    identity: str
    local: Cluster | None

    @property
    def environment(self) -> dict[str, str]:
        """Return what pulumi's provider needs to find the context."""
        return {"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}

    @property
    def client(self) -> Kubectl:
        """Return the client of this cluster."""
        return kubectl.of(self.kubectl, kubeconfig=self.kubeconfig, context=self.context)


def made(name: str, port: int, carrier: Engine | None) -> Target:
    """The local cluster, made when it is not there; `carrier` is what `lifecycle.preflight` found."""
    return _local(lifecycle.up(name, port, carrier))


def present(context: str | None, name: str) -> Target | None:
    """The user's context when one is named, else the local cluster: None when that does not answer."""
    if context:
        return named(context)
    cluster = lifecycle.find(name)
    return _local(cluster) if cluster and handle.answers(cluster) else None


def named(context: str) -> Target:
    """The cluster behind a context of the user's kubeconfig.

    Raises:
        UserError: when there is no such context, or the cluster behind it does not answer.
    """
    program = _kubectl()
    known = _contexts(program)
    if context not in known:
        raise UserError(
            f"there is no context {context} in your kubeconfig",
            "CONTEXT names the cluster to deploy to",
            f"choose one of: {', '.join(known)}" if known else "set KUBECONFIG to the file that has it",
        )
    question = ("--request-timeout=10s", "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
    try:
        uid = kubectl.of(program, context=context).output(*question, timeout=30).strip()
    except process.CommandError as failure:
        if _FORBIDDEN in failure.tail:
            # It answers, to a user of one namespace: the context's name is all there is to tell it by.
            uid = f"context-{cache.key(context)}"
            return Target(context=context, kubeconfig=None, kubectl=program, identity=uid, local=None)
        raise UserError(
            f"the cluster behind {context} does not answer: {failure.tail}",
            "nothing can be deployed to it",
            f"see that it runs and you are logged in: kubectl --context {context} get nodes",
        ) from failure
    return Target(context=context, kubeconfig=None, kubectl=program, identity=uid, local=None)


def _contexts(program: Path) -> list[str]:
    try:
        config = json.loads(kubectl.of(program).output("config", "view", "-o", "json"))
        return [str(entry["name"]) for entry in config.get("contexts") or [] if entry.get("name")]
    except (process.CommandError, ValueError, TypeError, AttributeError) as failure:
        # Only kubectl's own words are shown: a file may hold credentials anywhere.
        said = failure.tail if isinstance(failure, process.CommandError) else "it is no text that can be read"
        raise UserError(
            f"kubectl cannot read your kubeconfig: {said}",
            "CONTEXT names one of its contexts, and none is known",
            "mend the file that it names, or set KUBECONFIG to another one",
        ) from failure


def _local(cluster: Cluster) -> Target:
    return Target(
        context=cluster.context,
        kubeconfig=cluster.kubeconfig,
        kubectl=cluster.kubectl,
        identity=cluster.identity(),
        local=cluster,
    )


def _kubectl() -> Path:
    found = shutil.which("kubectl", path=os.environ.get("PATH"))
    if found:
        return Path(found)
    with Step("kubectl", "compiling it") as step:
        return golang.binaries(pins.KIND_BUILD, step) / "kubectl"
