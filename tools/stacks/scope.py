"""The scope of a command: its cluster, its stack there, and the turn of changing both."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tools.stacks import target, workspace
from tools.stacks.options import Options, suffix
from tools.stacks.stack import Stack
from tools.stacks.target import Target
from tools.state import burial
from tools.toolchain import environment, pulumi, turn
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError


def tools() -> pulumi.Pulumi:
    """Return Pulumi, compiled now when this machine has none."""
    venv = environment.ensure()
    with Step("toolchain", "looking for pulumi") as step:
        return pulumi.ensure(venv, step)


def stack(options: Options, chosen: Target, cli: pulumi.Pulumi, *, changes: bool = True) -> Stack:
    """Return the stack where its state is; what `changes` it is refused where that has moved away."""
    if changes and "PULUMI_BACKEND_URL" not in os.environ:
        burial.settle(chosen.identity, str(workspace.project()["name"]), options.stack, suffix(options))
    return Stack(
        name=options.stack,
        workspace=workspace.of(chosen.identity, options.stack),
        cli=cli,
        environment=chosen.environment,
        chosen=suffix(options),
    )


def present(options: Options) -> Target:
    """Return the cluster that runs.

    Raises:
        UserError: when the local one does not.
    """
    return _running(options, target.present(options.context, options.cluster))


def _running(options: Options, chosen: Target | None) -> Target:
    if chosen is None:
        raise UserError(
            f"the local cluster {options.cluster} does not run",
            "there is nothing to look at or to change",
            "start everything with: make up",
        )
    return chosen


@contextmanager
def alone(options: Options) -> Iterator[Target]:
    """Have the stacks of the cluster that runs to this command alone, for the length of the block.

    Raises:
        UserError: when the local cluster does not run, or another command works on the stacks for too long.
    """
    with perhaps_alone(options) as chosen:
        yield _running(options, chosen)


@contextmanager
def perhaps_alone(options: Options) -> Iterator[Target | None]:
    """Have the stacks of the cluster alone where it runs; None is for a local one that does not."""
    with ExitStack() as held:
        if not options.context:
            held.enter_context(turn.cluster(options.cluster))
        chosen = target.present(options.context, options.cluster)
        if chosen:
            held.enter_context(turn.state(chosen.identity))
        yield chosen
