"""The connection to the cluster: one explicit provider, and a clear error when the cluster does not answer.

The check reads the kubeconfig and opens one TCP connection. It refuses only when it is certain; where a
proxy or an unusual configuration makes it unsure, the provider decides.
"""

import os
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as kubernetes

from ...settings.model.stack import Kubeconfig
from ...settings.problem import problem
from . import kubeconfig, kubeconfig_shape
from .kubeconfig import KubeconfigError

# With one that stays the same, another URL, certificate authority or kubeconfig of the cluster is an update
# of the provider; without one it is another cluster to it, and every object is replaced. Whether it is the
# same cluster is for `ownership` to say.
IDENTIFIER = "feastflow"

_HEAD = "The cluster cannot be reached; nothing was changed.\n\n"
_SECONDS = 3.0
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def provider(settings: Kubeconfig, allowed: pulumi.Output[bool]) -> kubernetes.Provider:
    """Return the provider of every object of the stack; no object is created before it.

    It waits for `allowed`, so that a refusal there comes before anything is changed. A kubeconfig that the
    settings hold stays secret.
    """
    return kubernetes.Provider(
        "kubernetes",
        context=settings.context,
        kubeconfig=pulumi.Output.secret(settings.kubeconfig) if settings.kubeconfig else None,
        cluster_identifier=IDENTIFIER,
        enable_server_side_apply=allowed,
        # What pods read is named by its content. What collectors read keeps its name, and is updated.
        enable_config_map_mutable=True,
    )


def check(settings: Kubeconfig, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse a cluster that certainly cannot be reached.

    Raises:
        pulumi.RunError: when the kubeconfig is none, the named context does not exist, or its API server
            refuses connections.
    """
    try:
        config = kubeconfig.read(settings, environ)
    except KubeconfigError as error:
        raise pulumi.RunError(_no_kubeconfig(error)) from None
    if config is None:
        return
    name = settings.context or config.current
    if name and name not in config.contexts:
        raise pulumi.RunError(_no_context(name, sorted(config.contexts)))
    for kind, known in (("cluster", config.clusters), ("user", config.users)):
        wanted = config.contexts.get(name, {}).get(kind)
        if wanted and wanted not in known:
            raise pulumi.RunError(_no_entry(name, kind, wanted, sorted(known)))
    cluster = config.cluster(name)
    server = str(cluster.get("server") or "")
    if not server or cluster.get("proxy-url") or any(environ.get(proxy) for proxy in _PROXIES):
        return
    if said := _knock(server):
        raise pulumi.RunError(_no_answer(name, server, said))


def _knock(server: str) -> str:
    try:
        address = urlsplit(kubeconfig_shape.server(server))
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), timeout=_SECONDS).close()
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def _no_kubeconfig(error: KubeconfigError) -> str:
    return _HEAD + problem(
        error.place,
        found=error.problem,
        why="it is no kubeconfig that a client of Kubernetes takes, so no cluster is named",
        fix="repair it (kubectl config view shows how far it is read), or name another one: "
        "pulumi config set kubernetes:kubeconfig ~/.kube/config",
    )


def _no_context(name: str, known: list[str]) -> str:
    return _HEAD + problem(
        "kubernetes:context",
        found=name,
        why="the kubeconfig has no such context, so there is no cluster to deploy to",
        fix=f"pulumi config set kubernetes:context {known[0] if known else 'NAME'}"
        f" (known: {', '.join(known) or 'none'})",
    )


def _no_entry(context: str, kind: str, name: str, known: list[str]) -> str:
    return _HEAD + problem(
        f"context {context}",
        found=f"the {kind} {name}, which the kubeconfig does not have",
        why=f"kubectl and the provider take no context without its {kind}",
        fix=f"kubectl config set-context {context} --{kind}={known[0] if known else 'NAME'}"
        f" (known: {', '.join(known) or 'none'})",
    )


def _no_answer(name: str, server: str, said: str) -> str:
    return _HEAD + problem(
        f"context {name}",
        found=f"{server} does not answer ({said})",
        why="without its API server nothing can be read or deployed",
        fix="start the cluster, or name another one: pulumi config set kubernetes:context NAME",
    )
