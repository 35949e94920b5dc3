"""Servers of the majors that this machine's Debian has not: npm's packages of them, for tests alone."""

import platform
import shutil
import subprocess
from pathlib import Path

MAJORS = (16, 17, 18)
_PACKAGES = Path(__file__).with_name("majors")
# What npm calls a postinstall: libraries' links, which its archives cannot hold.
_LINKS = ("node", "scripts/hydrate-symlinks.js")
_SECONDS = 300


def missing() -> str | None:
    """Return what these servers lack here, None where they run."""
    if platform.machine() != "x86_64":
        return f"the packages are for x86_64, and this is {platform.machine()}"
    if not shutil.which("npm"):
        return "no npm here, by which they come"
    return None


def install(folder: Path) -> None:
    """Install all of them in a folder that every user may read: PostgreSQL does not run as root."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_PACKAGES / name, folder)
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    for major in MAJORS:
        run([*_LINKS], _package(folder, major))


def programs(folder: Path, major: int) -> Path:
    """Return the folder of initdb and postgres of a major that is installed there."""
    return _package(folder, major) / "native" / "bin"


def _package(folder: Path, major: int) -> Path:
    return folder / "node_modules" / f"postgres-{major}"


def run(command: list[str], folder: Path) -> None:
    """Run a tool of a language in a folder; it must succeed."""
    done = subprocess.run(  # noqa: S603 - tools of the languages, with what is locked by its hash
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
