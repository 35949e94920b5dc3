"""renovate.json: each pin is seen by one manager, and what must move together is one group."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tools.toolchain import pins

from .fakes import ROOT

_CONFIG: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
_MANAGERS = _CONFIG["customManagers"]
_PINS = ROOT / "tools" / "toolchain" / "pins.py"
_VERSION = re.compile(r'(?:^([A-Z_]+) = |"([\w./-]+)": )"(\d[\d.]*)"', re.MULTILINE)
# Kubernetes' major version, which no release of a module changes.
_CONSTANT = {"k8s.io/component-base/version.gitMajor"}


def _files(manager: dict[str, Any]) -> list[Path]:
    patterns = [re.compile(pattern.strip("/")) for pattern in manager["managerFilePatterns"]]
    folders = ("tools/toolchain", "tools/cluster", "tools/observe")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in found if any(each.search(str(path.relative_to(ROOT))) for each in patterns)]


def _matches(manager: dict[str, Any], text: str) -> Iterator[re.Match[str]]:
    for pattern in manager["matchStrings"]:
        yield from re.finditer(pattern.replace("(?<", "(?P<"), text)


def _group(package: str, file: str) -> str | None:
    """Return the group of a package in a file: that of the last rule which matches, as Renovate has it."""
    found = None
    for rule in _CONFIG["packageRules"]:
        names = rule.get("matchPackageNames", ["**"])
        unwanted = [name[1:] for name in names if name.startswith("!")]
        wanted = [name for name in names if not name.startswith("!")] or ["**"]
        if (
            any(fnmatch(package, name) for name in wanted)
            and not any(fnmatch(package, name) for name in unwanted)
            and any(fnmatch(file, name) for name in rule.get("matchFileNames", ["**"]))
            and ("matchManagers" not in rule or file.endswith((".in", ".txt")))
        ):
            found = rule.get("groupName", found)
    return found


def test_every_version_in_pins_is_matched_by_exactly_one_manager() -> None:
    text = _PINS.read_text(encoding="utf-8")
    seen = [
        match.start("currentValue")
        for manager in _MANAGERS
        if _PINS in _files(manager)
        for match in _matches(manager, text)
    ]
    named = {found[1] or found[2]: found.start(3) for found in _VERSION.finditer(text)}

    assert {"KUBERNETES", "CLOUDNATIVE_PG", "PULUMI", "PULUMI_KUBERNETES", "HELM", "OPENTOFU"} <= set(named)
    assert {
        name: seen.count(place) for name, place in named.items() if name not in _CONSTANT
    } == dict.fromkeys(set(named) - _CONSTANT, 1)
    assert len(seen) == len(named) - len(_CONSTANT)


@pytest.mark.parametrize("manager", _MANAGERS, ids=lambda manager: manager["description"])
def test_each_pattern_of_a_manager_finds_one_version_in_its_files(manager: dict[str, Any]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in _files(manager)]

    assert len(texts) == len(manager["managerFilePatterns"])
    for pattern in manager["matchStrings"]:
        found = [match for text in texts for match in _matches({"matchStrings": [pattern]}, text)]
        assert [match["currentValue"] for match in found if match["currentValue"]][1:] == [], pattern
        assert found, pattern
    assert {"customType", "datasourceTemplate"} <= set(manager)


def test_the_manager_of_kubernetes_reads_the_pinned_version() -> None:
    (manager,) = (each for each in _MANAGERS if each["description"] == "Kubernetes of the local cluster")
    (found,) = _matches(manager, _PINS.read_text(encoding="utf-8"))

    assert found["currentValue"] == pins.KUBERNETES


@pytest.mark.parametrize(
    "together",
    [
        [
            ("k8s.io/kubernetes", "tools/toolchain/pins.py"),
            ("k8s.io/kubernetes", "tools/toolchain/go/cluster/go.mod"),
            ("k8s.io/client-go", "tools/toolchain/go/cluster/go.mod"),
            ("k8s.io/pod-security-admission", "tools/toolchain/go/judges/go.mod"),
            ("registry.k8s.io/etcd", "tools/cluster/programs.py"),
            ("go.etcd.io/etcd/server/v3", "tools/toolchain/go/cluster/go.mod"),
        ],
        [
            ("github.com/cloudnative-pg/cloudnative-pg", "tools/toolchain/go/cloudnative-pg/go.mod"),
            ("github.com/cloudnative-pg/cloudnative-pg", "tools/toolchain/pins.py"),
            (
                "github.com/cloudnative-pg/cloudnative-pg",
                "tools/cluster/addons/cloudnative-pg/kustomization.yaml",
            ),
        ],
        [
            ("github.com/traefik/traefik/v3", "tools/toolchain/go/traefik/go.mod"),
            ("github.com/traefik/traefik/v3", "tools/cluster/programs.py"),
            ("sigs.k8s.io/gateway-api", "tools/toolchain/go/traefik/go.mod"),
        ],
        [
            ("github.com/pulumi/pulumi/pkg/v3", "tools/toolchain/go/pulumi/go.mod"),
            ("github.com/pulumi/pulumi/pkg/v3", "tools/toolchain/pins.py"),
            ("pulumi-kubernetes", "tools/toolchain/pins.py"),
            ("pulumi-kubernetes", "requirements.in"),
            ("pulumi", "requirements.in"),
        ],
        [("next", "demo/frontend/package.json"), ("react-dom", "demo/frontend/package.json")],
        [
            ("go.opentelemetry.io/otel", "tools/toolchain/go/traefik/go.mod"),
            ("opentelemetry-sdk", "requirements.in"),
        ],
        [("ruff", "requirements-dev.in"), ("pydantic", "requirements.in")],
    ],
    ids=lambda together: together[0][0],
)
def test_what_must_move_together_is_one_group(together: list[tuple[str, str]]) -> None:
    groups = {_group(package, file) for package, file in together}

    assert len(groups) == 1
    assert None not in groups


def test_the_library_of_every_version_moves_alone() -> None:
    assert _group("k8s.io/apiserver", "tools/toolchain/go/cel/go.mod") is None
