"""Renderings of stacks with two versions of a tier: every object, and proof before the switch."""

from collections.abc import Callable
from typing import Any

import pytest

from policies.across import STACK_RULES
from policies.judgement import judge
from policies.rules import RULES
from policies.stack import read
from tools.render import secrets, values
from tools.render.operator import made

from ..unit.recorder import stack_file
from .conftest import Rendering

_NEXT = {"image": "feastflow/next:2.0.0"}
_GREEN = {"strategy": "blue-green", "active": "green", "green": _NEXT}
_CANARY = {"strategy": "canary", "canary": {**_NEXT, "weight": 25}}
# The rules that dev's own file disables.
_OFF = {"ingress-tls", "gateway-tls", "image-digest"}
_GATEWAY = {"feastflow:edge": {"host": "x.example.com", "mode": "gateway"}}


@pytest.fixture(params=[(_GREEN, {}), (_CANARY, {}), (_CANARY, _GATEWAY)])
def released(request: pytest.FixtureRequest, rendering: Callable[..., Rendering]) -> Rendering:
    """Return dev with a variant of both tiers."""
    release, more = request.param
    return rendering("dev", {**_tiers(release), **more})


def _tiers(release: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {**dict(stack_file("dev").get(key, {})), "release": release}  # type: ignore[call-overload]
        for key in ("feastflow:backend", "feastflow:frontend")
    }


def test_the_policies_find_nothing_in_two_versions(released: Rendering) -> None:
    store = values.fresh(secrets.entries(released.manifests))
    running = [made(each, store) if each["kind"] == "ExternalSecret" else each for each in released.manifests]
    found = [(rule.id, each["metadata"]["name"]) for rule in RULES for each in running if judge(rule, each)]
    found += [(rule.id, said) for rule in STACK_RULES for _, said in rule.judge(read(running))]
    assert [entry for entry in found if entry[0] not in _OFF] == []


def test_both_versions_stand_in_the_tiers_own_files(released: Rendering) -> None:
    for name in ("06-backend-deployment", "08-frontend-deployment"):
        assert len(released.of(name)) == 2
    assert len(released.of("07-backend-service")) in {2, 3}


def test_what_leads_requests_comes_in_a_wave_after_the_pods_it_leads_to(
    rendering: Callable[..., Rendering],
) -> None:
    green = rendering("dev", _tiers(_GREEN))
    for tier in ("backend", "frontend"):
        name = f"feastflow-{tier}"
        service = next(
            each for each in green.manifests if (each["kind"], each["metadata"]["name"]) == ("Service", name)
        )
        wave = int(service["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        assert wave > green.wave("Deployment", f"{name}-green")
