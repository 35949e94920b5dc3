"""The whole matrix through the pack as the engine runs it; tests/apiserver asks a real API server too."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from policies.judgement import judge
from policies.rules import RULES

from .cases import REGISTRIES, Verdict, cases
from .engine import Workspace

_PROGRAM = Path(__file__).parent / "programs" / "matrix"
_MANDATORY = {rule.id: "mandatory" for rule in RULES}


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_the_engine_reports_what_the_rules_say_case_by_case(
    workspace: Callable[..., Workspace], tmp_path: Path, count: dict[str, int], step: int
) -> None:
    # The provider wraps a number that no field can hold before any policy sees it.
    every = [case for case in cases() if case.verdict is not Verdict.HUGE][::step]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([case.manifest for case in every]), encoding="utf-8")
    run = workspace(_PROGRAM).preview(
        {
            "matrix:cases": str(file),
            "policies:levels": _MANDATORY,
            "policies:registries": list(REGISTRIES),
        }
    )
    reported: dict[str, set[str]] = {case.id: set() for case in every}
    for violation in run.violations:
        if violation.policy in _MANDATORY:
            assert not violation.could_not_run, violation
            reported[violation.resource].add(violation.policy)
    # A stack's file names whole parts of a path.
    registries = [f"{entry.rstrip('/')}/" for entry in REGISTRIES]
    expected = {
        case.id: {rule.id for rule in RULES if judge(rule, case.manifest, registries)} for case in every
    }
    differing = {
        case: reported[case] ^ expected[case] for case in reported if reported[case] != expected[case]
    }
    count["cases through the engine"] = len(every)
    count["  that the engine reports otherwise"] = len(differing)
    assert differing == {}, run.text[:2000]
    assert run.code != 0
