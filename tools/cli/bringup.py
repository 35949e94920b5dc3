"""The local cluster and what it runs, made side by side: compiling, downloads, images, nodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tools.cli import images
from tools.cli.application import Application, Wanted
from tools.cli.images import AppImages
from tools.cluster import lifecycle, nodeimage, operator
from tools.cluster.handle import Cluster
from tools.stacks import target, workspace
from tools.stacks.stack import Stack
from tools.stacks.target import Target
from tools.toolchain import golang, pulumi
from tools.toolchain.background import Task
from tools.toolchain.console import Step


@dataclass(frozen=True, kw_only=True)
class Building:
    """The application's images under way to the nodes of a cluster that did not serve."""

    application: Application
    task: Task[AppImages]

    def named(self) -> AppImages:
        """Return their names; what a folder builds has its name when it is built."""
        known = self.application.named()
        if known is not None:
            return known
        with Step("images", "building the application") as step:
            built = self.task.wait(step)
            step.result("built")
        return built

    def carried(self, cluster: Cluster) -> Task[None]:
        """Return the images on their way to the nodes, as soon as they are built."""
        return Task(lambda step: images.carry(cluster, self.task.wait(step), step))


def made(name: str, port: int, settings: Mapping[str, Any], wanted: Wanted) -> tuple[Target, Building | None]:
    """Return the local cluster, made or fixed, and the application's images under way where it did not serve.

    Everything that is missing is begun here, in the order of need: what makes nodes, then Pulumi, which is
    first needed when they run. `settings` are the stack's.
    """
    carrier = lifecycle.preflight(name, port, pulumi.builds())
    application = wanted.found(carrier) if carrier else None
    needed = lifecycle.builds(carrier)
    if _replicates(settings):
        needed += operator.builds(carrier)
    golang.ahead(*needed, *pulumi.builds())
    building = None
    if application:
        building = Building(application=application, task=Task(partial(_build, application)))
    return target.made(name, port, carrier), building


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


def _build(application: Application, step: Step) -> AppImages:
    if application.engine.own:
        nodeimage.prepare(application.engine, step)
    return application.build(step)
