"""The record of a cluster between two runs. It is no proof: the cluster may be deleted since."""

import json
import shutil
from pathlib import Path
from typing import Any

from tools.cluster.engine import Engine
from tools.toolchain import cache, private


def home(name: str) -> Path:
    """Return the folder for the cluster's kubeconfig and what else is its own."""
    folder = cache.state_home() / "clusters" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read(name: str) -> dict[str, Any]:
    """Return what was written last; empty when there is nothing, or it was torn."""
    try:
        known = json.loads((home(name) / "cluster.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def write(name: str, known: dict[str, Any]) -> None:
    """Replace what is known, all of it or nothing."""
    private.write(home(name) / "cluster.json", json.dumps(known))


def carrier(name: str) -> Engine | None:
    """Return the engine that an earlier run gave the cluster; None in another version's format."""
    try:
        return Engine(**read(name)["engine"])
    except (KeyError, TypeError):
        return None


def is_unfinished(name: str) -> bool:
    """Return whether a run began to make the cluster and kind, which ends with the kubeconfig, never did."""
    known = read(name)
    return (
        carrier(name) is not None and not known.get("identity") and not (home(name) / "kubeconfig").exists()
    )


def forget(name: str) -> None:
    """Forget a cluster that is deleted, and the ways to reach it."""
    for file in ("cluster.json", "kubeconfig"):
        (home(name) / file).unlink(missing_ok=True)
    # The key of what it held.
    shutil.rmtree(home(name) / "encryption", ignore_errors=True)
