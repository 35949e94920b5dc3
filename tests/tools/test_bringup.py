"""What is done side by side while a local cluster comes up, and what waits for what."""

import threading
from pathlib import Path

import pytest

from tools.cli import bringup, images
from tools.cli.images import AppImages
from tools.cli.stack import Stack
from tools.cli.workspace import Workspace
from tools.cluster.handle import Cluster
from tools.toolchain.background import Task
from tools.toolchain.console import Step
from tools.toolchain.pulumi import Pulumi
from tools.toolchain.refusal import Refusal

_SECONDS = 10
_IMAGES = AppImages(by_tier={"backend": "api:1", "frontend": "page:1"})


@pytest.fixture
def stack() -> Stack:
    cli = Pulumi(executable=Path("pulumi"), environment={}, official=False)
    workspace = Workspace(folder=Path("workspace"), environment={})
    return Stack(name="dev", workspace=workspace, cli=cli, environment={})


def test_a_stack_is_judged_while_its_images_are_carried_and_both_are_waited_for(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, carried = threading.Event(), threading.Event()

    def carry(_: Step) -> None:
        assert judged.wait(_SECONDS), "the preview waits for the images"
        carried.set()

    monkeypatch.setattr(Stack, "ensure", lambda _: None)
    monkeypatch.setattr(Stack, "judge", lambda *_: judged.set())
    bringup.judged(stack, Task(carry))

    assert carried.is_set()


def test_images_that_cannot_be_carried_are_refused_before_anything_is_deployed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def carry(_: Step) -> None:
        raise Refusal("the disk is full", "images need room", "free some")

    monkeypatch.setattr(Stack, "ensure", lambda _: None)
    monkeypatch.setattr(Stack, "judge", lambda *_: None)
    with pytest.raises(Refusal, match="the disk is full"):
        bringup.judged(stack, Task(carry))


def test_images_are_carried_as_soon_as_they_are_built(
    standing: Cluster, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[AppImages] = []
    monkeypatch.setattr(images, "carry", lambda _, built, __: carried.append(built))
    bringup.carried(standing, Task(lambda _: _IMAGES)).wait(step)

    assert carried == [_IMAGES]
