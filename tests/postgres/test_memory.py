"""PostgreSQL's workers share memory in /dev/shm: enough in the pod's, too little in a runtime's own."""

import shutil
import subprocess

import pytest

from components.postgres import standalone
from components.settings.derived import connections
from components.settings.model.workload import resources

from .conftest import Make

# One row a page: the memory that a VACUUM's workers share grows with the pages, here 70 MB of them.
TABLE = (
    "CREATE UNLOGGED TABLE dishes (a int, b int, c char(7000))",
    "ALTER TABLE dishes ALTER c SET STORAGE PLAIN",
    "INSERT INTO dishes SELECT g, g % 7, '' FROM generate_series(1, 42000) g",
    "CREATE INDEX ON dishes (a)",
    "CREATE INDEX ON dishes (b, a)",
    "DELETE FROM dishes WHERE a % 3 = 0",
)
VACUUM = "VACUUM (PARALLEL 2) dishes"
_RUNTIMES_OWN = 64


def may_mount() -> bool:
    """Return True if this user may mount a /dev/shm for one process."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    command = [unshare, "--mount", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - a program of util-linux


@pytest.mark.skipif(not may_mount(), reason="only root may mount a /dev/shm for one process")
def test_a_vacuum_of_a_large_table_has_the_shared_memory_that_follows_the_limit(make: Make) -> None:
    server = make()
    server.settings = server.settings.model_copy(
        update={"resources": resources(cpu=("1", "1"), memory=("2Gi", "2Gi"))}
    )
    server.prepare()
    server.start(shared=_RUNTIMES_OWN)
    for statement in TABLE:
        server.superuser(statement)
    # From 17 on a VACUUM keeps what it found in a tree that takes less: the runtime's own is enough.
    if server.settings.major < 17:
        with pytest.raises(AssertionError, match="could not resize shared memory segment"):
            server.superuser(VACUUM)
    server.stop()
    server.start(shared=standalone.shared_memory(connections.memory(server.settings)))
    server.superuser(VACUUM)
