"""Files and folders of this user alone: 0600 and 0700, whatever the umask of the command is.

State holds secrets, if encrypted, and names everything that runs. Not a goal: the caches, whose programs
other users of a container must be able to run.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

FILE, FOLDER = 0o600, 0o700
# For programs that write state themselves.
UMASK = 0o077


def folder(path: Path) -> Path:
    """Return the folder, made with those above it that are missing."""
    for each in reversed((path, *path.parents)):
        if not each.exists():
            each.mkdir(mode=FOLDER, exist_ok=True)
    return path


def write(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace the file in one step, so that there is either the old text or the new one.

    With `durable` the new one is on the disk before it takes the old one's place.
    """
    folder(path.parent)
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE), "w", encoding="utf-8"
    ) as handle:
        handle.write(text)
        if durable:
            handle.flush()
            os.fsync(handle.fileno())
    draft.replace(path)


def link(path: Path, target: Path) -> None:
    """Replace the link in one step: a command that runs now may be about to follow it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(path)


def tidy(root: Path) -> list[Path]:
    """Take what others may do with the folder and all that is in it away; returns what they could reach.

    Earlier versions wrote with the command's umask. Links are not followed: plugins are links into the cache.
    """
    paths = [Path(folder) / name for folder, _, names in os.walk(root) for name in ("", *names)]
    found = [path for path in paths if _is_open(path)]
    for path in found:
        # Another command's file may have gone meanwhile.
        with contextlib.suppress(FileNotFoundError):
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~UMASK)
    return found


def _is_open(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & UMASK)
