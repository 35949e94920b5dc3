"""The floor: `kubectl apply` of the rendered manifests, then `kubectl rollout status` of each workload."""

import contextlib
from pathlib import Path

from tools.bench import manifests
from tools.bench.place import Place
from tools.toolchain import process

CHANGED = "changed"


class Kubectl:
    """`kubectl apply`, `kubectl rollout status`."""

    name = "kubectl"
    what = "kubectl apply, kubectl rollout status"

    def prepare(self, place: Place, folder: Path) -> None:
        """Render both versions."""
        manifests.write(place, folder / "first")
        manifests.write(place, folder / "changed", CHANGED)

    def install(self, place: Place, folder: Path) -> None:
        """Apply, and wait for each workload in turn."""
        self._apply(place, folder / "first")

    def again(self, place: Place, folder: Path) -> None:
        """Apply the same as `install`."""
        self._apply(place, folder / "first")

    def preview(self, place: Place, folder: Path) -> None:
        """Run `kubectl diff`, which ends with 1 where something differs."""
        with contextlib.suppress(process.CommandError):
            place.kubectl("diff", "--filename", str(folder / "first"))

    def change(self, place: Place, folder: Path) -> None:
        """Apply the changed ones."""
        self._apply(place, folder / "changed")

    def _apply(self, place: Place, folder: Path) -> None:
        place.kubectl("apply", "--filename", str(folder))
        for workload in (
            "statefulset/postgres",
            "deployment/feastflow-backend",
            "deployment/feastflow-frontend",
        ):
            place.kubectl(
                "--namespace", place.namespace, "rollout", "status", workload, "--timeout=400s", timeout=420
            )
