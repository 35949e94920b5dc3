"""The caches' use of the disk, from what is written down there: to look at every file takes too long."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tools.toolchain import cache, golang

_GIB = 2**30


def taken() -> dict[str, int]:
    """Return the bytes of each part of the cache; Go's build cache only where it is the project's own."""
    home = cache.home()
    parts = {
        "images": _layers(home / "containers") + _entries("images"),
        "programs": _entries("bin"),
        "Python": sum(map(environment, (home / "venv").glob("*"))),
    }
    if golang.build_cache().is_relative_to(home):
        parts["Go's build cache"] = _two_levels(golang.build_cache())
    return parts


def told(parts: dict[str, int]) -> str:
    """Say in one line what the caches take, the largest part first."""
    largest = sorted(parts.items(), key=lambda part: -part[1])
    named = ", ".join(f"{name} {size / _GIB:.1f}" for name, size in largest if size)
    return f"{sum(parts.values()) / _GIB:.1f} GiB in {cache.home()} ({named})"


def environment(folder: Path) -> int:
    """Return the bytes of a Python environment; they are counted once, and written into its mark."""
    mark = folder / ".complete"
    try:
        return int(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        size = of(folder)
    if mark.exists():
        mark.write_text(str(size), encoding="utf-8")
    return size


def of(folder: Path) -> int:
    """Return the bytes of everything below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _entries(kind: str) -> int:
    return sum(map(cache.size, (cache.home() / kind).glob("*")))


def _layers(store: Path) -> int:
    """Return the bytes of an engine's images, as it counted them; layers that images share count once."""
    try:
        layers = json.loads((store / "overlay-layers" / "layers.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    return sum(max(0, layer.get("diff-size") or 0) for layer in layers)


def _two_levels(folder: Path) -> int:
    """Return the bytes of a folder of folders of files, as Go's build cache is."""
    size = 0
    for place in folder.iterdir() if folder.exists() else ():
        if place.is_dir():
            with os.scandir(place) as files:
                size += sum(file.stat(follow_symlinks=False).st_size for file in files)
    return size
