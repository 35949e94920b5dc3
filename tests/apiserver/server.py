"""A Kubernetes API server without nodes: a whole control plane on loopback, with kubelets simulated by kwok.

Real: etcd, the API server with its admission, authorisation, quota, validation and server-side apply, the
controllers, the scheduler. Played: nodes, pods, Jobs, volumes, and what the operator of CloudNativePG reports
(see `kubelets` and `stages.yaml`).

Deliberately not there: containers and images (no logs, no exec, no port-forward), networks, probes, metrics,
failing nodes. What a test claims of those, it claims on a real cluster: tests/e2e and tests/acceptance.
"""

import base64
import json
import shutil
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tools.cluster import addons
from tools.toolchain import golang, pins, process
from tools.toolchain import kubectl as clients
from tools.toolchain.console import Step
from tools.toolchain.golang import Build

from . import credentials, kubelets, loopback
from .credentials import Credentials
from .programs import Programs

_ETCD, _PEERS, _SECURE = 2379, 2380, 6443
_SERVICES = "10.96.0.0/16"
# A busy machine may be slow; the conditions are usually there within ten seconds.
_SECONDS = 300.0
_PAUSE = 0.1
_NOT_RUN = (
    # Would mark a node NotReady, and evict its pods, when a busy machine keeps kwok from renewing a lease.
    "node-lifecycle-controller",
    # kwok binds the claims.
    "persistentvolume-binder-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
)
_HASTE = (
    # Without metrics they do one thing: raise a Deployment to its autoscaler's minimum.
    "--horizontal-pod-autoscaler-sync-period=2s",
)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that answers, with three nodes that are Ready.

    `kubectl` is of the server's own version. `programs` are its processes: a test may end one of a server of
    its own, to see what its absence does.
    """

    known: Credentials
    kubectl: Path
    programs: Programs

    @property
    def url(self) -> str:
        """Its address."""
        return self.known.url

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig with one context, of an administrator."""
        return self.known.kubeconfig

    @property
    def context(self) -> str:
        """The name of that context."""
        return credentials.CONTEXT

    def apply(self, *documents: str) -> None:
        """Apply YAML or JSON documents server-side, as another deployment's owner would."""
        text = "\n---\n".join(documents)
        command = [*self._kubectl, "apply", "--server-side", "--force-conflicts", "--filename", "-"]
        process.output(command, stdin=text, timeout=_SECONDS)

    def etcd(self, key: str) -> bytes:
        """Return what etcd itself holds under a key, by its gateway."""
        asked = json.dumps({"key": base64.b64encode(key.encode()).decode()}).encode()
        address = f"http://{urlsplit(self.url).hostname}:{_ETCD}/v3/kv/range"
        with urllib.request.urlopen(address, data=asked, timeout=10) as answer:
            (found,) = json.load(answer)["kvs"]
        return base64.b64decode(found["value"])

    @property
    def _kubectl(self) -> list[str]:
        return [str(self.kubectl), "--kubeconfig", str(self.kubeconfig)]


@contextmanager
def running() -> Iterator[Server]:
    """Start a server, and yield it when it can be used; end all of it afterwards, whatever happened.

    Several may run, in this process or in others. The thread that enters must outlive the block.

    Raises:
        RuntimeError: when a program ends by itself, or is not ready within five minutes; with its last lines.
    """
    kwok = _compiled(pins.KWOK_BUILD)
    with alone() as server:
        known, programs = server.known, server.programs
        for name in ("kube-controller-manager", "kube-scheduler"):
            programs.start(name, _client(server.kubectl.parent, name, known))
        server.apply(kubelets.storage_class(), *map(json.dumps, kubelets.nodes()))
        stages = known.folder.parent / "stages.yaml"
        stages.write_text(kubelets.configuration(), encoding="utf-8")
        programs.start("kwok", _kwok(kwok, known, stages))
        _until(programs, "kwok", lambda: _all_nodes_ready(server))
        # Pods are refused until their namespace has its default ServiceAccount.
        _until(programs, "kube-controller-manager", lambda: _has_account(server))
        yield server


