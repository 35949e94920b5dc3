"""Every path through the network that is open or closed, tried from a real pod."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .kube import Kube
from .site import Site

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


@dataclass(frozen=True, kw_only=True)
class _Server:
    address: str
    port: str


@pytest.fixture(scope="module")
def servers(kube: Kube, site: Site) -> dict[str, _Server]:
    """What there is to connect to, by address, so that no name keeps a path closed."""
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


def _reaches(kube: Kube, source: str, server: _Server) -> bool:
    pod = kube.ready(source)[-1]
    ran = kube.ask("exec", pod, "--container", _container(source), "--", *_CLIENTS[source], *_target(server))
    assert ran.code in (0, 7, 124), ran
    return ran.code == 0


def _container(tier: str) -> str:
    return "postgres" if tier == "database" else tier


def _target(server: _Server) -> tuple[str, str]:
    return server.address, server.port


@pytest.fixture(scope="module")
def stranger(kube: Kube) -> Iterator[str]:
    """A pod of somebody else, in a namespace where nothing is refused."""
    (server,) = kube.pods("database")
    image = server["spec"]["containers"][0]["image"]
    flags = ("--namespace", "default", "--image", image, "--image-pull-policy", "Never", "--restart", "Never")
    kube.run("run", "stranger", *flags, "--command", "--", "sleep", "600")
    try:
        kube.run("wait", "pod/stranger", "--namespace", "default", "--for=condition=Ready", "--timeout=60s")
        yield "stranger"
    finally:
        kube.run("delete", "pod", "stranger", "--namespace", "default", "--grace-period=0", "--force")


@pytest.mark.parametrize("server", ["backend", "frontend", "database"])
def test_a_pod_of_another_namespace_reaches_nothing_here(
    kube: Kube, servers: dict[str, _Server], stranger: str, server: str
) -> None:
    knock = ("exec", stranger, "--namespace", "default", "--", *_CLIENTS["database"])
    assert kube.ask(*knock, *_target(servers["DNS"])).code == 0, "it has a network of its own"
    assert kube.ask(*knock, *_target(servers[server])).code in (7, 124)


@pytest.mark.parametrize(
    ("source", "server"),
    [("backend", "database"), ("backend", "DNS"), ("frontend", "DNS"), ("database", "DNS")],
)
def test_a_path_that_the_application_needs_is_open(
    kube: Kube, servers: dict[str, _Server], source: str, server: str
) -> None:
    assert _reaches(kube, source, servers[server])


@pytest.mark.parametrize(
    ("source", "server"),
    [
        ("backend", "frontend"),
        ("frontend", "database"),
        ("frontend", "backend"),
        ("database", "backend"),
        ("database", "frontend"),
        *(
            (source, server)
            for source in ("backend", "frontend", "database")
            for server in ("the Kubernetes API", "the kubelet")
        ),
    ],
)
def test_a_path_that_nobody_needs_is_closed(
    kube: Kube, servers: dict[str, _Server], source: str, server: str
) -> None:
    assert not _reaches(kube, source, servers[server])
