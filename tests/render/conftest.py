"""Renderings that many tests read."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any

import pytest
import yaml

from tools.render import files, program
from tools.render.manifests import Rendered, render
from tools.render.operator import Manifest
from tools.render.recording import Registered
from tools.render.secrets import Store

from ..unit.recorder import stack_file

STORE = Store(kind="ClusterSecretStore", name="vault", path="teams/feastflow")


@pytest.fixture(scope="session", autouse=True)
def the_users_kubeconfig() -> Iterator[None]:
    """Restore the kubeconfig that rendering hides."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", "/nonexistent")
        yield


@cache
def _documents(text: str) -> list[Manifest]:
    # libyaml's parser: the pure one takes seconds for all of these.
    return list(yaml.load_all(text, yaml.CSafeLoader))


class Rendering:
    """A stack's objects, its rendering, and the files of that."""

    def __init__(self, objects: list[Registered]) -> None:
        self.objects = objects
        self.rendered: list[Rendered] = render(objects, STORE)

    @cached_property
    def texts(self) -> dict[str, str]:
        """The files' texts by name."""
        return files.texts(self.rendered, "test")

    @property
    def manifests(self) -> list[Manifest]:
        return [each.manifest for each in self.rendered]

    def of(self, name: str) -> list[Manifest]:
        """Return the documents of one file, which is written alone: all of them take a third of a second."""
        own = [each for each in self.rendered if files._file(each) == name]
        return _documents(files.texts(own, "test")[f"{name}.yaml"])

    def one(self, kind: str, name: str) -> Manifest:
        """Return the object of the kind whose name begins so."""
        (found,) = (
            each
            for each in self.manifests
            if each["kind"] == kind and each["metadata"]["name"].startswith(name)
        )
        return found

    def wave(self, kind: str, name: str) -> int:
        annotations = self.one(kind, name)["metadata"].get("annotations", {})
        return int(annotations.get("argocd.argoproj.io/sync-wave", "0"))


@pytest.fixture(scope="session")
def rendering() -> Callable[[str, Mapping[str, Any] | None], Rendering]:
    """Return the rendering of a stack's own file, with settings over it; equal ones are made once."""
    made: dict[str, Rendering] = {}

    def of(stack: str, over: Mapping[str, Any] | None = None) -> Rendering:
        key = f"{stack} {over}"
        if key not in made:
            made[key] = Rendering(program.objects(stack, {**stack_file(stack), **(over or {})}))
        return made[key]

    return of


@pytest.fixture(scope="session", params=["dev", "prod"])
def stack(request: pytest.FixtureRequest, rendering: Callable[..., Rendering]) -> Rendering:
    """Return each of the two stacks as its own file has it."""
    return rendering(request.param)


@pytest.fixture(scope="session")
def dev(rendering: Callable[..., Rendering]) -> Rendering:
    """Return dev as its own file has it."""
    return rendering("dev")


@pytest.fixture(scope="session")
def prod(rendering: Callable[..., Rendering]) -> Rendering:
    """Return prod as its own file has it."""
    return rendering("prod")
