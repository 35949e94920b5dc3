"""Helm: the same manifests as a chart without values; its release is recorded elsewhere."""

import json
from pathlib import Path

from tools.bench import manifests
from tools.bench.kubectl import CHANGED
from tools.bench.place import Place
from tools.toolchain import golang, pins, process
from tools.toolchain.console import Step

_RELEASES = "default"
_CHART = {"apiVersion": "v2", "name": "feastflow", "version": "0.1.0"}
# What stands in braces is the manifests' own, and none of Helm's.
_BRACES = str.maketrans({"{": '{{ "{" }}', "}": '{{ "}" }}'})


class Helm:
    """`helm install --wait`, `helm upgrade --wait`."""

    name = "helm"
    what = "helm install --wait"

    def __init__(self, program: Path) -> None:
        """Take the program that was compiled."""
        self._program = program

    def prepare(self, place: Place, folder: Path) -> None:
        """Write two charts, the second with the changed value; delete what an earlier run left."""
        for name, value in (("first", None), ("changed", CHANGED)):
            templates = manifests.write(place, folder / name / "templates", value)
            for path in templates.iterdir():
                path.write_text(path.read_text(encoding="utf-8").translate(_BRACES), encoding="utf-8")
            (folder / name / "Chart.yaml").write_text(json.dumps(_CHART), encoding="utf-8")
        forget(place)

    def install(self, place: Place, folder: Path) -> None:
        """Run `helm install`."""
        self._run(place, "install", place.namespace, str(folder / "first"), "--wait", "--timeout", "400s")

    def again(self, place: Place, folder: Path) -> None:
        """Run `helm upgrade` with the same chart."""
        self._upgrade(place, folder / "first", "--wait")

    def preview(self, place: Place, folder: Path) -> None:
        """Run `helm upgrade --dry-run=server`: what would be sent, since it shows no difference."""
        self._upgrade(place, folder / "first", "--dry-run=server")

    def change(self, place: Place, folder: Path) -> None:
        """Run `helm upgrade` with the changed chart."""
        self._upgrade(place, folder / "changed", "--wait")

    def _upgrade(self, place: Place, chart: Path, *flags: str) -> None:
        self._run(place, "upgrade", place.namespace, str(chart), "--timeout", "400s", *flags)

    def _run(self, place: Place, *arguments: str) -> None:
        command = [str(self._program), "--kubeconfig", str(place.cluster.kubeconfig)]
        process.output([*command, "--namespace", _RELEASES, *arguments], timeout=420)


def program(step: Step) -> Path:
    """Return Helm, compiled now when it is not in the cache."""
    return golang.binaries(pins.HELM_BUILD, step) / "helm"


def forget(place: Place) -> None:
    """Remove what Helm recorded of a release whose objects are gone."""
    selector = f"owner=helm,name={place.namespace}"
    place.kubectl("--namespace", _RELEASES, "delete", "secrets", "--selector", selector, "--ignore-not-found")
