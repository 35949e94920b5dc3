"""What a machine looks like from outside: everything that a local cluster could leave behind on it.

Two looks are compared by what came and what went. Caches are left out: they are meant to stay.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .running import run

_CGROUPS = Path("/sys/fs/cgroup")
_SYSCTLS = Path("/proc/sys")
# Counters and random numbers of the kernel; settings that belong to a network interface go with it.
_VOLATILE = re.compile(
    r"fs/(dentry-state|file-nr|inode-nr|inode-state|aio-nr|quota/.*)|kernel/(ns_last_pid|random/.*|pty/nr)"
    r"|net/netfilter/nf_conntrack_count|net/ipv[46]/(conf|neigh)/(?!all/|default/).*"
)
# Nobody can take a cgroup away whose processes run: one that went was its owner's, who has ended meanwhile.
_OTHERS_MAY_TAKE = {"cgroups"}
# Where Podman, Docker, kind, kubectl, Pulumi and this project put what is not in the caches.
_PLACES = (
    "/run/feastflow",
    "/run/netns",
    "/run/runc",
    "/run/crun",
    "/var/lib/kubelet",
    "/lib/modules",
    "~/.kube/config",
    "~/.docker",
    "~/.pulumi",
    "~/.local/share/containers",
    "~/.config/containers",
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One look. Each kind of trace is a set of lines that say what there is."""

    traces: Mapping[str, frozenset[str]]

    def changes_since(self, before: "Machine") -> list[str]:
        """`kind: + line` for what came, `kind: - line` for what went."""
        found = []
        for kind, lines in self.traces.items():
            found += [f"{kind}: + {line}" for line in _outermost(lines - before.traces[kind])]
            if kind not in _OTHERS_MAY_TAKE:
                found += [f"{kind}: - {line}" for line in _outermost(before.traces[kind] - lines)]
        return found


def look(marker: str) -> Machine:
    """The machine as it is now; `marker` is a text in the environment of all that the suite starts."""
    kinds = {
        "containers": _containers(),
        "interfaces": _ip("address"),
        "routes": _ip("route", "show", "table", "all"),
        "routing rules": _ip("rule"),
        "network namespaces": _lines(["ip", "netns", "list"]),
        "mounts": _mounts(),
        "cgroups": _cgroups(),
        "iptables": _rules("iptables-save"),
        "ip6tables": _rules("ip6tables-save"),
        "ipsets": _lines(["ipset", "list", "-name"]),
        "sysctls": _sysctls(),
        "listeners": _listeners(),
        "places": _places(),
        "processes": (f"{pid}: {name}" for pid, name in left_running(marker).items()),
    }
    return Machine(traces={kind: frozenset(lines) for kind, lines in kinds.items()})


def left_running(marker: str) -> dict[int, str]:
    """Processes with this text in their environment, by id; neither this one nor dead ones."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if marker.encode() in environment and int(folder.name) != os.getpid():
            found[int(folder.name)] = command[:150]
    return found


def listening_addresses(port: int) -> set[str]:
    """Addresses of this machine on which something waits for connections to the port."""
    return {line.rsplit(":", 1)[0] for line in _listeners() if line.rsplit(":", 1)[1] == str(port)}


def why_not() -> str | None:
    """Why no local cluster can be made here; None when it can, or when only trying will tell."""
    if os.geteuid() == 0 and (shutil.which("podman") or shutil.which("apt-get")):
        return None
    if any(_lines([engine, "info"]) for engine in ("docker", "podman")):
        return None
    return (
        f"no Docker or Podman answers, and this is user {os.geteuid()}"
        f"{' without apt-get' if os.geteuid() == 0 else ', not root'}, so Debian's Podman cannot be set up"
    )


def _outermost(lines: frozenset[str]) -> list[str]:
    """In order, and of folders only those whose parent is not among them."""
    return sorted(line for line in lines if line.rpartition("/")[0] not in lines)


def _lines(command: list[str]) -> list[str]:
    if shutil.which(command[0]) is None:
        return []
    done = run(command, environment=os.environ)
    return done.out.splitlines() if done.code == 0 else []


def _containers() -> Iterator[str]:
    """Running or not. Podman's are read from its stores: asking Podman itself mounts and makes things."""
    for line in _lines(["docker", "ps", "--all", "--format", "{{.Names}}"]):
        yield f"docker: {line}"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    for store in (Path(cache, "feastflow/containers"), Path("/var/lib/containers/storage")):
        known = store / "overlay-containers" / "containers.json"
        if known.exists():
            for container in json.loads(known.read_text(encoding="utf-8")):
                yield f"{store}: {', '.join(container.get('names') or [container['id']])}"


def _ip(*question: str) -> Iterator[str]:
    """Without what counts down or changes by itself."""
    for line in _lines(["ip", "-oneline", *question]):
        yield re.sub(r"^\d+: |\s(valid_lft|preferred_lft|expires) \S+|\\", "", line)


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        yield f"{before.split()[4]} ({after.split()[0]})"


def _cgroups() -> Iterator[str]:
    for folder, _, _ in os.walk(_CGROUPS):
        yield folder


def _rules(command: str) -> Iterator[str]:
    """Rules, own chains and policies other than ACCEPT; a table that is merely there is nothing."""
    table = ""
    for line in _lines([command]):
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            chain, policy, _ = line[1:].split(" ", 2)
            if policy != "ACCEPT":
                yield f"{table} {chain} {policy}"
        elif line.startswith("-"):
            yield f"{table} {line}"


def _sysctls() -> Iterator[str]:
    for folder, _, names in os.walk(_SYSCTLS):
        for name in names:
            path = Path(folder) / name
            key = str(path.relative_to(_SYSCTLS))
            if _VOLATILE.fullmatch(key):
                continue
            try:
                value = path.read_bytes().decode(errors="replace").strip()
            except OSError:
                continue
            yield f"{key} = {value}"


def _listeners() -> Iterator[str]:
    """`address:port` of every TCP port below the ones that the kernel hands out by itself."""
    ephemeral = int((_SYSCTLS / "net/ipv4/ip_local_port_range").read_text(encoding="utf-8").split()[0])
    for version in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{version}").read_text(encoding="utf-8").splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, port = local.split(":")
            if state == "0A" and int(port, 16) < ephemeral:
                yield f"{_address(address)}:{int(port, 16)}"


def _address(digits: str) -> str:
    """An address as the kernel prints it: little-endian words in hexadecimal."""
    octets = bytes.fromhex(digits)
    words = [octets[index : index + 4][::-1] for index in range(0, len(octets), 4)]
    if len(words) == 1:
        return ".".join(map(str, words[0]))
    return b"".join(words).hex(":", 2)


def _places() -> Iterator[str]:
    for place in _PLACES:
        path = Path(place).expanduser()
        if path.is_file():
            stat = path.stat()
            yield json.dumps([place, stat.st_size, stat.st_mtime_ns])
        elif path.exists():
            yield place
            for child in path.iterdir():
                yield str(child)
