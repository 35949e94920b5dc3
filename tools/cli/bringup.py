"""The local cluster and what it runs, made side by side: compiling, downloads, images, nodes."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from tools.cli import images, target, workspace
from tools.cli.images import AppImages
from tools.cli.stack import Stack
from tools.cli.target import Target
from tools.cluster import lifecycle, nodeimage, operator
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.toolchain import golang, pulumi
from tools.toolchain.background import Task
from tools.toolchain.console import Step


def made(name: str, port: int, settings: Mapping[str, Any]) -> tuple[Target, Task[AppImages] | None]:
    """Return the local cluster, made or fixed, and the application's images under way where it did not serve.

    Everything that is missing is begun here, in the order of need: what makes nodes, then Pulumi, which is
    first needed when they run. `settings` are the stack's.
    """
    carrier = lifecycle.preflight(name, port, pulumi.builds())
    needed = lifecycle.builds(carrier)
    if _replicates(settings):
        needed += operator.builds(carrier)
    golang.ahead(*needed, *pulumi.builds())
    building = Task(partial(_build, carrier)) if carrier else None
    return target.made(name, port, carrier), building


def carried(cluster: Cluster, building: Task[AppImages]) -> Task[None]:
    """Return the images on their way to the nodes, as soon as they are built."""
    return Task(lambda step: images.carry(cluster, building.wait(step), step))


def judged(stack: Stack, carrying: Task[None]) -> None:
    """Have the stack judged by a preview while its images are carried to the nodes."""
    with Step("preview", f"stack {stack.name}, while images are carried") as step:
        stack.ensure()
        stack.judge(step)
        step.result("judged by the policies")
    with Step("images", images.TITLES) as step:
        carrying.wait(step)
        step.result(images.CARRIED)


def admitting(cluster: Cluster, settings: Mapping[str, Any]) -> None:
    """Wait until the cluster takes a stack with these settings: a replicated database needs its operator.

    Whatever else is applied needs no add-on to be taken, and its pods start as soon as they can.
    """
    if _replicates(settings):
        operator.ensure(cluster)


def _replicates(settings: Mapping[str, Any]) -> bool:
    return workspace.section(settings, "database").get("engine") == "replicated"


def _build(carrier: Engine, step: Step) -> AppImages:
    if carrier.own:
        nodeimage.prepare(carrier, step)
    return images.build(carrier, step)
