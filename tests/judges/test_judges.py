"""The manifests of both stacks, judged by other projects' judges."""

import copy
from collections.abc import Callable

import pytest

from . import manifests
from .manifests import STACKS
from .verdicts import JUDGES, Verdict
from .waivers import Waiver

Ask = Callable[[str, str], Verdict]

_PRIVILEGED = {
    "pod-security": "privileged",
    "kube-score": "container-security-context-privileged",
    "checkov": "CKV_K8S_16",
}


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_finds_nothing_in_a_stack_that_is_not_waived(judge: str, stack: str, verdict: Ask) -> None:
    unwaived = verdict(judge, stack).unwaived

    assert not unwaived, "fix it or waive it with a reason:\n" + "\n".join(map(str, unwaived))


def test_every_waiver_is_needed(known: list[Waiver], verdict: Ask) -> None:
    found = [
        (entry, stack) for judge in JUDGES for stack in STACKS for entry in verdict(judge, stack).findings
    ]
    unused = [waiver for waiver in known if not any(waiver.covers(*where) for where in found)]

    assert not unused, "take them out, nothing needs them any more:\n" + "\n".join(map(str, unused))


@pytest.mark.parametrize(
    ("stack", "part"), [("dev", "containers"), ("dev", "initContainers"), ("prod", "containers")]
)
@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_sees_a_privileged_container_wherever_it_is(judge: str, stack: str, part: str) -> None:
    spoiled = copy.deepcopy(manifests.of_stack(stack))
    containers = {
        manifests.named(manifest): manifest["spec"]["template"]["spec"].get(part)
        for manifest in spoiled
        if "template" in manifest.get("spec", {})
    }
    privileged = {name: found[-1] for name, found in containers.items() if found}
    for container in privileged.values():
        container["securityContext"]["privileged"] = True
    found = {entry.resource for entry in JUDGES[judge](spoiled) if entry.check == _PRIVILEGED[judge]}

    assert found == privileged.keys() != set()
