"""The steps of a local cluster's start: which run in parallel, and which wait."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.cli import bringup, images
from tools.cli.application import Application
from tools.cli.bringup import Building
from tools.cli.images import AppImages
from tools.cluster.engine import Recipe
from tools.cluster.handle import Cluster
from tools.stacks.stack import Stack
from tools.stacks.workspace import Workspace
from tools.toolchain.background import Task
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.pulumi import Pulumi

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
        raise UserError("the disk is full", "images need room", "free some")

    monkeypatch.setattr(Stack, "ensure", lambda _: None)
    monkeypatch.setattr(Stack, "judge", lambda *_: None)
    with pytest.raises(UserError, match="the disk is full"):
        bringup.judged(stack, Task(carry))


def test_images_are_carried_as_soon_as_they_are_built(
    standing: Cluster, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[AppImages] = []
    monkeypatch.setattr(images, "carry", lambda _, built, __: carried.append(built))
    _building(standing).carried(standing).wait(step)

    assert carried == [_IMAGES]


def test_names_that_follow_from_what_is_there_are_known_before_anything_is_built(
    standing: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(images, "named", lambda _, **_given: _IMAGES)
    building = _building(standing, lambda _: _IMAGES if over.wait(_SECONDS) else pytest.fail("late"))

    assert building.named() == _IMAGES
    over.set()


def test_an_application_in_a_folder_has_its_names_when_it_is_built(standing: Cluster) -> None:
    recipe = Recipe(dockerfile=Path("Dockerfile"), context=Path())

    assert _building(standing, backend=recipe).named() == _IMAGES


def _building(
    cluster: Cluster, work: Callable[[Step], AppImages] = lambda _: _IMAGES, **recipes: Recipe
) -> Building:
    application = Application(engine=cluster.engine, held={}, pulled={}, recipes=recipes)
    return Building(application=application, task=Task(work))
