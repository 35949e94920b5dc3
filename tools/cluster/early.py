"""The add-ons, applied while the workers still join: the control plane answers by then."""

import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tools.cluster import addons, record
from tools.cluster.handle import Cluster
from tools.toolchain import kubectl, process

# How kind begins the step after the control plane's; what it prints on the way is all that it tells.
_JOINING = "Joining worker nodes"


class Addons:
    """The add-ons of a cluster that kind is making. `heard` is given each line that kind prints."""

    def __init__(self, cluster: Cluster) -> None:
        """Name the cluster; nothing is applied yet."""
        self._cluster = cluster
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._work: Future[None] | None = None

    def heard(self, line: str) -> None:
        """Begin to apply them, once, when the line says that the control plane answers."""
        if self._work is None and _JOINING in line:
            self._work = self._pool.submit(_apply, self._cluster)

    def applied(self) -> bool:
        """Wait for the end of it; returns whether all are applied, since what failed can be done again."""
        self._pool.shutdown()
        return self._work is not None and self._work.exception() is None


def _apply(cluster: Cluster) -> None:
    command = [str(cluster.tools / "kind"), "get", "kubeconfig", "--name", cluster.name]
    text = process.output(command, env=cluster.engine.environment)
    # kind writes its own at the end.
    with tempfile.NamedTemporaryFile("w", dir=record.home(cluster.name), encoding="utf-8") as kubeconfig:
        kubeconfig.write(text)
        kubeconfig.flush()
        addons.apply(kubectl.of(cluster.kubectl, kubeconfig=Path(kubeconfig.name)))
