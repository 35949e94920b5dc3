"""Result of an update by `make up`: the site answers, and its canaries are as good as their settings want."""

from collections.abc import Mapping
from typing import Any

from tools.stacks import smoke
from tools.stacks.options import Options, suffix
from tools.stacks.stack import Stack
from tools.stacks.workspace import Config
from tools.telemetry import judging
from tools.telemetry.canary import UnjudgedError, WorseError
from tools.telemetry.judging import Judging, WithdrawnError
from tools.toolchain.console import Step


def verify(
    options: Options, stack: Stack, config: Config, outputs: Mapping[str, Any], canaries: Judging
) -> None:
    """Ask the site, then watch the canaries; note what is deployed in the end.

    Raises:
        UserError: when the site does not answer, or a canary is worse or cannot be judged.
    """
    with Step("smoke check", outputs["url"]) as step:
        step.result(smoke.check(outputs["url"], smoke.asked(config, outputs)))
    if canaries.watched:
        _judge(stack, config, outputs, canaries, suffix(options))


def _judge(stack: Stack, config: Config, outputs: Mapping[str, Any], canaries: Judging, chosen: str) -> None:
    releases = stack.workspace.releases(stack.name)

    def back(settings: Config) -> None:
        with Step("canary", "its weight is set to 0") as step:
            stack.workspace.put(stack.name, settings)
            step.result(stack.back(step))

    def ours() -> bool:
        return stack.outputs().get("configuration") == outputs.get("configuration")

    failed: WorseError | UnjudgedError | None = None
    tiers = " and ".join(each.tier for each in canaries.watched)
    try:
        with Step("canary", f"watching the figures of {tiers}") as step:
            step.result(judging.watch(canaries, step.note, chosen))
    except (WorseError, UnjudgedError) as problem:
        failed = problem
    try:
        judging.settle(canaries, config, failed, back=back, ours=ours, suffix=chosen)
    except WithdrawnError as withdrawn:
        releases.withdrawn(withdrawn.settings, stack.outputs())
        raise
    judging.note_good(canaries, releases, config)
