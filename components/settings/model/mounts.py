"""Paths that the settings mount in a pod, and those that are mounted there without them."""

from pydantic_core import PydanticCustomError

from .base import refuse
from .workload import Workload

# The authority of the database, both authorities in one file, the scripts that wait for the database.
PROGRAM = "/etc/feastflow"
FOLDERS = tuple(f"{PROGRAM}/{name}" for name in ("authorities", "database", "scripts"))
# By the kubelet and the container runtime, in every container.
KUBELETS = ("/dev/termination-log", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc", "/sys")


def check(tier: Workload) -> None:
    """Refuse a path that is mounted twice, hides another one, or has to be made inside of a read-only one.

    Raises:
        PydanticCustomError: with the path that is in the way.
    """
    paths = [entry.path for entry in tier.writable]
    for index, path in enumerate(paths):
        for other in (PROGRAM, *KUBELETS):
            if _within(path, other) or _within(other, path):
                raise _refused(path, other, f"writable.{index}.path", "/var/cache/app")
    if tier.ca_bundle is None:
        return
    # A file: nothing can be below it. It may well be in a folder that the pod writes to.
    path = tier.ca_bundle.path
    for other in (*FOLDERS, PROGRAM, *KUBELETS, *paths):
        if _within(other, path) or (_within(path, other) and other in (*FOLDERS, *KUBELETS)):
            raise _refused(path, other, "caBundle.path", f"{PROGRAM}/ca.crt")


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _refused(path: str, other: str, at: str, fix: str) -> PydanticCustomError:
    if path == other:
        why = "something else is mounted there in every pod, and the API server takes one mount of a path"
    elif _within(other, path):
        why = f"{other} is mounted in every pod, and would be hidden or could not be made"
    else:
        why = f"{other} is mounted in every pod, and nothing can be made inside of it"
    return refuse(why, fix, at=at)
