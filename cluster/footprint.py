"""What the own Podman leaves on a machine after its last container, and taking that away.

Podman removes containers; netavark keeps its chains, the storage keeps a mount, runc's parents keep their control
groups, and forwarding stays switched on. What was there before the first cluster is written down, and only the
rest is erased, so that a Podman of the user's own keeps what is its.
"""

import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from cluster.engine import Engine
from toolchain import cache, process

_RUNTIME = Path("/run/feastflow")
_CGROUPS = Path("/sys/fs/cgroup")
_SYSCTLS = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/default/forwarding")
_TABLES = ("iptables", "ip6tables")
# kind mounts it into every node; a machine whose kernel has no modules need not have it.
_MODULES = Path("/lib/modules")


def record() -> None:
    """Write down what is there before the first node, unless that has been done and not been erased since."""
    path = _path()
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {
        "rules": {table: _rules(table) for table in _TABLES},
        "sysctls": _sysctls(),
        "modules": _MODULES.exists(),
    }
    path.write_text(json.dumps(known), encoding="utf-8")
    _MODULES.mkdir(exist_ok=True)


def erase(engine: Engine) -> None:
    """Remove networks, mounts, control groups and packet filter rules of the own Podman; it has no containers."""
    for network in engine.run("network", "ls", "--quiet").split():
        if network != "podman":
            process.answers([engine.command, "network", "rm", "--force", network], env=engine.environment)
    engine.run("volume", "prune", "--force")
    known = _known()
    for table in _TABLES:
        _restore_rules(table, known["rules"].get(table, []))
    for name, value in known["sysctls"].items():
        with contextlib.suppress(OSError):
            (Path("/proc/sys") / name).write_text(value, encoding="utf-8")
    if not known["modules"]:
        with contextlib.suppress(OSError):
            _MODULES.rmdir()
    _unmount()
    _remove_cgroups()
    shutil.rmtree(_RUNTIME, ignore_errors=True)
    _path().unlink(missing_ok=True)


def _restore_rules(table: str, before: list[str]) -> None:
    """Delete rules and chains that were not there before, and are netavark's or kind's own network's."""
    added = [rule for rule in _rules(table) if rule not in before and "NETAVARK" in rule]
    for rule in sorted(added, key=lambda text: " -N " in text):
        kind, *words = rule.split(" ", 1)[1].split()
        if kind == "-A":
            _quietly(table, "-t", rule.split(" ", 1)[0], "-D", *words)
    chains = [(rule.split(" ", 1)[0], rule.split()[2]) for rule in added if rule.split()[1] == "-N"]
    for action in ("-F", "-X"):
        for name, chain in chains:
            _quietly(table, "-t", name, action, chain)


def _rules(table: str) -> list[str]:
    """Every rule and chain as `table -A chain …` or `table -N chain`."""
    found: list[str] = []
    if shutil.which(table) is None:
        return found
    for name in ("filter", "nat", "mangle"):
        with contextlib.suppress(process.CommandError):
            for line in process.output([table, "-t", name, "-S"]).splitlines():
                if line.startswith(("-A", "-N")):
                    found.append(f"{name} {line}")
    return found


def _quietly(*command: str) -> None:
    subprocess.run(command, check=False, capture_output=True)


def _sysctls() -> dict[str, str]:
    values = {}
    for name in _SYSCTLS:
        with contextlib.suppress(OSError):
            values[name] = (Path("/proc/sys") / name).read_text(encoding="utf-8").strip()
    return values


def _unmount() -> None:
    """The storage mounts itself privately, and a node that was killed leaves mounts inside it."""
    ours = (str(cache.home() / "containers"), str(_RUNTIME))
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    for mount in sorted(mounts, key=len, reverse=True):
        if mount.startswith(ours):
            _quietly("umount", "--lazy", mount)


def _remove_cgroups() -> None:
    """Podman's parent groups with what systemd and the kubelet made in them; a group in use stays by itself."""
    for parent in sorted(_CGROUPS.glob("*/libpod_parent")) + sorted(_CGROUPS.glob("libpod_parent")):
        for group in sorted(parent.rglob("*"), key=lambda path: len(path.parts), reverse=True):
            if group.is_dir():
                with contextlib.suppress(OSError):
                    group.rmdir()
        with contextlib.suppress(OSError):
            parent.rmdir()


def _known() -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"rules": {}, "sysctls": {}, "modules": True}
    return known


def _path() -> Path:
    return cache.state_home() / "engine" / "before.json"
