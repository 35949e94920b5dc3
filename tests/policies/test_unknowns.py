"""Every field of our own stacks made unknown, one at a time: no rule guesses, and none fails."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from policies.across import STACK_RULES
from policies.expression import Unknown
from policies.judgement import judge
from policies.rules import RULES
from policies.stack import read

from ..judges.manifests import PROD_SLOWLY, named, of_stack
from .manifests import Manifest, paths

_UNKNOWN = Unknown(path=("unknown",))
_IDENTITY = (("kind",), ("apiVersion",))
# Rules that a stack breaks as it is, see its file; and rules that are off by default.
_KNOWN = {
    "ingress-certificate",
    "ingress-tls",
    "postgres-backup",
    *(rule.id for rule in RULES if rule.level == "disabled"),
}


def _with_unknown(manifest: Manifest) -> Iterator[tuple[str, Manifest]]:
    # An admission policy is long, and no rule is about it.
    if manifest["kind"].startswith("ValidatingAdmission"):
        return
    for path in paths(manifest):
        if path not in _IDENTITY:
            copy = deepcopy(manifest)
            place: Any = copy
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = _UNKNOWN
            yield f"{named(manifest)} {'/'.join(map(str, path))}", copy


@pytest.mark.parametrize("stack", PROD_SLOWLY)
def test_no_rule_objects_to_what_it_does_not_know(stack: str) -> None:
    guessed = [
        (where, rule.id)
        for manifest in of_stack(stack)
        for where, copy in _with_unknown(manifest)
        for rule in RULES
        if rule.id not in _KNOWN and any(not isinstance(found, Unknown) for found in judge(rule, copy))
    ]
    assert guessed == []


@pytest.mark.parametrize("stack", PROD_SLOWLY)
def test_no_rule_across_a_stack_objects_to_what_it_does_not_know(stack: str) -> None:
    manifests = of_stack(stack)
    guessed = []
    for index, manifest in enumerate(manifests):
        for where, copy in _with_unknown(manifest):
            changed = read([*manifests[:index], copy, *manifests[index + 1 :]])
            if changed.unknown is None:
                guessed += [(where, rule.id) for rule in STACK_RULES if list(rule.judge(changed))]
    assert guessed == []


@pytest.mark.parametrize("path", [("metadata", "namespace"), ("spec", "selector"), ("spec", "ports")])
def test_what_objects_are_matched_by_must_be_known(path: tuple[str, str]) -> None:
    manifests = deepcopy(of_stack("dev"))
    service = next(manifest for manifest in manifests if manifest["kind"] == "Service")
    service[path[0]][path[1]] = _UNKNOWN
    assert read(manifests).unknown == _UNKNOWN
