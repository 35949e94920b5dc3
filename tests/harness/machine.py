"""Traces that a local cluster may leave on a machine, told apart from those of other programs.

Two questions. Does anything still mention what was ours: a container, an address, a port, a process? And,
where no other Podman is at work, is what every Podman leaves behind (chains, control groups, mounts, kernel
settings) as it was before? What else starts, ends or changes meanwhile belongs to others.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.cluster.footprint import SYSCTLS
from tools.toolchain import cache

from .product import Product
from .running import run
from .waiting import until

_CGROUPS = Path("/sys/fs/cgroup")
_PROC = Path("/proc")
_INTERFACES = Path("/sys/class/net")
# netavark's chains, and the control groups that Podman puts its containers' under.
_CHAIN = "NETAVARK"
_PARENT = "libpod_parent"
_RUN = Path("/run")
# Run-time folders of container runtimes and the kubelet.
_PLACES = (*(_RUN / name for name in ("feastflow", "netns", "runc", "crun")), Path("/var/lib/kubelet"))
# The user's folders that Podman and Pulumi use by default.
_USERS = tuple(Path.home() / name for name in (".pulumi", ".config/containers", ".local/share/containers"))
_USERS_KUBECONFIG = Path.home() / ".kube" / "config"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The traces of any Podman, and the kernel settings that a cluster changes, at one moment.

    `is_shared` says that containers of a Podman ran then.
    """

    residue: frozenset[str]
    sysctls: Mapping[str, str] = field(default_factory=dict)
    is_shared: bool = False

    def changes_since(self, before: "Machine") -> list[str]:
        """Return `+ line` for new lines and `name: now (was …)` for settings; nothing if Podman runs here.

        Settings that another cluster had changed before are set back with the last one, and are no change.
        """
        if self.is_shared:
            return []
        came = [f"+ {line}" for line in _outermost(self.residue - before.residue)]
        settings = [
            f"{name}: {value} (was {before.sysctls[name]})"
            for name, value in self.sysctls.items()
            if before.sysctls.get(name, value) != value and not before.is_shared
        ]
        return came + settings


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """The names, ids and addresses of one product's cluster, which nothing else has."""

    words: frozenset[str]
    ports: frozenset[int]
    product: Product

    def left(self) -> list[str]:
        """Return every line about the machine that still mentions one of them."""
        kinds: dict[str, Iterator[str]] = {
            "containers": _containers(),
            "interfaces": _ip("address"),
            "routes": _ip("route", "show", "table", "all"),
            "routing rules": _ip("rule"),
            "mounts": _mounts(),
            "cgroups": _cgroups(),
            "iptables": iter(_lines(["iptables-save"])),
            "ip6tables": iter(_lines(["ip6tables-save"])),
            "ipsets": iter(_lines(["ipset", "list"])),
            "places": _places(),
            str(_USERS_KUBECONFIG): iter((_read(_USERS_KUBECONFIG) or "").splitlines()),
        }
        mentions = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in sorted(self.words)) or r"(?!)")
        found = [
            f"{kind}: {line}" for kind, lines in kinds.items() for line in lines if mentions.search(line)
        ]
        found += [f"listener: {line}" for line in _listeners() if int(line.rpartition(":")[2]) in self.ports]
        found += [f"process: {pid} {name}" for pid, name in left_running(str(self.product.state)).items()]
        return found


def look() -> Machine:
    """Look at what every Podman leaves behind, and at the settings, as they are now."""
    residue = [
        *(f"cgroup {path}" for path in _cgroups() if _PARENT in path),
        *(f"rule {rule}" for table in ("iptables", "ip6tables") for rule in _lines([f"{table}-save"])),
        *(f"mount {mount}" for mount in _mounts()),
        *(f"place {place}" for place in _places()),
        *(f"place {place}" for place in _USERS if place.exists()),
    ]
    ours = (_PARENT, _CHAIN, str(cache.home() / "containers"), *map(str, (*_PLACES, *_USERS)))
    settings = {name: _read(_PROC / "sys" / name) for name in SYSCTLS}
    return Machine(
        residue=frozenset(_without_counters(line) for line in residue if any(each in line for each in ours)),
        sysctls={name: value for name, value in settings.items() if value is not None},
        is_shared=any(_INTERFACES.glob("podman*")),
    )


