"""Finished work kept outside the checkout, under the hash of everything that went into it.

An entry is made in a folder of its own and renamed into place, so that there is either all of it or nothing.
A manifest tells a torn entry (a full disk, a lost power supply) from a whole one; a torn one is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_MANIFEST = ".manifest.json"
_LOG_BYTES = 4 * 2**20
_DAY_SECONDS = 24 * 3600
# Locks of this process: one thread of it waits for another without a word.
_held: set[Path] = set()


def home() -> Path:
    """Return the project's cache: `$XDG_CACHE_HOME/feastflow`, by default `~/.cache/feastflow`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "feastflow"


def state_home() -> Path:
    """Return the folder of what cannot be made again: `$XDG_STATE_HOME/feastflow`."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "feastflow"


def key(*parts: str | bytes | Path) -> str:
    """Return sixteen hex digits over texts, and over the names and contents of files and folders."""
    digest = hashlib.sha256()
    for part in parts:
        for chunk in _chunks(part):
            digest.update(len(chunk).to_bytes(8, "big"))
            digest.update(chunk)
    return digest.hexdigest()[:16]


@contextmanager
def draft() -> Iterator[Path]:
    """Yield a folder for what is being made, on the file system of the entries, until the block ends.

    What a run that was cut left there a day ago is deleted as well.
    """
    folder = home() / "drafts"
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        if stale.stat().st_mtime < time.time() - _DAY_SECONDS:
            shutil.rmtree(stale, ignore_errors=True)
    # A thread that is ended with its process may still write there.
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as made:
        yield Path(made)


def log(name: str) -> Path:
    """Return where a long program's output goes; a log that has grown long makes room, one older is kept."""
    path = home() / "logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep other processes of this machine out while the block runs; a dead one's lock is free."""
    path = home() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if path not in _held:
                sys.stderr.write(f"waiting for another command, which works on {name}\n")
            fcntl.flock(handle, fcntl.LOCK_EX)
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)


def locks() -> list[str]:
    """Return the names of all locks there ever were."""
    return sorted(path.stem for path in (home() / "locks").glob("*.lock"))


def is_held(name: str) -> bool:
    """Return whether a process holds the lock now."""
    with (home() / "locks" / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def find(kind: str, name: str) -> Path | None:
    """Return the whole entry, or None when it is missing or torn."""
    path = home() / kind / name
    return path if _whole(path) else None


def entry(kind: str, name: str, make: Callable[[Path], None]) -> Path:
    """Return the entry, made by `make(folder)` when it is missing or torn; other callers wait."""
    path = home() / kind / name
    if _whole(path):
        return path
    with locked(f"{kind}-{name}"):
        if _whole(path):
            return path
        draft = path.with_name(f".{name}.draft")
        for stale in (path, draft):
            shutil.rmtree(stale, ignore_errors=True)
        draft.mkdir(parents=True)
        make(draft)
        _write_manifest(draft)
        draft.rename(path)
    return path


def keep_newest(kind: str, number: int, *used: Path) -> None:
    """Delete entries of this kind but the `number` used last; `used` are those in use now."""
    for path in used:
        os.utime(path)
    entries = [path for path in (home() / kind).iterdir() if not path.name.startswith(".")]
    for path in sorted(entries, key=lambda path: path.stat().st_mtime, reverse=True)[number:]:
        shutil.rmtree(path, ignore_errors=True)


def size(path: Path) -> int:
    """Return the bytes of an entry, as they were written down when it was made."""
    try:
        files = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    return sum(size for size, _, _ in files.values())


def _write_manifest(folder: Path) -> None:
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            files[str(path.relative_to(folder))] = [stat.st_size, stat.st_mtime_ns, _sha256(path)]
    with (folder / _MANIFEST).open("w", encoding="utf-8") as handle:
        json.dump(files, handle)
        handle.flush()
        os.fsync(handle.fileno())


def _whole(folder: Path) -> bool:
    """Return whether every file is as it was; contents are read again only where times of change differ."""
    try:
        files = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        for name, (size, changed, digest) in files.items():
            stat = (folder / name).stat()
            if stat.st_size != size:
                return False
            if stat.st_mtime_ns != changed and _sha256(folder / name) != digest:
                return False
    except (OSError, ValueError):
        return False
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _chunks(part: str | bytes | Path) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
    elif isinstance(part, str):
        yield part.encode()
    elif part.is_dir():
        for path in sorted(part.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(part)).encode()
                yield path.read_bytes()
    else:
        yield part.name.encode()
        yield part.read_bytes()
