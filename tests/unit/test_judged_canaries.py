"""Canaries that are judged: which settings make one, and a version whose pods get no requests."""

from typing import Any

import pytest

from .recorder import Recording
from .test_releases import CANARY, GATEWAY, NEXT, TIERS, image, led_to, released, rolling
from .test_settings import parse, refusal

_JUDGE = {"maxErrorPercent": 0.5, "maxLatencyMs": 300, "seconds": 60}
_WITHDRAWN = {"strategy": "canary", "canary": {**NEXT, "weight": 0}}


def _objects(recording: Recording) -> dict[str, Any]:
    found = (each for each in recording.resources if "metadata" in each.inputs)
    return {f"{each.kind}/{each.object_name}": each.inputs for each in found}


@pytest.mark.parametrize("tier", TIERS)
def test_by_a_gateway_a_weight_of_0_leaves_the_pods_and_gives_them_no_requests(tier: str) -> None:
    recording, name = released(_WITHDRAWN, gateway=True), f"feastflow-{tier}"
    weights = {
        each["name"]: each["weight"]
        for rule in recording.one("HTTPRoute", "feastflow").inputs["spec"]["rules"]
        for each in rule["backendRefs"]
    }
    assert (weights[name], weights[f"{name}-canary"]) == (100, 0)
    assert led_to(recording, f"{name}-canary") == {f"{name}-canary"}
    assert image(recording, f"{name}-canary") == NEXT["image"]


def test_by_a_gateway_a_weight_of_0_changes_routes_and_nothing_that_runs() -> None:
    before, after = (_objects(released(each, gateway=True)) for each in (CANARY, _WITHDRAWN))

    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == {"HTTPRoute/feastflow"}


@pytest.mark.parametrize("tier", TIERS)
def test_by_an_ingress_a_weight_of_0_leaves_the_service_to_the_present_version(tier: str) -> None:
    recording, name = released(_WITHDRAWN), f"feastflow-{tier}"
    usual = rolling().one("HorizontalPodAutoscaler", name).inputs["spec"]

    assert led_to(recording, name) == {name}
    assert led_to(recording, f"{name}-canary") == {f"{name}-canary"}
    assert recording.one("HorizontalPodAutoscaler", name).inputs["spec"] == usual


def test_a_weight_of_0_needs_no_room_for_pods_that_divide_requests() -> None:
    parse(backend={"release": {"strategy": "canary", "canary": {"weight": 0}}})


def test_limits_need_a_gateway_and_are_refused_with_that() -> None:
    release = {"strategy": "canary", "canary": {"judge": _JUDGE}}
    judge = parse(backend={"release": release}, edge=GATEWAY).backend.release.canary
    assert judge is not None
    assert judge.judge is not None
    assert judge.judge.model_dump(by_alias=True) == _JUDGE

    roomy = {"release": release, "autoscaling": {"maxReplicas": 10}}
    text = refusal(backend=roomy)
    assert "backend.release.canary.judge" in text
    assert "the edge has no figures of the canary alone" in text
    assert "set edge.mode to gateway" in text


@pytest.mark.parametrize(
    "judge",
    [
        {"maxErrorPercent": -1},
        {"maxErrorPercent": 51},
        {"maxLatencyMs": 0},
        {"seconds": 29},
        {"seconds": 1801},
        {"percentile": 99},
    ],
)
def test_limits_that_cannot_be_watched_are_refused_by_their_name(judge: dict[str, Any]) -> None:
    text = refusal(backend={"release": {"strategy": "canary", "canary": {"judge": judge}}}, edge=GATEWAY)

    assert f"backend.release.canary.judge.{next(iter(judge))}" in text
