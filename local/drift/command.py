"""The command `make drift`, and the repair of drift within `make up`."""

from collections.abc import Sequence

from local.drift import detect, guard, kubectl, repair, report, wanted
from local.drift.detect import Repair
from local.drift.report import Finding, Report
from local.stack import Stack
from local.target import Target
from toolchain.console import Step
from toolchain.refusal import Refusal

# The exit code of `make drift`; what could not be looked at counts, too: it may hide some.
DRIFTED = 2


def looked(stack: Stack, chosen: Target) -> Report:
    """Return what differs from the last deployment.

    Nothing is changed.

    Raises:
        Refusal: when the stack was never deployed, or is another cluster's or another owner's.
    """
    if not stack.exists():
        raise Refusal(
            f"there is no stack {stack.name} on {chosen.context}",
            "drift is a difference from what was deployed last",
            f"deploy it first: make up{stack.chosen or ''}",
        )
    with Step("drift", f"stack {stack.name}") as step:
        found, _ = _look(stack, chosen)
        step.result(report.summary(found))
    return found


def repaired(stack: Stack, chosen: Target, step: Step) -> str:
    """Put right what others changed since the last deployment; returns what that was, empty for nothing.

    Raises:
        Refusal: when an object is being deleted or cannot be repaired, with the reason of the API server, or
            when the cluster or the namespace is another stack's; then nothing is changed.
    """
    found, repairs = _look(stack, chosen)
    _must_not_end(found.findings)
    failed = repair.apply(repairs, kubectl.of(chosen))
    step.result(f"{report.summary(found)}{', repaired' if found.findings and not failed else ''}")
    if failed:
        named = "\n".join(f"{each.finding.who}: {each.why}" for each in failed)
        raise Refusal(
            f"{len(failed)} objects could not be repaired\n{named}",
            "they are not as the stack wants them, and what they are was changed by others",
            "look at who changes them, and run this again: make drift",
        )
    return report.text(found) if found.findings or found.unseen else ""


def _look(stack: Stack, chosen: Target) -> tuple[Report, list[Repair]]:
    exported = stack.recorded()
    guard.same_cluster(exported, chosen)
    cut_off = stack.workspace.cut_off(stack.name)
    everything = wanted.of(exported)
    known = wanted.of(exported, cut_off)
    return detect.look(stack.name, known, kubectl.of(chosen), repeated=len(everything) - len(known))


def _must_not_end(findings: Sequence[Finding]) -> None:
    ending = [
        each.who for each in findings if any(change.what == report.TERMINATING for change in each.changes)
    ]
    if ending:
        raise Refusal(
            f"being deleted: {', '.join(ending)}",
            "what is applied to an object that is being deleted is deleted with it",
            "find out who deletes it and what it waits for (kubectl get --output yaml shows its finalizers); "
            "when it is deleted, run this again",
        )
