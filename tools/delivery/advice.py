"""Advice after a deployment that failed, for the summary of the run."""

_TEXT = """\
## {stack} was not deployed as it should be

What had been done stays done and is recorded; what was not reached is as before. Kubernetes keeps the old
pods until the new ones answer, so a release that does not start takes nothing away. {next}

1. Read the end of the step above: what was found, why it matters, what to do.
2. If it was the cluster or the network, run the failed jobs of this run again: it goes on from there.
3. If it was the release, deploy the commit before: run the last good run of this workflow again (all jobs),
   or revert the commit and merge that. Migrations are not undone: the release before must work with the new
   tables.
4. If an earlier run was killed and the stack is locked: `pulumi cancel --stack {stack}`, once no
   deployment runs any more.
"""


def text(stack: str) -> str:
    """Return the advice in Markdown."""
    after = "prod has not been touched." if stack != "prod" else "dev has this release already."
    return _TEXT.format(stack=stack, next=after)
