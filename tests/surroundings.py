"""A machine that others use too: its environment made neutral, and ports that no other program is given."""

import contextlib
import random
import socket
from collections.abc import Mapping

# What make was told for its own commands, and what it tells its children.
_OF_MAKE = {
    *("STACK", "CONTEXT", "CLUSTER", "PORT", "BACKEND_IMAGE", "FRONTEND_IMAGE", "BACKEND", "VERSION", "OUT"),
    *("SECRET_STORE", "SECRET_PATH", "BASE", "REPORT", "DRILL", "RUNS", "RATE", "BENCH", "AGAINST", "TEST"),
    "METRICS",
    *("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"),
}
# How programs look and talk.
_OF_THE_TERMINAL = {"COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LANGUAGE"}
# Accounts, clusters, repositories and databases of the user's, how Python runs, and the running workflow.
_PREFIXES = ("PULUMI_", "AWS_", "KUBE", "GIT_", "PG", "PYTHON", "GITHUB_", "ACTIONS_", "RUNNER_", "LC_")
# Where the official CLI has its plugins, and whom git trusts.
_KEPT = {"PULUMI_HOME", "GIT_SSL_CAINFO"}
_LOOPBACK = "localhost,.localhost,127.0.0.1,::1"
# Below the ports that the kernel hands out for connections and for port 0.
_PORTS = range(20_000, 30_000)


def neutral(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would change a test's outcome; caches, registries, mirrors and proxies stay.

    Loopback is reached without the proxy, messages are in English, and git knows no user's configuration.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name in _KEPT or not (name in _OF_MAKE | _OF_THE_TERMINAL or name.startswith(_PREFIXES))
    }
    for name in ("no_proxy", "NO_PROXY"):
        kept[name] = ",".join(filter(None, (kept.get(name), _LOOPBACK)))
    fixed = {"LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return kept | fixed


def free_port() -> int:
    """Find a port of loopback that is free, for a program that must be told one.

    The kernel gives it to no other program meanwhile: it is below those for connections.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")
