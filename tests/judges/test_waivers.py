"""The waiver file: read as it is written, or refused."""

from pathlib import Path

import pytest

from . import waivers
from .finding import Finding
from .waivers import WaiverError

_FINDING = Finding(judge="a-judge", check="a-rule", resource="Job/migrations-1a2b", message="broken")
_WAIVER = "- {judge: a-judge, check: a-rule, resources: [Job/migrations-*], reason: it is well}\n"


def _file(folder: Path, text: str) -> Path:
    path = folder / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_waiver_covers_the_objects_of_its_patterns_and_no_others(tmp_path: Path) -> None:
    known = waivers.load(["a-judge"], _file(tmp_path, _WAIVER))
    other = Finding(judge="a-judge", check="a-rule", resource="Deployment/migrations-1a2b", message="broken")

    assert waivers.unwaived([_FINDING, other], known, "dev") == [other]


@pytest.mark.parametrize("change", [{"judge": "another"}, {"check": "another-rule"}])
def test_a_waiver_covers_one_rule_of_one_judge(tmp_path: Path, change: dict[str, str]) -> None:
    known = waivers.load(["a-judge"], _file(tmp_path, _WAIVER))
    text = {"judge": "a-judge", "check": "a-rule", "resource": "Job/migrations-1a2b", "message": ""} | change

    assert waivers.unwaived([Finding(**text)], known, "dev")


def test_a_waiver_for_one_stack_covers_nothing_in_another(tmp_path: Path) -> None:
    known = waivers.load(["a-judge"], _file(tmp_path, _WAIVER.replace("}", ", stack: prod}")))

    assert waivers.unwaived([_FINDING], known, "prod") == []
    assert waivers.unwaived([_FINDING], known, "dev") == [_FINDING]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (_WAIVER.replace("}", ", until: tomorrow}"), "and nothing else"),
        (_WAIVER.replace("check: a-rule, ", ""), "a waiver has judge, check"),
        ("- a-rule\n", "a waiver has judge, check"),
        (_WAIVER.replace("a-judge", "no-judge"), "the judges are a-judge"),
        (_WAIVER.replace("it is well", "' '"), "without a reason is a finding"),
        (_WAIVER.replace("[Job/migrations-*]", "Job/migrations-*"), "a list of patterns"),
        (_WAIVER.replace("[Job/migrations-*]", "[]"), "a list of patterns"),
        (_WAIVER * 2, "is waived twice"),
        (_WAIVER.replace("Job/migrations-*", "Deployment/*"), "Deployment/\\* names no object"),
        (_WAIVER.replace("Job/migrations-*", "'*/migrations'"), "names no object"),
        (_WAIVER.replace("Job/migrations-*", "Job/m*ns"), "names no object"),
    ],
)
def test_an_entry_that_cannot_be_a_waiver_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(WaiverError, match=why):
        waivers.load(["a-judge"], _file(tmp_path, text))
