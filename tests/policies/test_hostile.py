"""Hostile objects are refused, each by a rule."""

import pytest

from policies.judgement import judge
from policies.rules import RULES

from .hostile import HOSTILE, PASSES
from .manifests import Manifest


@pytest.mark.parametrize(("idea", "manifest"), HOSTILE, ids=[idea for idea, _ in HOSTILE])
def test_a_hostile_object_breaks_a_rule(idea: str, manifest: Manifest) -> None:
    # Rules that are off by default do not count.
    broken = {rule.id for rule in RULES if rule.level == "mandatory" and judge(rule, manifest)}
    assert bool(broken) is (idea not in PASSES)


def test_there_are_sixty_of_them_and_what_passes_has_a_reason(count: dict[str, int]) -> None:
    count["hostile objects"] = len(HOSTILE)
    count["  that pass, with a reason"] = len(PASSES)
    assert len(HOSTILE) >= 60
    assert all(PASSES.values())
    assert set(PASSES) <= {idea for idea, _ in HOSTILE}
