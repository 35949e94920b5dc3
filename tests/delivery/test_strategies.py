"""Changes of the release strategy, by the real engine and provider: what serves is never recreated."""

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tools.delivery.engine import Engine
from tools.delivery.program import Program
from tools.delivery.report import Preview
from tools.toolchain import pulumi
from tools.toolchain.console import Step

from ..harness import localstack
from .repository import ROOT

_NEXT = "registry.example.com/feastflow/next:2.0.0"
_GREEN = {"strategy": "blue-green", "green": {"image": _NEXT}}
_RELEASES: dict[str, dict[str, Any]] = {
    "rolling": {},
    "blue": {"release": _GREEN},
    "green": {"release": {**_GREEN, "active": "green"}},
    "canary": {"release": {"strategy": "canary", "canary": {"image": _NEXT, "weight": 10}}},
    "arrived": {"image": _NEXT},
}


@dataclass(frozen=True, kw_only=True)
class Released(Program):
    """Our own program with this release of the backend; `edge` is what dev's own edge has otherwise."""

    release: str
    edge: dict[str, Any] = field(default_factory=dict)

    def settings(self, stack: str) -> dict[str, Any]:
        config = copy.deepcopy(localstack.of(ROOT, stack))
        room = {"autoscaling": {"minReplicas": 2, "maxReplicas": 12}}
        config["feastflow:backend"] |= {**room, **_RELEASES[self.release]}
        # For the connections of two versions at that scale.
        config["feastflow:database"] |= {"resources": {"limits": {"memory": "768Mi"}}}
        config["feastflow:edge"] |= self.edge
        config["policies:levels"]["gateway-tls"] = {"level": "disabled", "reason": "of a test"}
        return config


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Preview]:
    """Return the preview of one release over another; each base is deployed once."""
    with Step("toolchain", "looking for pulumi") as step:
        cli = pulumi.ensure(ROOT / ".venv", step)
    engines: dict[str, Engine] = {}
    seen: dict[str, Preview] = {}

    def preview(before: str, after: str, **edge: Any) -> Preview:
        if f"{before} {after} {edge}" in seen:
            return seen[f"{before} {after} {edge}"]
        key = f"{before} {edge}"
        if key not in engines:
            folder: Path = tmp_path_factory.mktemp("strategies") / "dev"
            engine = Engine(folder=folder, stack="dev", cli=cli, venv=(ROOT / ".venv").resolve())
            assert engine.deploy(Released(folder=ROOT, release=before, edge=edge)) == ""
            engines[key] = engine
        found = engines[key].preview(Released(folder=ROOT, release=after, edge=edge))
        assert found.errors == ()
        assert found.violations == ()
        seen[f"{before} {after} {edge}"] = found
        return found

    return preview


def changes(found: Preview, *operations: str) -> set[str]:
    """Return the objects that these operations are for, as `Kind name`."""
    return {
        f"{each.kind} {each.name.rpartition('/')[-1]}"
        for each in found.changes
        if each.operation in operations
    }


def variant(suffix: str) -> set[str]:
    """Return the objects of the backend's variant, without Services and environment."""
    kinds = ("ServiceAccount", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget")
    return {f"{kind} feastflow-backend-{suffix}" for kind in kinds}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rolling", "blue"),
        ("blue", "green"),
        ("green", "arrived"),
        ("canary", "arrived"),
        *(
            pytest.param(*change, marks=pytest.mark.slow)
            for change in (
                ("rolling", "canary"),
                ("green", "blue"),
                ("green", "rolling"),
                ("green", "canary"),
                ("canary", "rolling"),
            )
        ),
    ],
)
def test_no_change_of_strategy_replaces_anything_or_takes_the_first_pods_away(
    moved: Callable[..., Preview], before: str, after: str
) -> None:
    found = moved(before, after)
    assert changes(found, "replace") == set()
    gone = changes(found, "delete")
    lasting = {each for each in gone if not re.search("backend-(blue|green|canary)", each)}
    # Objects of a version that no variant has any more are deleted with it; a JobPatch awaits its Job.
    assert {each.split()[0] for each in lasting} <= {"ConfigMap", "Job", "JobPatch"}
    assert ("Deployment feastflow-backend" in changes(found, "update")) is (after == "arrived")


def test_a_strategy_that_begins_adds_its_second_version(
    moved: Callable[..., Preview],
) -> None:
    found = moved("rolling", "blue")
    assert variant("green") <= changes(found, "create")
    assert changes(found, "delete") == set()
    assert changes(found, "update") == {
        "ResourceQuota feastflow",
        "PodDisruptionBudget feastflow-backend",
        # A variant more is observed.
        "ConfigMap feastflow-rules",
    }


def test_the_switch_and_the_way_back_change_a_selector_and_who_is_proven(
    moved: Callable[..., Preview],
) -> None:
    for before, after in (("blue", "green"), ("green", "blue")):
        found = moved(before, after)
        assert changes(found, "create", "delete") == set()
        assert changes(found, "update") == {
            "Service feastflow-backend",
            "PodDisruptionBudget feastflow-backend",
            "PodDisruptionBudget feastflow-backend-green",
            # Jobs run the version that serves.
            "CronJob feastflow-jobs-purge",
        }


def test_a_canary_by_a_gateway_changes_nothing_of_the_stable_version(
    moved: Callable[..., Preview],
) -> None:
    found = moved("rolling", "canary", mode="gateway")
    assert changes(found, "update") == {
        "ResourceQuota feastflow",
        "HTTPRoute feastflow",
        "ConfigMap feastflow-rules",
    }
    assert changes(found, "delete", "replace") == set()
