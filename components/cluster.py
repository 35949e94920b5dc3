"""The connection to the cluster: one explicit provider, and a clear word when nobody answers.

The check looks at the kubeconfig and opens one TCP connection. It refuses only when it is certain; where a
proxy or an unusual configuration makes it unsure, the provider decides.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from .model.stack import Kubeconfig

_SECONDS = 3.0
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def provider(settings: Kubeconfig, allowed: pulumi.Output[bool]) -> kubernetes.Provider:
    """The provider for every object of the stack, which none can be made without.

    It waits for `allowed`, so that whatever refuses there does so before anything is touched.

    Raises:
        pulumi.RunError: when the named context does not exist or its API server refuses connections.
    """
    check(settings, os.environ)
    return kubernetes.Provider(
        "kubernetes",
        context=settings.context,
        kubeconfig=settings.kubeconfig,
        enable_server_side_apply=allowed,
    )


def check(settings: Kubeconfig, environ: Mapping[str, str]) -> None:
    """Refuse a cluster that certainly cannot be reached; see `provider`."""
    config = _read(settings, environ)
    if config is None:
        return
    contexts = {entry["name"]: entry.get("context") or {} for entry in config.get("contexts") or []}
    name = settings.context or config.get("current-context")
    if name and name not in contexts:
        raise pulumi.RunError(_no_context(str(name), sorted(contexts)))
    clusters = {entry["name"]: entry.get("cluster") or {} for entry in config.get("clusters") or []}
    cluster = clusters.get(contexts.get(name, {}).get("cluster"), {})
    server = str(cluster.get("server") or "")
    if not server or cluster.get("proxy-url") or any(environ.get(proxy) for proxy in _PROXIES):
        return
    problem = _knock(server)
    if problem:
        raise pulumi.RunError(_no_answer(str(name), server, problem))


def _read(settings: Kubeconfig, environ: Mapping[str, str]) -> dict[str, Any] | None:
    text = settings.kubeconfig
    if text is None or "\n" not in text:
        given = text or environ.get("KUBECONFIG") or "~/.kube/config"
        path = Path(given).expanduser()
        # Several files are merged by rules of their own; that is the provider's business.
        if os.pathsep in given or not path.is_file():
            return None
        text = path.read_text(encoding="utf-8")
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    return config if isinstance(config, dict) else None


def _knock(server: str) -> str:
    address = urlsplit(server)
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), timeout=_SECONDS).close()
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def _no_context(name: str, known: list[str]) -> str:
    return (
        "The cluster cannot be reached; nothing was changed.\n\n"
        f"kubernetes:context\n  found: {name}\n"
        "  why:   the kubeconfig has no such context, so there is no cluster to deploy to\n"
        f"  next:  pulumi config set kubernetes:context {known[0] if known else 'NAME'}"
        f" (known: {', '.join(known) or 'none'})"
    )


def _no_answer(name: str, server: str, problem: str) -> str:
    return (
        "The cluster cannot be reached; nothing was changed.\n\n"
        f"context {name}\n  found: {server} does not answer ({problem})\n"
        "  why:   without its API server nothing can be read or deployed\n"
        "  next:  start the cluster, or name another one: pulumi config set kubernetes:context NAME"
    )
