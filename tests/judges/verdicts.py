"""Verdicts: every judge's findings on a stack."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import checkov, kubescore, manifests, podsecurity, waivers
from .finding import Finding
from .manifests import Manifest
from .waivers import Waiver

Judge = Callable[[Sequence[Manifest]], list[Finding]]

JUDGES: Mapping[str, Judge] = {
    podsecurity.NAME: podsecurity.findings,
    kubescore.NAME: kubescore.findings,
    checkov.NAME: checkov.findings,
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """All that one judge found in one stack, and what of it no waiver covers."""

    judge: str
    stack: str
    findings: tuple[Finding, ...]
    unwaived: tuple[Finding, ...]
    seconds: float


def verdict(judge: str, stack: str, known: Sequence[Waiver]) -> Verdict:
    """Run a judge on a stack and return its verdict."""
    rendered = manifests.of_stack(stack)
    started = time.monotonic()
    found = sorted(JUDGES[judge](rendered))
    return Verdict(
        judge=judge,
        stack=stack,
        findings=tuple(found),
        unwaived=tuple(waivers.unwaived(found, known, stack)),
        seconds=time.monotonic() - started,
    )


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """Return lines for a terminal."""
    rows = [f"{'judge':<14}{'stack':<6}{'findings':>9}{'waived':>8}{'unwaived':>10}{'seconds':>9}"]
    for said in verdicts:
        total, left = len(said.findings), len(said.unwaived)
        rows.append(
            f"{said.judge:<14}{said.stack:<6}{total:>9}{total - left:>8}{left:>10}{said.seconds:>9.1f}"
        )
    return rows
