"""Profiles of the time spent: the engine's events and the interpreter's imports."""

from collections.abc import Mapping
from typing import Any

from tools.bench import profile
from tools.bench.profile import Profile, Span

_URN = "urn:pulumi:bench::feastflow::{kind}::{name}"


def event(which: str, kind: str, name: str) -> dict[str, Any]:
    return {which: {"metadata": {"urn": _URN.format(kind=kind, name=name), "type": kind}}}


def test_a_resource_takes_from_the_event_before_it_to_its_outputs() -> None:
    job, secret = "kubernetes:batch/v1:Job", "kubernetes:core/v1:Secret"
    seen: list[tuple[float, Mapping[str, Any]]] = [
        (1.0, event("resourcePreEvent", job, "grant")),
        (2.0, event("resourcePreEvent", secret, "login")),
        (2.5, event("resOutputsEvent", secret, "login")),
        (2.6, event("resOutputsEvent", secret, "login")),
        (7.0, event("resOutputsEvent", job, "grant")),
        (8.0, {"summaryEvent": {}}),
    ]

    found = profile.spans(seen)

    assert [(span.name, span.began, span.took) for span in found] == [
        ("grant", 1.0, 6.0),
        ("login", 2.0, 0.5),
    ]


def test_what_took_long_is_told_in_the_order_of_time() -> None:
    spans = [
        Span(name="tenancy", kind="feastflow:kubernetes:Tenancy", began=0.5, ended=9.0),
        Span(name="quick", kind="kubernetes:core/v1:Secret", began=3.0, ended=3.1),
        Span(name="grant", kind="kubernetes:batch/v1:Job", began=4.0, ended=9.0),
    ]

    lines = profile.lines(Profile(spans=spans, seconds=9.5, imports={"all": 1.5, "pulumi": 0.5}))

    assert lines[0].strip().startswith("3.0 s  until the first object is begun")
    assert [line for line in lines if "Job grant" in line] == ["   4.0 s    5.0 s  Job grant"]
    assert not any("quick" in line for line in lines)
    assert lines[-1].split() == ["0.50", "s", "pulumi"]


def test_what_the_program_itself_imports_is_measured() -> None:
    program = '"""Doc."""\nimport a\nfrom b.c import (\n    d,\n)\n\nd.run(a)\n'
    assert profile._imported(program) == "import a\nfrom b.c import d"
    assert profile.imports().keys() >= {"all", "components", "pulumi"}


def test_imports_are_added_up_by_package() -> None:
    text = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       500 |       1500 |   pulumi.runtime\n"
        "import time:      1000 |       2000 | pulumi\n"
        "import time:       250 |        250 | yaml\n"
    )

    assert profile.by_package(text) == {"all": 0.00175, "pulumi": 0.0015, "yaml": 0.00025}
