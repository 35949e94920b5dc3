"""Settings that the local cluster's edge adds to a stack's: the port on loopback, and that it can retry."""

from typing import Any

from tools.cluster import ports
from tools.stacks.workspace import Config, section

# Its own controller, which has the definitions that this needs.
_CLASS, _ATTEMPTS = "traefik", 16


def overrides(port: int, config: Config) -> dict[str, Any]:
    """Return settings below `edge`; `port` is the cluster's for http. What the stack's file says stays."""
    edge = section(config, "edge")
    tls = edge.get("tls")
    secure = isinstance(tls, dict) and tls.get("enabled") is True
    found = {"port": ports.encrypted(port) if secure else port}
    if edge.get("className", _CLASS) == _CLASS and "attempts" not in edge:
        found["attempts"] = _ATTEMPTS
    return found
