"""Every path through the network that must be open or closed, tried from a real pod."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from ..harness.kube import Kube
from ..harness.site import Site

_SECONDS = 3
_PYTHON = f"""\
import socket, sys
try: socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout={_SECONDS}).close()
except OSError: sys.exit(7)
"""
_NODE = f"""\
const [host, port] = process.argv.slice(-2);
const line = require("net").connect(Number(port), host, () => process.exit(0));
line.on("error", () => process.exit(7));
setTimeout(() => process.exit(7), {_SECONDS * 1000});
"""
_CLIENTS = {
    "backend": ("python3", "-c", _PYTHON),
    "frontend": ("node", "-e", _NODE, "--"),
    "database": ("timeout", str(_SECONDS), "bash", "-c", 'exec 3<>"/dev/tcp/$0/$1" || exit 7'),
}
_STRANGER = "stranger"
_TIERS = ("backend", "frontend", "database")
_OPEN = (("backend", "database"), *((tier, "DNS") for tier in _TIERS))
_CLOSED = (
    ("backend", "frontend"),
    ("frontend", "database"),
    ("frontend", "backend"),
    ("database", "backend"),
    ("database", "frontend"),
    *((tier, server) for tier in _TIERS for server in ("the Kubernetes API", "the kubelet")),
)


@dataclass(frozen=True, kw_only=True)
class _Server:
    address: str
    port: str


@pytest.fixture(scope="module")
def servers(kube: Kube, site: Site) -> dict[str, _Server]:
    """Return every server by address, so that a path cannot seem closed because a name does not resolve."""
    assert site.answers()
    found = {
        tier: _Server(address=kube.pods(tier)[0]["status"]["podIP"], port=port)
        for tier, port in {"backend": "5000", "frontend": "3000", "database": "5432"}.items()
    }
    nodes = kube.all("nodes", "--selector", "node-role.kubernetes.io/control-plane")
    (address,) = (each["address"] for each in nodes[0]["status"]["addresses"] if each["type"] == "InternalIP")
    (dns, *_) = kube.all("pods", "--all-namespaces", "--selector", "k8s-app=kube-dns")
    return found | {
        "the Kubernetes API": _Server(address=address, port="6443"),
        "the kubelet": _Server(address=address, port="10250"),
        "DNS": _Server(address=dns["status"]["podIP"], port="53"),
    }


def _probes(kube: Kube, servers: dict[str, _Server], stranger: str) -> dict[tuple[str, str], list[str]]:
    """Return the command of every path that is tried, by source and server."""
    found = {}
    pods = {tier: itertools.cycle(kube.ready(tier)) for tier in _TIERS}
    for source, server in (*_OPEN, *_CLOSED):
        pod = next(pods[source])
        line = ["exec", pod, "--container", "postgres" if source == "database" else source]
        found[source, server] = [*line, "--", *_CLIENTS[source], *_target(servers[server])]
    for server in ("DNS", *_TIERS):
        line = ["exec", stranger, "--namespace", "default", "--", *_CLIENTS["database"]]
        found[_STRANGER, server] = [*line, *_target(servers[server])]
    return found


def _target(server: _Server) -> tuple[str, str]:
    return server.address, server.port


@pytest.fixture(scope="module")
def stranger(kube: Kube) -> Iterator[str]:
    """Run a pod of another team, in a namespace where nothing is refused."""
    (server,) = kube.pods("database")
    image = server["spec"]["containers"][0]["image"]
    flags = ("--namespace", "default", "--image", image, "--image-pull-policy", "Never", "--restart", "Never")
    kube.run("run", _STRANGER, *flags, "--command", "--", "sleep", "600")
    try:
        kube.run(
            "wait",
            f"pod/{_STRANGER}",
            "--namespace",
            "default",
            "--for=condition=Ready",
            "--timeout=60s",
            timeout=90,
        )
        yield _STRANGER
    finally:
        kube.run("delete", "pod", _STRANGER, "--namespace", "default", "--grace-period=0", "--force")


@pytest.fixture(scope="module")
def reached(kube: Kube, servers: dict[str, _Server], stranger: str) -> dict[tuple[str, str], bool]:
    """Try every path at once: what is closed answers with silence, and one silence is as long as many."""
    probes = _probes(kube, servers, stranger)
    # More of them in one pod would not fit into its memory.
    room = defaultdict[str, threading.Semaphore](lambda: threading.Semaphore(2))

    def tried(path: tuple[str, str]) -> bool:
        _, pod, *_ = probes[path]
        with room[pod]:
            ran = kube.ask(*probes[path])
        assert ran.code in (0, 7, 124), ran
        return ran.code == 0

    with ThreadPoolExecutor(max_workers=len(probes)) as pool:
        return dict(zip(probes, pool.map(tried, probes), strict=True))


@pytest.mark.parametrize("server", _TIERS)
def test_a_pod_of_another_namespace_reaches_nothing_here(
    reached: dict[tuple[str, str], bool], server: str
) -> None:
    assert reached[_STRANGER, "DNS"], "it has a network of its own"
    assert not reached[_STRANGER, server]


@pytest.mark.parametrize("path", _OPEN, ids=" to ".join)
def test_a_path_that_the_application_needs_is_open(
    reached: dict[tuple[str, str], bool], path: tuple[str, str]
) -> None:
    assert reached[path]


@pytest.mark.parametrize("path", _CLOSED, ids=" to ".join)
def test_a_path_that_nothing_needs_is_closed(
    reached: dict[tuple[str, str], bool], path: tuple[str, str]
) -> None:
    assert not reached[path]
