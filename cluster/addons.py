"""The add-ons of the cluster: upstream's manifests, configured by a kustomization each."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from toolchain import cache, golang, pins, process
from toolchain.console import Step
from toolchain.golang import Build
from toolchain.refusal import Refusal

_ADDONS = Path(__file__).parent / "addons"

# add-on → (the build that pins upstream's module, that module, the folder or file in it)
_UPSTREAM: Mapping[str, tuple[Build, str, str]] = {
    "kube-router": (pins.NODE_BUILD, "github.com/cloudnativelabs/kube-router/v2", "daemonset/kubeadm-kuberouter.yaml"),
    "metrics-server": (pins.NODE_BUILD, "sigs.k8s.io/metrics-server", "manifests/base"),
    "local-path": (pins.STORAGE_BUILD, "github.com/rancher/local-path-provisioner", "deploy/local-path-storage.yaml"),
    "traefik": (
        pins.TRAEFIK_BUILD,
        "github.com/traefik/traefik/v3",
        "docs/content/reference/dynamic-configuration/kubernetes-crd-rbac.yml",
    ),
}
_WORKLOADS = (
    ("kube-system", "daemonset/kube-router"),
    ("kube-system", "deployment/coredns"),
    ("local-path-storage", "deployment/local-path-provisioner"),
    ("traefik", "deployment/traefik"),
    ("kube-system", "deployment/metrics-server"),
)


def render(kubectl: Path) -> Path:
    """All add-ons as one manifest, kept in the cache under the hash of what went into it."""
    name = cache.key(_ADDONS, golang.MODULES / pins.KIND_BUILD.module / "go.mod", repr(_UPSTREAM))
    return cache.entry("addons", name, lambda folder: _render(kubectl, folder)) / "addons.yaml"


def _render(kubectl: Path, folder: Path) -> None:
    texts = []
    with tempfile.TemporaryDirectory() as scratch:
        for addon, (build, module, path) in _UPSTREAM.items():
            place = Path(scratch) / addon
            shutil.copytree(_ADDONS / addon, place)
            origin = golang.source(build.module, module) / path
            if origin.is_dir():
                shutil.copytree(origin, place / "upstream")
            else:
                (place / "upstream").mkdir()
                shutil.copyfile(origin, place / "upstream" / origin.name)
            texts.append(process.output([str(kubectl), "kustomize", str(place)]))
    (folder / "addons.yaml").write_text("---\n".join(texts), encoding="utf-8")


def apply(kubectl: Path, kubeconfig: Path, step: Step) -> None:
    """Apply all add-ons and wait until each is available."""
    base = [str(kubectl), "--kubeconfig", str(kubeconfig)]
    step.note("applying")
    command = [*base, "apply", "--server-side", "--force-conflicts", "-f", str(render(kubectl))]
    process.output(command, timeout=120)
    for namespace, workload in _WORKLOADS:
        step.note(f"waiting for {workload.split('/')[1]}")
        try:
            process.output(
                [*base, "-n", namespace, "rollout", "status", workload, "--timeout=180s"], timeout=200
            )
        except process.CommandError as failure:
            raise Refusal(
                f"{workload} in {namespace} is not available: {failure.tail}",
                "without it the cluster has no pod network, storage, metrics or edge",
                f"look: kubectl --kubeconfig {kubeconfig} -n {namespace} describe pods; or start afresh: make down up",
            ) from failure
