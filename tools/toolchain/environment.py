"""The Python environment, from the locked requirements: `python3 -m tools.toolchain.environment`.

Uses only the standard library, since it runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.toolchain import cache, console, private, process
from tools.toolchain.errors import UserError

_ROOT = Path(__file__).parents[2]
# Everything for development. A runner that only deploys names requirements.txt: without the tests' packages.
_LOCKS = ("requirements-dev.txt", "requirements.txt")
_LINK = _ROOT / ".venv"
_WANTED = (3, 11)


def ensure(meanwhile: Callable[[], None] = lambda: None) -> Path:
    """Return the virtual environment for this lock, made when it is missing or torn; `.venv` points to it.

    A `.venv` that is a folder of the user's own is left alone and used as it is. `meanwhile` begins what else
    can be done while packages are downloaded.
    """
    if _LINK.is_dir() and not _LINK.is_symlink():
        return _LINK
    folder = of(_ROOT / lock(os.environ), meanwhile)
    if not _LINK.is_symlink() or _LINK.readlink() != folder:
        private.link(_LINK, folder)
    return folder


def lock(environ: Mapping[str, str]) -> str:
    """Return the name of the lock file to install from: REQUIREMENTS, or the one of development.

    Raises:
        UserError: when REQUIREMENTS is none of the project's.
    """
    named = environ.get("REQUIREMENTS") or _LOCKS[0]
    if named not in _LOCKS:
        raise UserError(
            f"REQUIREMENTS is {named!r}",
            "packages are installed from the project's own lock files alone, whose hashes are checked",
            f"set it to one of: {', '.join(_LOCKS)}",
        )
    return named


def of(lock: Path, meanwhile: Callable[[], None] = lambda: None) -> Path:
    """Return an environment with this lock's packages alone, made when it is missing or torn.

    For programs whose packages do not agree with the project's.
    """
    if sys.version_info[:2] < _WANTED:
        raise UserError(
            f"this is Python {sys.version_info.major}.{sys.version_info.minor}",
            "the locked requirements are resolved for Python 3.11 and newer",
            "put python3.11 first on PATH, or name it: make PYTHON=python3.11 …",
        )
    folder = cache.home() / "venv" / name(lock)
    if not (folder / ".complete").exists():
        with console.Step("environment", "installing the locked requirements") as step, cache.locked("venv"):
            if not (folder / ".complete").exists():
                meanwhile()
                _install(lock, folder)
            step.result("Python packages installed, every hash checked")
    return folder


def name(lock: Path) -> str:
    """Return the name under which the environment of this lock and this Python is cached."""
    return cache.key(lock, sys.version, str(Path(sys.base_prefix)), os.uname().machine)


def _install(lock: Path, folder: Path) -> None:
    """Make the environment in place: its scripts hold its path, so it cannot be renamed into place."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        process.output([sys.executable, "-m", "venv", str(folder)])
    except process.CommandError as failure:
        raise UserError(
            f"`python3 -m venv` failed: {failure.tail}",
            "the project's packages are kept apart from the system's",
            "install the module (Debian: apt-get install python3-venv) and run it again",
        ) from failure
    command = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        # Most of it is never imported; the rest is compiled when it is.
        "--no-compile",
    ]
    try:
        process.stream([*command, "--require-hashes", "--no-deps", "-r", str(lock)], timeout=1800)
    except process.CommandError as failure:
        if "HASHES" in failure.tail.upper():
            raise UserError(
                f"a Python package is not what the lock file says it must be\n{failure.tail}",
                "it was changed on the way or on the index; nothing of it was installed",
                f"try another network; if it comes back, find out before you touch {lock.name}",
            ) from failure
        raise UserError(
            f"pip could not install the locked requirements\n{failure.tail}",
            "the program and its tests need them",
            "check the network and pip's configuration, and run it again",
        ) from failure
    # The packages reach the disk before the word that they are whole: a power failure keeps this order.
    os.sync()
    (folder / ".complete").touch()


def _compile() -> None:
    """Begin to compile what `make up` needs first. It goes on from there, since this process ends sooner."""
    # An older Python must come as far as the message that says so.
    from tools.toolchain import golang, pins  # noqa: PLC0415

    # Without Go or room there may be official tools.
    with contextlib.suppress(UserError):
        golang.check(pins.KIND_BUILD)
        golang.ahead(pins.KIND_BUILD)


def main() -> None:
    """Have the environment ready; `up` says that a cluster is wanted next."""
    ensure(_compile if sys.argv[1:] == ["up"] else lambda: None)


if __name__ == "__main__":
    console.run(main)
