"""A run's moments in the stores: all of them, bounded, and nothing that a request carried."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tools.drills import annotations, verdict
from tools.drills.annotations import Subject
from tools.drills.catalogue import DRILLS
from tools.observe.parts import PARTS

from .fakes import run, sample

_SUBJECT = Subject(drill="worker-killed", what="a worker's power is cut", stack="dev", namespace="shop-dev")
_MOMENT = 1_796_020_262.125
_RUN = run(
    moment=_MOMENT,
    begun=_MOMENT - 10,
    restored=_MOMENT + 60,
    repaired=_MOMENT + 75.5,
    moments={"NotReady": _MOMENT + 41},
)


def _lines(**changes: Any) -> list[dict[str, str]]:
    return [json.loads(line) for line in annotations.lines(_SUBJECT, replace(_RUN, **changes)).splitlines()]


def _samples(**changes: Any) -> list[str]:
    return annotations.samples(_SUBJECT, replace(_RUN, **changes)).decode().splitlines()


def test_every_moment_is_a_line_at_its_time() -> None:
    lines = _lines()

    assert [(each["_time"], each["moment"]) for each in lines] == [
        ("2026-11-30T06:30:52.125Z", "steady load"),
        ("2026-11-30T06:31:02.125Z", "broken"),
        ("2026-11-30T06:31:43.125Z", "NotReady"),
        ("2026-11-30T06:32:02.125Z", "restored"),
        ("2026-11-30T06:32:17.625Z", "repaired"),
    ]
    assert lines[1]["_msg"] == "drill worker-killed on dev: broken: a worker's power is cut"
    assert {each["run"] for each in lines} == {"2026-11-30T06:30:52.125Z"}


def test_every_moment_is_a_sample_at_its_time_whose_value_is_that_time() -> None:
    assert _samples()[2] == (
        "feastflow_drill_moment_timestamp_seconds"
        '{drill="worker-killed",stack="dev",namespace="shop-dev",moment="NotReady"}'
        " 1796020303.125 1796020303125"
    )


def test_what_never_came_is_no_moment() -> None:
    names = [each["moment"] for each in _lines(restored=None, moments={})]

    assert names == ["steady load", "broken", "repaired"]


def test_a_number_within_a_name_makes_no_other_series() -> None:
    several = [_samples(moments={f"{pods} pods, as many as it takes,": _MOMENT})[1] for pods in (3, 12)]

    assert several[0] == several[1]
    assert 'moment="N pods, as many as it takes,"' in several[0]
    assert _lines(moments={"12 pods": _MOMENT})[1]["moment"] == "12 pods"


def test_moments_are_bounded_in_number_and_length_whatever_a_drill_notes() -> None:
    many = {f'{"x" * 200}\x1b[2J"\\\n{chr(97 + number % 26)}{number}': _MOMENT for number in range(100)}

    assert len(_lines(moments=many)) <= annotations.MOST
    for line in (*_samples(moments=many), *annotations.lines(_SUBJECT, _RUN).decode().splitlines()):
        assert re.fullmatch(r"[^\x00-\x1f]{1,400}", line)
    assert max(len(each["moment"]) for each in _lines(moments=many)) <= annotations.WIDTH


def test_nothing_that_a_request_carried_is_in_an_annotation() -> None:
    note = "drill-0123456789ab-7"
    order = sample(_MOMENT, kind="order", number="FF-7", note=note)
    failed = sample(_MOMENT + 1, 0, error="Ada Lovelace, 12 St James's Square: connection reset")
    measured = verdict.measured(
        [order, failed], [(note, "FF-8")], moment=_MOMENT, clock=_MOMENT, restored=None, by=None
    )
    assert measured.lost == ["FF-7"]
    told = annotations.lines(_SUBJECT, measured) + annotations.samples(_SUBJECT, measured)

    for word in (b"0123456789ab", b"FF-", b"Ada", b"Square", b"reset"):
        assert word not in told
    fields = {"_time", "_msg", "drill", "stack", "namespace", "run", "moment"}
    assert all(set(line) == fields for line in _lines())


def test_all_drills_together_are_few_series() -> None:
    samples = {
        annotations.samples(replace(_SUBJECT, drill=drill, stack=stack), _RUN).decode().partition("} ")[0]
        for drill, each in DRILLS.items()
        for stack in each.stacks
    }
    assert len(samples) <= 2 * len(DRILLS)


@pytest.mark.parametrize(
    ("host", "path"), [("metrics", annotations.METRICS_PATH), ("logs", annotations.LOGS_PATH)]
)
def test_the_edge_routes_what_is_written_to_its_store(host: str, path: str) -> None:
    routed = [
        part.name
        for part in PARTS
        for name, prefix, _ in part.hosts
        if name == host and path.startswith(prefix)
    ]

    assert routed == [host]
