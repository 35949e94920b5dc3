"""Versions that are pinned twice, and alike: by pip, by Go, by kind's images and by the code."""

import json
import re
from importlib import metadata
from pathlib import Path

import pytest

from tools.cluster import nodeimage, programs
from tools.toolchain import golang, pins
from tools.toolchain.errors import UserError

from .fakes import ROOT, Machine, with_go

_MODULES = sorted(
    {
        build.module
        for build in (
            *pins.ALL_BUILDS,
            *pins.TEST_BUILDS,
            *pins.OBSERVE_BUILDS,
            *pins.STORE_BUILDS,
            *pins.BENCH_BUILDS,
        )
    }
)
# The provider's module has no releases, only commits: this is the one that its release was made from.
_PROVIDER_COMMITS = {"4.25.0": "20260115033456-f47bc2d6f199"}


def _required(module: str) -> dict[str, str]:
    """Return the versions that a go.mod requires, by path; a replaced module has the version of the other."""
    text = (golang.MODULES / module / "go.mod").read_text()
    required = dict(re.findall(r"^(?:\t|require )([\w./-]+) v([\w.+-]+)(?: //.*)?$", text, re.MULTILINE))
    return required | dict(
        re.findall(r"^\t?(?:replace )?([\w./-]+) => [\w./-]+ v([\w.+-]+)$", text, re.MULTILINE)
    )


