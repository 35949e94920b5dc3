"""The add-ons of the cluster: upstream's manifests, configured by a kustomization each."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.toolchain import cache, golang, pins, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.golang import Build
from tools.toolchain.kubectl import Kubectl

_ADDONS = Path(__file__).parent / "addons"

# add-on → (the build that pins upstream's module, that module, the folder or file in it)
_UPSTREAM: Mapping[str, tuple[Build, str, str]] = {
    "kube-router": (
        pins.NODE_BUILD,
        "github.com/cloudnativelabs/kube-router/v2",
        "daemonset/kubeadm-kuberouter.yaml",
    ),
    "metrics-server": (pins.NODE_BUILD, "sigs.k8s.io/metrics-server", "manifests"),
    "local-path": (
        pins.STORAGE_BUILD,
        "github.com/rancher/local-path-provisioner",
        "deploy/local-path-storage.yaml",
    ),
    "traefik": (
        pins.TRAEFIK_BUILD,
        "github.com/traefik/traefik/v3",
        "docs/content/reference/dynamic-configuration",
    ),
    "gateway-api": (pins.TRAEFIK_BUILD, "sigs.k8s.io/gateway-api", "config/crd"),
    "cloudnative-pg": (
        pins.OPERATOR_BUILD,
        "github.com/cloudnative-pg/cloudnative-pg",
        f"releases/cnpg-{pins.CLOUDNATIVE_PG}.yaml",
    ),
}
# What came with the cluster, and is changed in a few fields.
_CHANGED = ("coredns",)
_SECONDS = 180
_STORAGE = "local-path"
_DEFINITION, _DEFINED = "CustomResourceDefinition", "GatewayClass"
# In this order: the pod network is never kept waiting by the definitions, which are large.
DEFINITIONS_PART = "definitions"
_PARTS: Mapping[str, Callable[[str], bool]] = {
    "addons": lambda kind: kind not in (_DEFINITION, _DEFINED),
    DEFINITIONS_PART: lambda kind: kind == _DEFINITION,
    "defined": lambda kind: kind == _DEFINED,
}
# What is applied only where a stack needs it; its definitions are everywhere.
_OPERATOR, OPERATOR_PART = "cloudnative-pg", "operator"
# What an API server without nodes can be given: the kinds alone.
KINDS = (DEFINITIONS_PART, "defined")
# A namespace and what in it has a rollout, or `apiservice/…` that must be Available.
Workload = tuple[str, str]
# What pods need to start, to find each other, to store and to be reached; and what only autoscalers ask.
ESSENTIAL: tuple[Workload, ...] = (
    ("kube-system", "daemonset/kube-router"),
    ("kube-system", "deployment/coredns"),
    ("local-path-storage", "deployment/local-path-provisioner"),
    ("traefik", "deployment/traefik"),
)
# What stacks with a replicated database need besides.
OPERATOR: tuple[Workload, ...] = (("cnpg-system", "deployment/cnpg-controller-manager"),)
LATER: tuple[Workload, ...] = (
    ("kube-system", "deployment/metrics-server"),
    # A server that runs is not yet one that the API server can ask.
    ("kube-system", "apiservice/v1beta1.metrics.k8s.io"),
)


def storage(kubectl: Path) -> Path:
    """Return the default StorageClass's manifest, for the node image: kind applies the one it finds there."""
    return _rendered(kubectl) / "storage.yaml"


def upstream(addon: str) -> Path:
    """Return upstream's manifests of an add-on, a file or a folder, as the pinned module has them."""
    build, module, path = _UPSTREAM[addon]
    return golang.source(build.module, module) / path


def digest() -> str:
    """Return a hash of everything the manifests are made from."""
    modules = (build.module for build, _, _ in _UPSTREAM.values())
    return cache.key(
        _ADDONS,
        *(golang.MODULES / module / "go.mod" for module in sorted(set(modules))),
        repr(_UPSTREAM),
        repr([*_PARTS, OPERATOR_PART]),
    )


def _rendered(kubectl: Path) -> Path:
    return cache.entry("addons", digest(), lambda folder: _render(kubectl, folder))


def _render(kubectl: Path, folder: Path) -> None:
    texts = {}
    with tempfile.TemporaryDirectory() as scratch:
        for addon in (*_UPSTREAM, *_CHANGED):
            place = Path(scratch) / addon
            shutil.copytree(_ADDONS / addon, place)
            if addon in _UPSTREAM:
                _copy_upstream(addon, place / "upstream")
            texts[addon] = process.output([str(kubectl), "kustomize", str(place)])
    (folder / "storage.yaml").write_text(texts.pop(_STORAGE), encoding="utf-8")
    things = [thing for text in texts.values() for thing in text.split("\n---\n")]
    later = {thing for thing in texts[_OPERATOR].split("\n---\n") if _PARTS["addons"](_kind(thing))}
    parts = {
        name: [thing for thing in things if chosen(_kind(thing)) and thing not in later]
        for name, chosen in _PARTS.items()
    }
    for name, part in {**parts, OPERATOR_PART: [thing for thing in things if thing in later]}.items():
        (folder / f"{name}.yaml").write_text("\n---\n".join(part), encoding="utf-8")


def _copy_upstream(addon: str, place: Path) -> None:
    origin = upstream(addon)
    if origin.is_dir():
        shutil.copytree(origin, place)
    else:
        place.mkdir()
        shutil.copyfile(origin, place / origin.name)


def _kind(thing: str) -> str:
    return thing.partition("\nkind: ")[2].partition("\n")[0]


def apply(kubectl: Kubectl, parts: Sequence[str] = tuple(_PARTS)) -> None:
    """Apply the add-ons; storage came with the nodes. Changes nothing where nothing differs."""
    rendered = _rendered(kubectl.program)
    for part in parts:
        manifest = str(rendered / f"{part}.yaml")
        kubectl.output("apply", "--server-side", "--force-conflicts", "-f", manifest, timeout=120)
        if part == DEFINITIONS_PART:
            # An object of a kind that is not served yet would be refused.
            kubectl.output("wait", "--for=condition=Established", "-f", manifest, "--timeout=60s", timeout=70)


def wait(kubectl: Kubectl, workloads: Sequence[Workload], step: Step) -> None:
    """Wait until every node is Ready and these workloads are available."""
    step.note("waiting for the nodes")
    conditions = [["wait", "--for=condition=Ready", "nodes", "--all", f"--timeout={_SECONDS}s"]]
    for namespace, workload in workloads:
        how = (
            ["rollout", "status"] if "apiservice/" not in workload else ["wait", "--for=condition=Available"]
        )
        conditions.append(["-n", namespace, *how, workload, f"--timeout={_SECONDS}s"])
    for condition in conditions:
        step.note(f"waiting for {condition[-2].split('/')[-1].strip('-')}")
        try:
            kubectl.output(*condition, timeout=_SECONDS + 20)
        except process.CommandError as failure:
            raise UserError(
                f"an add-on of the cluster is not available: {failure}",
                "without it the cluster has no pod network, storage, metrics or edge",
                f"look: {kubectl} get pods -A; or start afresh: make down up",
            ) from failure