@contextmanager
def alone(*flags: str) -> Iterator[Server]:
    """Start etcd and the API server alone: objects are kept and judged, and no controller changes any.

    `flags` are of the API server, in addition to those that it always has.

    Raises:
        RuntimeError: as `running` does.
    """
    control_plane = _compiled(pins.NODE_BUILD)
    folder = Path(tempfile.mkdtemp(prefix="feastflow-apiserver-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        address = stack.enter_context(loopback.claimed((_ETCD, _PEERS, _SECURE)))
        programs = stack.enter_context(Programs(folder))
        known = credentials.made(folder / "credentials", f"https://{address}:{_SECURE}")
        programs.start("etcd", _etcd(control_plane, folder, address))
        programs.start("kube-apiserver", [*_apiserver(control_plane, known, address), *flags])
        _until(programs, "kube-apiserver", lambda: _ready(known))
        kubectl = control_plane / "kubectl"
        addons.apply(clients.of(kubectl, kubeconfig=known.kubeconfig), addons.KINDS)
        yield Server(known=known, kubectl=kubectl, programs=programs)


def _compiled(build: Build) -> Path:
    with Step("programs", f"of {build.module}") as step:
        return golang.binaries(build, step)


def _etcd(programs: Path, folder: Path, address: str) -> Sequence[str]:
    client, peer = f"http://{address}:{_ETCD}", f"http://{address}:{_PEERS}"
    return [
        str(programs / "etcd"),
        f"--data-dir={folder / 'etcd'}",
        # Nothing is kept, and a slow disk is not what is tested.
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def _apiserver(programs: Path, known: Credentials, address: str) -> Sequence[str]:
    return [
        str(programs / "kube-apiserver"),
        f"--etcd-servers=http://{address}:{_ETCD}",
        f"--bind-address={address}",
        f"--advertise-address={address}",
        f"--secure-port={_SECURE}",
        f"--cert-dir={known.folder}",
        f"--token-auth-file={known.tokens}",
        f"--audit-policy-file={known.audit_policy}",
        f"--audit-log-path={known.audit_log}",
        "--authorization-mode=Node,RBAC",
        # As kubeadm sets it: each namespace's own rules decide what it refuses.
        "--allow-privileged=true",
        f"--service-cluster-ip-range={_SERVICES}",
        f"--service-account-issuer={known.url}",
        f"--service-account-key-file={known.service_accounts}",
        f"--service-account-signing-key-file={known.service_accounts}",
        # The server's own Service need not be maintained.
        "--endpoint-reconciler-type=none",
        # The controller that removes the taint of a new node does not run.
        "--disable-admission-plugins=TaintNodesByCondition",
    ]


def _client(programs: Path, name: str, known: Credentials) -> Sequence[str]:
    command = [
        str(programs / name),
        f"--kubeconfig={known.kubeconfig}",
        f"--authentication-kubeconfig={known.kubeconfig}",
        f"--authorization-kubeconfig={known.kubeconfig}",
        "--leader-elect=false",
        # It is never asked anything.
        "--secure-port=0",
    ]
    if name == "kube-controller-manager":
        command += [
            f"--controllers={','.join(['*', *(f'-{each}' for each in _NOT_RUN)])}",
            f"--service-account-private-key-file={known.service_accounts}",
            f"--root-ca-file={known.certificate}",
            # As kubeadm has it: each controller asks as an account of its own, which rules may let pass.
            "--use-service-account-credentials=true",
            *_HASTE,
        ]
    return command


def _kwok(programs: Path, known: Credentials, stages: Path) -> Sequence[str]:
    return [
        str(programs / "kwok"),
        f"--kubeconfig={known.kubeconfig}",
        f"--config={stages}",
        "--manage-all-nodes",
        "--node-ip=10.0.0.1",
    ]


def _until(programs: Programs, name: str, holds: Callable[[], bool]) -> None:
    ended = time.monotonic() + _SECONDS
    while not holds():
        programs.assert_running()
        if time.monotonic() > ended:
            raise RuntimeError(f"waited {_SECONDS:.0f} s for {name}:\n{programs.last_words(name)}")
        time.sleep(_PAUSE)


def _ready(known: Credentials) -> bool:
    """Return True if the server is ready."""
    if not known.certificate.exists():
        return False
    try:
        trust = ssl.create_default_context(cafile=str(known.certificate))
        with urllib.request.urlopen(f"{known.url}/readyz", context=trust, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, ssl.SSLError, urllib.error.URLError):
        return False


def _all_nodes_ready(server: Server) -> bool:
    template = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}'
    said = process.output([*server._kubectl, "get", "nodes", "-o", f"jsonpath={template}"])
    return said.split() == ["True"] * len(kubelets.nodes())


def _has_account(server: Server) -> bool:
    return process.answers([*server._kubectl, "get", "serviceaccount", "default"])
