"""The data that a server keeps, as its pod's manifest tells: claim, container, directory, variables."""

import json
import posixpath
from collections.abc import Mapping
from typing import Any

Manifest = Mapping[str, Any]

_CLAIM = "persistentVolumeClaim"
# Volumes that hold files of the user's, never PostgreSQL's own.
_CONFIGURATION = ("configMap", "secret", "projected", "downwardAPI")
_IMAGES_USER = "postgres"


def claims(pod: Manifest) -> list[str]:
    """Return the names of the claims among a pod's volumes."""
    return [str(each[_CLAIM]["claimName"]) for each in pod.get("volumes") or [] if each.get(_CLAIM)]


def container(pod: Manifest, claim: str) -> Manifest | None:
    """Return the container that serves what is on the claim: the one that mounts it.

    Of several (a sidecar that makes backups), it is the only one with a PGDATA; None where that is no answer.
    """
    volumes = _volumes(pod, claim)
    mounting = [
        each
        for each in pod["containers"]
        if any(mount["name"] in volumes for mount in each.get("volumeMounts") or [])
    ]
    if len(mounting) > 1:
        mounting = [each for each in mounting if variable(each, "PGDATA") is not None]
    return mounting[0] if len(mounting) == 1 else None


def place(pod: Manifest, mounting: Manifest, claim: str, directory: str | None) -> tuple[str, str]:
    """Return where on the claim a directory of the container is, and a problem in place of that."""
    if not directory:
        return "", "PGDATA has no literal value"
    directory = posixpath.normpath(directory)
    mounts = mounting.get("volumeMounts") or []
    over = [each for each in mounts if _below(directory, each["mountPath"])]
    nearest = max(over, key=lambda each: len(posixpath.normpath(each["mountPath"])), default=None)
    if nearest is None or nearest["name"] not in _volumes(pod, claim):
        return "", f"PGDATA is {json.dumps(directory)}, which is not on the claim {claim}"
    if nearest.get("subPathExpr"):
        return "", f"the claim is mounted by subPathExpr {json.dumps(nearest['subPathExpr'])}"
    elsewhere = {
        each["name"]
        for each in pod.get("volumes") or []
        if not any(each.get(kind) is not None for kind in _CONFIGURATION)
    }
    inside = [
        each["mountPath"]
        for each in mounts
        if each["name"] in elsewhere and _below(each["mountPath"], directory) and each is not nearest
    ]
    if inside:
        return "", f"part of PGDATA is on another volume, at {', '.join(inside)}"
    below = posixpath.relpath(directory, posixpath.normpath(nearest["mountPath"]))
    return posixpath.normpath(posixpath.join(nearest.get("subPath") or "", below)), ""


def variable(of: Manifest, name: str) -> str | None:
    """Return a variable's literal value, empty where it comes from elsewhere, None where it is not named."""
    found = [each for each in of.get("env") or [] if each["name"] == name]
    if not found:
        return "" if of.get("envFrom") else None
    value = str(found[-1].get("value") or "")
    return "" if "$(" in value else value


def declared(mounting: Manifest) -> dict[str, str] | None:
    """Return the owner by database, as the variables of the official image name them; None without these.

    The owner is empty where its value comes from elsewhere. See "Environment Variables" at https://hub.docker.com/_/postgres.
    """
    user, name = variable(mounting, "POSTGRES_USER"), variable(mounting, "POSTGRES_DB")
    database = user if name is None else name
    return {database: _IMAGES_USER if user is None else user} if database else None


def _below(path: str, folder: str) -> bool:
    path, folder = posixpath.normpath(path), posixpath.normpath(folder)
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _volumes(pod: Manifest, claim: str) -> set[str]:
    return {
        each["name"]
        for each in pod.get("volumes") or []
        if each.get(_CLAIM) and each[_CLAIM]["claimName"] == claim
    }