def _pip(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_python_packages_are_at_the_versions_of_their_plugins_and_no_older_than_the_cli() -> None:
    asked = _pip("requirements.in")
    sdk, cli = ([int(part) for part in version.split(".")] for version in (asked["pulumi"], pins.PULUMI))

    assert sdk[0] == cli[0]
    assert sdk >= cli
    assert asked["pulumi-kubernetes"] == pins.PULUMI_KUBERNETES
    assert asked["pulumi-random"] == pins.PULUMI_RANDOM


@pytest.mark.parametrize(
    ("package", "version"),
    [("pulumi_kubernetes", pins.PULUMI_KUBERNETES), ("pulumi_random", pins.PULUMI_RANDOM)],
)
def test_the_plugin_that_a_python_package_asks_for_is_the_one_compiled(package: str, version: str) -> None:
    installed = metadata.distribution(package.replace("_", "-"))
    plugin = json.loads(Path(str(installed.locate_file(f"{package}/pulumi-plugin.json"))).read_text())

    assert plugin["version"] == version


def test_the_locks_hold_what_was_asked_for_and_every_package_has_a_hash() -> None:
    for asked, lock in (
        ("requirements.in", "requirements.txt"),
        ("requirements-dev.in", "requirements-dev.txt"),
    ):
        locked = _pip(lock)
        assert {name: locked[name] for name in _pip(asked)} == _pip(asked)
        entries = re.split(r"^(?=[\w-]+==)", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
        assert len(entries) == len(locked)
        assert all("--hash=sha256:" in entry for entry in entries)


def test_what_both_locks_hold_is_at_one_version() -> None:
    small, large = _pip("requirements.txt"), _pip("requirements-dev.txt")

    assert small.items() <= large.items()


def test_the_cli_and_its_sdk_are_compiled_at_the_pinned_version() -> None:
    required = _required("pulumi")

    assert required["github.com/pulumi/pulumi/pkg/v3"] == pins.PULUMI
    assert required["github.com/pulumi/pulumi/sdk/v3"] == pins.PULUMI


def test_the_kubernetes_provider_is_compiled_from_the_commit_of_its_release() -> None:
    commit = _PROVIDER_COMMITS[pins.PULUMI_KUBERNETES]

    assert _required("pulumi")["github.com/pulumi/pulumi-kubernetes/provider/v4"] == f"4.0.0-{commit}"


def test_the_random_provider_says_the_pinned_version() -> None:
    text = (golang.MODULES / "pulumi" / "randominfo" / "info.go").read_text()

    assert f'const Version = "{pins.PULUMI_RANDOM}"' in text


def test_kubernetes_and_every_part_of_it_are_compiled_at_the_pinned_version() -> None:
    required = _required("cluster")
    staging = {path: version for path, version in required.items() if path.startswith("k8s.io/")}
    own = {f"k8s.io/{name}" for name in ("gengo/v2", "klog/v2", "kube-openapi", "system-validators", "utils")}

    assert staging["k8s.io/kubernetes"] == pins.KUBERNETES
    assert len(staging) > 20
    parts = {path: version for path, version in staging.items() if path not in {*own, "k8s.io/kubernetes"}}
    assert parts == dict.fromkeys(parts, pins.KUBERNETES.replace("1.", "0.", 1))


def test_kubernetes_says_the_version_that_it_is() -> None:
    for build in (pins.KIND_BUILD, pins.NODE_BUILD):
        minor = build.variables["k8s.io/component-base/version.gitMinor"]
        assert build.variables["k8s.io/component-base/version.gitVersion"] == f"v{pins.KUBERNETES}"
        assert pins.KUBERNETES.split(".")[1] == minor


@pytest.mark.parametrize(
    ("program", "module", "path"),
    [
        ("kube-apiserver", "cluster", "k8s.io/kubernetes"),
        ("etcd", "cluster", "go.etcd.io/etcd/server/v3"),
        ("coredns", "cluster", "github.com/coredns/coredns"),
        ("metrics-server", "cluster", "sigs.k8s.io/metrics-server"),
        ("kube-router", "cluster", "github.com/cloudnativelabs/kube-router/v2"),
        ("local-path-provisioner", "cluster", "github.com/rancher/local-path-provisioner"),
        ("traefik", "traefik", "github.com/traefik/traefik/v3"),
        ("cloudnative-pg", "cloudnative-pg", "github.com/cloudnative-pg/cloudnative-pg"),
    ],
)
def test_an_image_is_named_after_the_version_that_is_in_it(program: str, module: str, path: str) -> None:
    (image,) = (
        known.image for known in (*programs.OF_EVERY_CLUSTER, programs.OPERATOR) if known.name == program
    )
    tag = image.rsplit(":", maxsplit=1)[1].removeprefix("v")

    assert re.split(r"-\d$|-k3s", tag)[0] == re.split(r"-k3s", _required(module)[path])[0]


def test_every_image_that_an_add_on_names_is_one_that_the_nodes_hold() -> None:
    texts = [path.read_text() for path in (ROOT / "tools" / "cluster" / "addons").rglob("*.yaml")]
    named = {image for text in texts for image in re.findall(r"^\s+(?:- )?image: (\S+)$", text, re.MULTILINE)}
    for text in texts:
        for name, renamed, tag in re.findall(
            r"- name: (\S+)\n(?:\s+newName: (\S+)\n)?\s+newTag: (\S+)", text
        ):
            named.add(f"{renamed or name}:{tag}")

    assert len(named) >= 4
    assert named <= {nodeimage._BUSYBOX, *(program.image for program in programs.OF_EVERY_CLUSTER)}


def test_traefik_says_the_version_that_it_is() -> None:
    said = pins.TRAEFIK_BUILD.variables["github.com/traefik/traefik/v3/pkg/version.Version"]

    assert said == _required("traefik")["github.com/traefik/traefik/v3"]


def test_the_store_of_metrics_says_the_version_that_it_is() -> None:
    path = "github.com/VictoriaMetrics/VictoriaMetrics"
    said = pins.VICTORIAMETRICS_BUILD.variables[f"{path}/lib/buildinfo.Version"]

    assert said == f"v{_required('victoriametrics')[path]}"


@pytest.mark.parametrize(
    ("module", "path", "version"),
    [
        ("observe", "github.com/VictoriaMetrics/VictoriaLogs", pins.VICTORIALOGS),
        ("otel-collector", "go.opentelemetry.io/collector/otelcol", pins.OTEL_COLLECTOR),
        ("alertmanager", "github.com/prometheus/alertmanager", pins.ALERTMANAGER),
    ],
)
def test_a_part_of_observability_says_the_version_that_it_is(module: str, path: str, version: str) -> None:
    (build,) = (build for build in pins.OBSERVE_BUILDS if build.module == module)

    assert _required(module)[path] == version
    assert version in {said.removeprefix("v") for said in build.variables.values()}


def test_make_up_and_the_tests_compile_nothing_that_only_observability_needs() -> None:
    others = {*map(repr, pins.ALL_BUILDS), *map(repr, pins.TEST_BUILDS), *map(repr, pins.BENCH_BUILDS)}

    assert not set(map(repr, pins.OBSERVE_BUILDS)) & others


@pytest.mark.parametrize("module", _MODULES)
def test_every_module_has_a_go_sum_with_the_bytes_of_what_it_requires(module: str) -> None:
    folder = golang.MODULES / module
    sums = (folder / "go.sum").read_text()
    text = (folder / "go.mod").read_text()
    local = set(re.findall(r"^\t?(?:replace )?(\S+) => \./", text, re.MULTILINE))
    direct = re.findall(r"^(?:\t|require )(\S+) (v\S+)$", text, re.MULTILINE)
    replaced = dict(re.findall(r"^\t?(?:replace )?(\S+) => (\S+ v\S+)$", text, re.MULTILINE))

    assert direct
    for path, version in direct:
        if path not in local:
            assert f"{replaced.get(path, f'{path} {version}')} h1:" in sums


@pytest.mark.parametrize(
    ("module", "path", "version"),
    [
        ("helm", "helm.sh/helm/v4", pins.HELM),
        ("opentofu", "github.com/opentofu/opentofu", pins.OPENTOFU),
        ("tofu-kubectl", "github.com/gavinbunney/terraform-provider-kubectl", pins.TOFU_KUBECTL),
    ],
)
def test_what_is_measured_against_is_compiled_at_the_version_it_is_named_by(
    module: str, path: str, version: str
) -> None:
    assert _required(module)[path] == version


_TRIMMED = [
    (build.module, folder, path)
    for build in (
        *pins.ALL_BUILDS,
        *pins.TEST_BUILDS,
        *pins.OBSERVE_BUILDS,
        *pins.STORE_BUILDS,
        *pins.BENCH_BUILDS,
    )
    for folder, path in build.trimmed.items()
]


@pytest.mark.parametrize(("module", "folder", "path"), _TRIMMED)
def test_a_trimmed_dependency_is_pinned_at_the_version_that_its_module_asks_for(
    module: str, folder: str, path: str
) -> None:
    text = (golang.MODULES / module / "go.mod").read_text()
    asked = re.search(rf"^(?:\t|require ){re.escape(path)} (v\S+)", text, re.MULTILINE)
    upstream = f"{module}/{folder}/upstream"
    pinned = (golang.MODULES / upstream / "go.mod").read_text()
    replaced = re.search(rf"{re.escape(path)} => (\S+ v\S+)", pinned)

    assert f"\t{path} => ./{folder}\n" in text
    assert asked is not None
    assert f"require {path} {asked[1]}\n" in pinned
    for suffix in (" h1:", "/go.mod h1:"):
        wanted = replaced[1] if replaced else f"{path} {asked[1]}"
        assert f"{wanted}{suffix}" in (golang.MODULES / upstream / "go.sum").read_text()


def test_no_module_is_there_that_nothing_is_built_from() -> None:
    folders = {path.parent.relative_to(golang.MODULES) for path in golang.MODULES.rglob("go.mod")}

    assert {str(folder) for folder in folders if folder.parent == Path()} == set(_MODULES)


def test_the_operators_manifest_is_of_the_version_that_is_compiled() -> None:
    text = (ROOT / "tools" / "cluster" / "addons" / "cloudnative-pg" / "kustomization.yaml").read_text()

    assert f"- upstream/cnpg-{pins.CLOUDNATIVE_PG}.yaml" in text


def test_a_judge_is_not_refused_for_the_room_that_a_cluster_needs(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_go(machine)
    monkeypatch.setattr(golang, "_free_gib", lambda _: 4.0)

    for build in (*pins.TEST_BUILDS, *pins.OBSERVE_BUILDS, *pins.STORE_BUILDS, *pins.BENCH_BUILDS):
        golang.check(build)
    with pytest.raises(UserError, match="GiB are free"):
        golang.check(*pins.ALL_BUILDS)