def belongings(product: Product) -> Belongings:
    """Collect what tells the traces of the product's cluster; it must be running.

    Raises:
        AssertionError: when it has no nodes.
    """
    nodes = product.nodes()
    assert nodes, f"{product.cluster} has no nodes to learn from"
    words = {product.cluster, *nodes}
    for node in json.loads(product.engine("inspect", *nodes)):
        words |= {node["Id"], node["Id"][:12]}
        for network in node["NetworkSettings"]["Networks"].values():
            words |= {network[key] for key in ("IPAddress", "MacAddress") if network.get(key)}
    return Belongings(
        words=frozenset(words), ports=frozenset({product.port, product.encrypted_port}), product=product
    )


def wait_until_nothing_is_left(look_again: Callable[[], list[str]]) -> None:
    """Ask until there is no trace: unmounting and the end of a namespace's last process take a moment.

    Raises:
        AssertionError: with the traces, when some are still there after 20 s.
    """
    left: list[str] = []

    def nothing() -> bool:
        left[:] = look_again()
        return not left

    try:
        until(nothing, what="every trace of the cluster to go", within=20)
    except AssertionError as problem:
        raise AssertionError("\n".join([str(problem), *left])) from None


def left_running(marker: str) -> dict[int, str]:
    """Return the processes with this text in their environment, by id; neither this one nor dead ones."""
    found = {}
    for folder in _PROC.glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if marker.encode() in environment and int(folder.name) != os.getpid():
            found[int(folder.name)] = command[:150]
    return found


def listening_addresses(port: int) -> set[str]:
    """Return the addresses of this machine on which something waits for connections to the port."""
    return {line.rsplit(":", 1)[0] for line in _listeners() if line.rsplit(":", 1)[1] == str(port)}


def why_not() -> str | None:
    """Return why no local cluster can be made here; None when it can, or when only trying will tell."""
    if os.geteuid() == 0 and (shutil.which("podman") or shutil.which("apt-get")):
        return None
    if any(_lines([engine, "info"]) for engine in ("docker", "podman")):
        return None
    return (
        f"no Docker or Podman answers, and this is user {os.geteuid()}"
        f"{' without apt-get' if os.geteuid() == 0 else ', not root'}, so Debian's Podman cannot be set up"
    )


def _outermost(lines: frozenset[str]) -> list[str]:
    """Return them in order, and of folders only those whose parent is not among them."""
    return sorted(line for line in lines if line.rpartition("/")[0] not in lines)


def _without_counters(line: str) -> str:
    return re.sub(r"\s*\[\d+:\d+\]", "", line)


def _lines(command: list[str]) -> list[str]:
    if shutil.which(command[0]) is None:
        return []
    done = run(command, environment=os.environ)
    return done.out.splitlines() if done.code == 0 else []


def _containers() -> Iterator[str]:
    """Yield containers, running or not: Podman's from its store, since Podman itself leaves traces."""
    yield from _lines(["docker", "ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"])
    known = cache.home() / "containers" / "overlay-containers" / "containers.json"
    if known.exists():
        for container in json.loads(known.read_text(encoding="utf-8")):
            yield f"{container['id']} {', '.join(container.get('names') or [])}"


def _ip(*question: str) -> Iterator[str]:
    yield from _lines(["ip", "-oneline", *question])


def _mounts() -> Iterator[str]:
    for line in (_PROC / "self/mountinfo").read_text(encoding="utf-8").splitlines():
        yield line.partition(" - ")[0].split()[4]


def _cgroups() -> Iterator[str]:
    for folder, _, _ in os.walk(_CGROUPS):
        yield folder


def _listeners() -> Iterator[str]:
    """Yield `address:port` of every TCP port that is listened on."""
    for version in ("tcp", "tcp6"):
        for line in (_PROC / "net" / version).read_text(encoding="utf-8").splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, port = local.split(":")
            if state == "0A":
                yield f"{_address(address)}:{int(port, 16)}"


def _address(digits: str) -> str:
    """Return an address as the kernel prints it: little-endian words in hexadecimal."""
    octets = bytes.fromhex(digits)
    words = [octets[index : index + 4][::-1] for index in range(0, len(octets), 4)]
    if len(words) == 1:
        return ".".join(map(str, words[0]))
    return b"".join(words).hex(":", 2)


def _places() -> Iterator[str]:
    for place in _PLACES:
        if place.exists():
            yield str(place)
            yield from (str(child) for child in place.iterdir())


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
