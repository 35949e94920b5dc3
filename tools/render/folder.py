"""The folder of a rendering: replaced whole, and never one that holds anything else."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.render.files import HEADER
from tools.toolchain.errors import UserError


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Have exactly these files in the folder.

    They are written next to it and renamed into place. A process that is killed between the two renames
    leaves no folder; the next one writes it again.

    Raises:
        UserError: when the folder holds anything that no rendering wrote.
    """
    _check(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft, former = (folder.with_name(f".{folder.name}.{word}.{os.getpid()}") for word in ("draft", "former"))
    for stale in (draft, former):
        shutil.rmtree(stale, ignore_errors=True)
    draft.mkdir()
    for name, text in texts.items():
        (draft / name).write_text(text, encoding="utf-8")
    if folder.exists():
        folder.rename(former)
    draft.rename(folder)
    shutil.rmtree(former, ignore_errors=True)


def _check(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        strange = [folder.name]
    else:
        strange = sorted(path.name for path in folder.glob("*") if not _ours(path))
    if strange:
        raise UserError(
            f"{folder} holds what no rendering wrote: {', '.join(strange[:5])}",
            "the folder is replaced whole, and that would be gone",
            "name a folder for the manifests alone: make render OUT=build/manifests/dev",
        )


def _ours(path: Path) -> bool:
    return path.suffix == ".yaml" and path.is_file() and path.read_bytes().startswith(HEADER.encode())
