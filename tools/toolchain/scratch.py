"""TMPDIR for Pulumi's processes: private, and removed with the command that started them.

The Kubernetes provider writes the kubeconfig into a temporary file at each run and leaves it there. The
folder of a command that was killed is removed by the next command, unless one of its processes still runs.
"""

import atexit
import fcntl
import functools
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

VARIABLE = "TMPDIR"
PREFIX = "feastflow-pulumi-"
# From its creation until a lock or a process shows that a folder is in use.
_NEW_SECONDS = 60


@functools.cache
def folder() -> Path:
    """Create this command's folder, once; it is removed when the command ends.

    The lock on it is held as long as the command lives, so that nothing else takes it for a dead one's.
    """
    made = Path(tempfile.mkdtemp(prefix=PREFIX))
    held = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    sweep()
    return made


def function(options: str) -> str:
    """Return a shell's function `pulumi` with these options, quoted already.

    Each run has a folder of its own: that of `make shell` is removed before a run begins.
    """
    return f"""\
pulumi() (
  umask 077
  {VARIABLE}="$(mktemp -d "${{{VARIABLE}:-/tmp}}/{PREFIX}XXXXXXXX")" || exit
  trap 'rm -rf "${VARIABLE}"' EXIT
  export {VARIABLE}
  command pulumi {options} "$@"
)"""


def sweep() -> list[Path]:
    """Remove the folders of commands that were killed; returns them."""
    abandoned = [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if _is_abandoned(path)]
    used = set(_used()) if abandoned else set()
    removed = [path for path in abandoned if os.fsencode(path) not in used]
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)
    return removed


def _is_abandoned(path: Path) -> bool:
    """Return whether it is a folder of this user's that no living command holds."""
    with suppress(OSError):
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return False
        if time.time() - found.st_mtime < _NEW_SECONDS:
            return False
        held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(held)
        return True
    return False


def _used() -> Iterator[bytes]:
    """Yield every TMPDIR of a process that runs: Pulumi's plugins outlast a killed command for a while."""
    wanted = f"{VARIABLE}=".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for variable in (process / "environ").read_bytes().split(b"\0"):
                if variable.startswith(wanted):
                    yield variable.removeprefix(wanted)
