"""The command `make drift`, and the repair of drift within `make up`."""

from collections.abc import Sequence

from components.settings.values import names
from tools.cli.drift import detect, guard, repair, report, wanted
from tools.cli.drift.detect import Repair
from tools.cli.drift.objects import Objects
from tools.cli.drift.report import Finding, Report
from tools.stacks import workspace
from tools.stacks.stack import Stack
from tools.stacks.target import Target
from tools.stacks.workspace import Config
from tools.state import deployment
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

# The exit code of `make drift`; what could not be looked at counts, too: it may hide some.
DRIFTED = 2
# An object that is changed between the look and the repair is looked at once more: an autoscaler writes its
# status every 15 s.
_AGAIN = 3
_HOLDS_DATA = (("PersistentVolumeClaim", names.DATABASE_CLAIM), ("Cluster", names.DATABASE))
# Settings of the database by which it need not begin empty.
_KEPT = {"backup", "restore"}


def looked(stack: Stack, chosen: Target) -> Report:
    """Return what differs from the last deployment.

    Nothing is changed.

    Raises:
        UserError: when the stack was never deployed, or is another cluster's or another owner's.
    """
    with Step("drift", f"stack {stack.name}") as step:
        exported = stack.exported(secrets=True)
        if exported is None:
            raise UserError(
                f"there is no stack {stack.name} on {chosen.context}",
                "drift is a difference from what was deployed last",
                f"deploy it first: make up{stack.chosen or ''}",
            )
        found, _ = _look(stack, chosen, exported)
        step.result(report.summary(found))
    return found


def repaired(stack: Stack, chosen: Target, config: Config, step: Step) -> str:
    """Put right what others changed since the last deployment; returns what that was, empty for nothing.

    What the API server does not let be repaired is told, and stays: a deployment is not kept waiting for it.
    A database that is gone, and of which the settings have a backup, is not created empty: the state is told
    what is gone, and the update decides with what it begins.

    Raises:
        UserError: when an object is being deleted, or the cluster or the namespace is another stack's; then
            nothing is changed.
    """
    exported = stack.exported(secrets=True) or {}
    found, repairs = _look(stack, chosen, exported)
    _must_not_end(found.findings)
    if _is_lost(found.findings) and workspace.section(config, "database").keys() & _KEPT:
        step.result(f"{report.summary(found)}; the state is told what is gone: {stack.refresh(step)}")
        return report.text(found)
    objects = Objects(client=chosen.client)
    failed = repair.apply(repairs, objects)
    for _ in range(_AGAIN):
        if not any(repair.was_changed(each) for each in failed):
            break
        again, repairs = _look(stack, chosen, exported)
        _must_not_end(again.findings)
        failed = repair.apply(repairs, objects)
    # The server's answer about one object may quote another, as a webhook's does.
    secrets = frozenset(secret for each in wanted.of(exported) for secret in each.secrets)
    step.result(f"{report.summary(found)}{_repaired(len(found.findings), len(failed))}")
    told = [f"  NOT REPAIRED {each.finding.who}: {report.masked(each.why, secrets)}" for each in failed]
    return "\n".join([*([report.text(found)] if not found.clean else []), *told])


def _is_lost(findings: Sequence[Finding]) -> bool:
    """Return whether the database's own objects were deleted, which hold its data."""
    return any(
        (each.kind, each.name) in _HOLDS_DATA
        and any(change.what == report.DELETED for change in each.changes)
        for each in findings
    )


def _repaired(found: int, failed: int) -> str:
    if not found:
        return ""
    return f", {found - failed} repaired" if failed else ", repaired"


def _look(stack: Stack, chosen: Target, exported: deployment.Deployment) -> tuple[Report, list[Repair]]:
    guard.same_cluster(exported, chosen.identity, chosen.context)
    cut_off = stack.workspace.cut_off(stack.name)
    everything = wanted.of(exported)
    # The next update repeats their steps: until then it is not known what they should be.
    known = [each for each in everything if each.resource not in cut_off]
    objects = Objects(client=chosen.client)
    return detect.look(stack.name, known, objects, repeated=len(everything) - len(known))


def _must_not_end(findings: Sequence[Finding]) -> None:
    ending = [
        each.who for each in findings if any(change.what == report.TERMINATING for change in each.changes)
    ]
    if ending:
        raise UserError(
            f"being deleted: {', '.join(ending)}",
            "what is applied to an object that is being deleted is deleted with it",
            "find out who deletes it and what it waits for (kubectl get --output yaml shows its finalizers); "
            "when it is deleted, run this again",
        )
