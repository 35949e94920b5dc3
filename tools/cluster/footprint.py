"""The footprint that the own Podman leaves on a machine after its last container, and its removal.

Podman removes containers; netavark keeps its chains, the storage keeps a mount, runc's parents keep their
control groups, and forwarding stays switched on. What was there before the first cluster is written down, and
only the rest is erased, so that a Podman of the user's own keeps what is its.
"""

import contextlib
import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.cluster import resolver
from tools.cluster.engine import Engine, runtime
from tools.toolchain import cache, private, process

_CGROUPS = Path("/sys/fs/cgroup")
# netavark switches forwarding on; the kubelet, privileged in its node, sets the others for the whole kernel.
SYSCTLS = (
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/conf/default/forwarding",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "vm/overcommit_memory",
)
# The first network namespace with a name mounts this folder over itself.
_NAMESPACES = Path("/run/netns")
_INTERFACES = Path("/sys/class/net")
_TABLES = ("iptables", "ip6tables")
# kind mounts it into every node; a machine whose kernel has no modules need not have it.
_MODULES = Path("/lib/modules")


def record() -> None:
    """Write down what is there before the first node, unless that has been done and not been erased since."""
    path = _path()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        known = {
            "rules": {table: _rules(table) for table in _TABLES},
            "sysctls": _sysctls(),
            "modules": _MODULES.exists(),
            "namespaces": _is_mounted(_NAMESPACES),
            "namespaces_folder": _NAMESPACES.exists(),
        }
        private.write(path, json.dumps(known))
    _MODULES.mkdir(exist_ok=True)


def erase(engine: Engine) -> None:
    """Remove what the own, now empty, Podman left: networks, resolver, mounts, control groups, rules."""
    networks = [name for name in engine.run("network", "ls", "--quiet").split() if name != "podman"]
    for network in networks:
        _remove_network(engine, network)
    resolver.end(engine, networks)
    known = _known()
    if known:
        _restore(known)
    _unmount()
    _remove_cgroups()
    # Podman's own register, which insists on what it wrote first, and its volumes; images stay.
    for folder in ("libpod", "volumes"):
        shutil.rmtree(cache.home() / "containers" / folder, ignore_errors=True)
    shutil.rmtree(runtime(), ignore_errors=True)
    with contextlib.suppress(OSError):
        runtime().parent.rmdir()


def _remove_network(engine: Engine, network: str) -> None:
    """Remove the network with the bridge that netavark leaves where containers were killed with it."""
    bridge = engine.run("network", "inspect", "--format", "{{.NetworkInterface}}", network).strip()
    process.answers([engine.command, "network", "rm", "--force", network], env=engine.environment)
    if bridge:
        _quietly("ip", "link", "delete", bridge, "type", "bridge")


def _restore(known: Mapping[str, Any]) -> None:
    # Another Podman's containers, started since, live by the same chains and switches.
    if not any(_INTERFACES.glob("podman*")):
        for table in _TABLES:
            for arguments in removals(known["rules"].get(table, []), _rules(table)):
                _quietly(table, *arguments)
        for name, value in known["sysctls"].items():
            with contextlib.suppress(OSError):
                (Path("/proc/sys") / name).write_text(value, encoding="utf-8")
    if not known["modules"]:
        with contextlib.suppress(OSError):
            _MODULES.rmdir()
    if not known["namespaces"] and not any(_NAMESPACES.glob("*")):
        _quietly("umount", str(_NAMESPACES))
    if not known.get("namespaces_folder", True):
        # Only an empty one goes: another program may have named a network namespace since.
        with contextlib.suppress(OSError):
            _NAMESPACES.rmdir()


def removals(before: list[str], now: list[str]) -> list[list[str]]:
    """Return the packet filter's commands, in order, that delete what netavark has added since `before`.

    Rules go first, since a chain that is referred to cannot be deleted. Both are as `_rules` writes them.
    """
    added = [shlex.split(rule) for rule in now if rule not in before and "NETAVARK" in rule]
    chains = [(table, words[0]) for table, kind, *words in added if kind == "-N"]
    return [
        *(["-t", table, "-D", *words] for table, kind, *words in added if kind == "-A"),
        *(["-t", table, action, chain] for action in ("-F", "-X") for table, chain in chains),
    ]


def _rules(table: str) -> list[str]:
    """Return every rule and chain as `table -A chain …` or `table -N chain`."""
    found: list[str] = []
    if shutil.which(table) is None:
        return found
    for name in ("filter", "nat", "mangle"):
        with contextlib.suppress(process.CommandError):
            lines = process.output([table, "-t", name, "-S"]).splitlines()
            found += [f"{name} {line}" for line in lines if line.startswith(("-A", "-N"))]
    return found


def _quietly(*command: str) -> None:
    subprocess.run(command, check=False, capture_output=True)


def _sysctls() -> dict[str, str]:
    values = {}
    for name in SYSCTLS:
        with contextlib.suppress(OSError):
            values[name] = (Path("/proc/sys") / name).read_text(encoding="utf-8").strip()
    return values


def _is_mounted(path: Path) -> bool:
    """Return whether it is mounted, also over itself, which `Path.is_mount` cannot tell."""
    return str(path) in _mounts()


def _unmount() -> None:
    """Unmount the storage, which mounts itself privately, and what a killed node left mounted inside it."""
    for mount in sorted(_mounts(), key=len, reverse=True):
        if any(Path(mount).is_relative_to(ours) for ours in (cache.home() / "containers", runtime())):
            _quietly("umount", "--lazy", mount)


def _mounts() -> list[str]:
    return [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]


def _remove_cgroups() -> None:
    """Remove Podman's parent groups with what systemd and the kubelet made in them; a group in use stays."""
    for parent in sorted(_CGROUPS.glob("*/libpod_parent")) + sorted(_CGROUPS.glob("libpod_parent")):
        for group in sorted(parent.rglob("*"), key=lambda path: len(path.parts), reverse=True):
            if group.is_dir():
                with contextlib.suppress(OSError):
                    group.rmdir()
        with contextlib.suppress(OSError):
            parent.rmdir()


def _known() -> dict[str, Any]:
    """Return what was written down; without it no owner is known, and nothing is deleted."""
    try:
        known: dict[str, Any] = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known


def _path() -> Path:
    """Return a path that a reboot deletes, as it does most of what is written down."""
    return runtime() / "before.json"
