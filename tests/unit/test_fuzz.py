"""Stack files from the model's schema: each is refused with a message, or composes and keeps every rule."""

import contextvars
import os
import runpy
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from hypothesis import HealthCheck, given, settings
from pulumi.runtime import set_all_config

from components.settings import reader
from components.settings.file import stackfile
from policies.across import STACK_RULES
from policies.judgement import Violation, judge
from policies.rule import Level
from policies.rules import RULES
from policies.stack import read

from .recorder import ROOT, Registered, encode, record
from .stackfiles import secret_keys, stack_files

# FUZZ=2000 tries as many and prints the outcomes.
FILES = int(os.environ.get("FUZZ", "25"))
_HEAD = "The stack's configuration cannot be deployed; nothing was changed."
# Without admission policies nothing is refused half-way, so the pack alone tells these, in a preview.
_PACK_ONLY = {"autoscaler-range", "network-policy-ranges", "rollout-strategy"}


def test_each_stack_file_is_refused_in_words_or_composes_and_keeps_every_rule() -> None:
    told: Counter[str] = Counter()

    @settings(max_examples=FILES, suppress_health_check=list(HealthCheck))
    @given(stack_files())
    def tried(sections: dict[str, Any]) -> None:
        told[outcome(sections)] += 1

    tried()
    print(  # noqa: T201 - the figures of a long run
        f"fuzzed files: {told.total()}, tracebacks 0, refused {told['refused']}, composed {told['composed']}"
    )
    assert told["composed"] > FILES // 20
    assert told["refused"] > FILES // 20


def outcome(sections: Mapping[str, Any]) -> str:
    """Return `refused` or `composed`; raise anything else."""
    text = stackfile.write({"config": {f"feastflow:{name}": value for name, value in sections.items()}})
    try:
        file = stackfile.read(text)
    except stackfile.StackFileError:
        return "refused"
    raw = {key: encode(value) for key, value in file.config.items()}
    try:
        resources = contextvars.Context().run(_composed, raw, secret_keys(sections))
    except pulumi.RunError as error:
        _assert_in_words(str(error))
        return "refused"
    broken = list(_broken(resources, sections))
    assert broken == [], broken
    return "composed"


def _composed(raw: Mapping[str, str], secret: Sequence[str]) -> tuple[Registered, ...]:
    # The whole program takes a hundred times as long as a refusal.
    reader.parse(raw, secret_keys=secret)
    set_all_config(dict(raw), list(secret))
    main = str(ROOT / "__main__.py")
    return record(lambda: runpy.run_path(main, run_name="__main__")).resources


def _assert_in_words(message: str) -> None:
    head, *problems = message.split("\n\n")
    assert head == _HEAD, message
    assert problems, message
    for problem in problems:
        for label in ("\n  found: ", "\n  why:   ", "\n  next:  "):
            assert label in problem, message
    assert "Traceback" not in message


def _broken(resources: Sequence[Registered], sections: Mapping[str, Any]) -> list[str]:
    objects = [each.inputs for each in resources if each.type.startswith("kubernetes:") and not each.is_patch]
    objects = [manifest for manifest in objects if {"apiVersion", "kind", "metadata"} <= manifest.keys()]
    tenancy = sections.get("tenancy", {})
    spared = _PACK_ONLY if tenancy.get("admissionPolicies") is False else set()
    found = [
        each.message(manifest)
        for manifest in objects
        for rule in RULES
        if rule.level is Level.MANDATORY and rule.id not in spared
        for each in judge(rule, manifest)
        if isinstance(each, Violation)
    ]
    whole = read(objects)
    return found + [
        rule.message(manifest, detail) for rule in STACK_RULES for manifest, detail in rule.judge(whole)
    ]
