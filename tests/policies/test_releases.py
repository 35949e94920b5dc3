"""Previews of our own stack under each release strategy, by the real engine and with the pack."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from ..unit.recorder import stack_file
from .engine import ROOT, Run, Workspace

_NEXT = {"image": "registry.example.com/feastflow/next:2.0.0"}
_BLUE = {"strategy": "blue-green", "green": _NEXT}
_CANARY = {"strategy": "canary", "canary": {**_NEXT, "weight": 10}}
_RECREATE = {"strategy": "recreate"}
_GATEWAY = {"edge": {"host": "shop.example.com", "mode": "gateway"}}
_EXEMPT = {
    "rule": "rollout-strategy",
    "resource": "Deployment/feastflow-*",
    "reason": "two of it cannot run at a time",
    "expires": (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=90)).isoformat(),
}


def _config(release: dict[str, Any], **sections: object) -> dict[str, object]:
    # For the connections of two versions of 12 pods.
    memory = {"resources": {"limits": {"memory": "768Mi"}}}
    config = {**stack_file("dev"), "feastflow:database": memory}
    for tier in ("backend", "frontend"):
        section = config.get(f"feastflow:{tier}") or {}
        assert isinstance(section, dict)
        room = {"minReplicas": 2, "maxReplicas": 12}
        config[f"feastflow:{tier}"] = {**section, "autoscaling": room, "release": release}
    return {**config, **{f"feastflow:{name}": value for name, value in sections.items()}}


@pytest.fixture(scope="module")
def ours(workspace: Callable[..., Workspace]) -> Workspace:
    """Return the project's own program, with nothing deployed."""
    return workspace(ROOT, "dev")


@pytest.mark.parametrize(
    ("config", "deployments"),
    [
        (_config(_BLUE), 4),
        pytest.param(_config({**_BLUE, "active": "green"}), 4, marks=pytest.mark.slow),
        pytest.param(_config(_CANARY), 4, marks=pytest.mark.slow),
        (
            _config(_CANARY, **_GATEWAY)
            | {"policies:levels": {"gateway-tls": {"level": "disabled", "reason": "of a test"}}},
            4,
        ),
        (_config(_RECREATE) | {"policies:exemptions": [_EXEMPT]}, 2),
    ],
    ids=["blue", "green", "canary by pods", "canary by weight", "recreate"],
)
def test_no_strategy_breaks_a_rule_or_keeps_one_from_judging(
    ours: Workspace, config: dict[str, object], deployments: int
) -> None:
    run: Run = ours.preview(config)
    assert run.violations == (), run.text
    assert run.code == 0, run.text
    assert run.text.count(" kubernetes:apps/v1:Deployment ") == deployments


def test_recreate_is_refused_before_any_object_is_looked_at(ours: Workspace) -> None:
    run = ours.preview(_config(_RECREATE))
    assert run.code != 0
    assert "feastflow:backend.release.strategy" in run.text
    assert "feastflow:frontend.release.strategy" in run.text
    assert "Traceback" not in run.text
    assert "Deployment" not in run.text.partition("Diagnostics:")[0]
