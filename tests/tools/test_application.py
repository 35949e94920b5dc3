"""Images on the local cluster: those that an engine here has, what a folder builds, or the demo."""

import os
import re
from pathlib import Path

import pytest

from tools.cli import application, images
from tools.cli.application import Wanted
from tools.cli.images import AppImages, Held
from tools.cluster.engine import Engine, Recipe
from tools.cluster.handle import Cluster
from tools.toolchain.errors import UserError

from .fakes import Heard, Machine

_ID = "4a5b6c7d8e9f" + "0" * 52
_OTHER = "0f1e2d3c4b5a" + "0" * 52
# `ids` holds the engine's images, a name and its id each; `registry` the names that a registry has.
_ENGINE = """
images="$ROOT/${0##*/}.ids"
case "$1" in
  image)
    for last; do :; done
    case "$2" in
      inspect) id="$(sed -n "s|^$last ||p" "$images" 2>/dev/null | tail -n 1)"
        [ -n "$id" ] || { echo "no such image: $last" >&2; exit 1; }
        echo "sha256:$id" ;;
      rm) sed -i "\\|^$last |d" "$images" ;;
      ls) ;;
    esac ;;
  manifest) grep -qx "$3" "$ROOT/registry" 2>/dev/null || { echo "manifest unknown" >&2; exit 1; } ;;
  tag) echo "$3 $2" >> "$images" ;;
  build) while [ "$1" != --tag ]; do shift; done; echo "$2 $(cat "$ROOT/content")" >> "$images" ;;
  ps) echo x-worker ;;
  save) for last; do :; done; sed -n "s|^$last |$last |p" "$images" > "$ROOT/saved" ;;
  exec) case "$*" in *list*) cat "$ROOT/loaded" 2>/dev/null || : ;;
    *import*) cut -d ' ' -f 1 "$ROOT/saved" >> "$ROOT/loaded" ;; esac ;;
esac
"""


@pytest.fixture
def carrier(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The Docker that carries the nodes; the demo's images are there."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("docker", _ENGINE)
    engine = Engine(command="docker", own=False, why="")
    named = images.named(engine)
    machine.file("docker.ids", f"{named.by_tier['backend']} d1\n{named.by_tier['frontend']} d2\n")
    return engine


@pytest.fixture
def cluster(carrier: Engine) -> Cluster:
    """A cluster of one node."""
    return Cluster(name="x", port=1, engine=carrier, kubeconfig=Path("/k"), tools=Path("/t"))


def _has(machine: Machine, image: str, content: str = _ID, engine: str = "docker") -> None:
    path = machine.root / f"{engine}.ids"
    known = path.read_text() if path.exists() else ""
    path.write_text(f"{known}{image} {content}\n")


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("api:2", "localhost/api:2-4a5b6c7d8e9f"),
        ("api", "localhost/api:4a5b6c7d8e9f"),
        ("api:latest", "localhost/api:latest-4a5b6c7d8e9f"),
        ("registry.example.com:5000/team/api:2", "localhost/team/api:2-4a5b6c7d8e9f"),
        ("team/api:2", "localhost/team/api:2-4a5b6c7d8e9f"),
        ("localhost/shop/shop:3.1.0", "localhost/shop/shop:3.1.0-4a5b6c7d8e9f"),
        (f"api@sha256:{'12' * 32}", "localhost/api:121212121212-4a5b6c7d8e9f"),
        (f"api:{'9' * 128}", f"localhost/api:{'9' * 115}-4a5b6c7d8e9f"),
    ],
)
def test_an_image_that_the_engine_has_is_deployed_under_a_name_that_follows_its_content(
    machine: Machine, carrier: Engine, reference: str, name: str
) -> None:
    _has(machine, reference)

    found = Wanted(typed={"backend": reference}).found(carrier).named()

    assert found is not None
    assert found.by_tier["backend"] == name
    assert found.by_tier["frontend"] == images.named(carrier).by_tier["frontend"]


def test_it_is_carried_to_the_nodes_and_the_engine_keeps_its_names(
    machine: Machine, cluster: Cluster, step: Heard
) -> None:
    _has(machine, "api:2")
    before = (machine.root / "docker.ids").read_text()
    built = Wanted(typed={"backend": "api:2"}).found(cluster.engine).build(step)

    images.carry(cluster, built, step)
    images.carry(cluster, built, step)

    assert set((machine.root / "loaded").read_text().split()) == {
        built.by_tier["backend"],
        built.by_tier["frontend"],
    }
    assert (machine.root / "docker.ids").read_text() == before
    assert len(machine.called("docker", "import")) == 2
    # Not even the demo's API, which nothing runs.
    assert machine.called("docker", "build") == []
    assert images.named(cluster.engine).by_tier["backend"] not in (machine.root / "loaded").read_text()


def test_the_same_name_with_another_content_is_another_release(machine: Machine, carrier: Engine) -> None:
    names = set()
    for content in (_ID, _OTHER):
        _has(machine, "api:2", content)
        found = Wanted(typed={"backend": "api:2"}).found(carrier).named()
        assert found is not None
        names.add(found.by_tier["backend"])

    assert len(names) == 2


def test_both_tiers_may_be_one_image(machine: Machine, cluster: Cluster, step: Heard) -> None:
    _has(machine, "shop:3")
    built = Wanted(typed={"backend": "shop:3", "frontend": "shop:3"}).found(cluster.engine).build(step)
    images.carry(cluster, built, step)

    assert built.by_tier["backend"] == built.by_tier["frontend"]
    assert (machine.root / "loaded").read_text().split() == [built.by_tier["backend"]]


def test_an_image_of_the_users_other_engine_is_found_and_taken_from_there(
    machine: Machine, cluster: Cluster, step: Heard
) -> None:
    machine.program("podman", _ENGINE)
    store = "home/.local/share/containers/storage/overlay-images/images.json"
    machine.file(store, '[{"names": ["localhost/api:2"]}]')
    _has(machine, "api:2", engine="podman")

    built = Wanted(typed={"backend": "api:2"}).found(cluster.engine).build(step)
    images.carry(cluster, built, step)

    assert [held.engine.command for held in built.held] == ["podman"]
    assert machine.called("podman", "save --multi-image-archive", built.by_tier["backend"])


def test_a_podman_that_was_never_used_is_not_asked(machine: Machine, carrier: Engine) -> None:
    machine.program("podman", _ENGINE)
    machine.file("registry", "docker.io/library/api:2\n")
    Wanted(typed={"backend": "api:2"}).found(carrier)

    assert machine.calls("podman") == []


def test_an_image_that_only_a_registry_has_is_left_to_the_nodes(
    machine: Machine, cluster: Cluster, step: Heard
) -> None:
    machine.file("registry", "registry.example.com/api:2\n")
    built = Wanted(typed={"backend": "registry.example.com/api:2"}).found(cluster.engine).build(step)
    images.carry(cluster, built, step)

    assert built.by_tier["backend"] == "registry.example.com/api:2"
    assert built.by_tier["backend"] not in (machine.root / "loaded").read_text()


def test_what_a_registry_has_must_be_one_version_of_it(machine: Machine, carrier: Engine) -> None:
    machine.file("registry", "registry.example.com/api\n")

    with pytest.raises(UserError, match="without a tag or digest it means `latest`") as caught:
        Wanted(typed={"backend": "registry.example.com/api"}).found(carrier)
    assert caught.value.fix == "make up BACKEND_IMAGE=registry.example.com/api:1.2.3"


def test_an_image_that_nothing_has_is_refused_with_what_was_looked_at(
    machine: Machine, carrier: Engine
) -> None:
    machine.program("podman", _ENGINE)

    with pytest.raises(UserError, match="FRONTEND_IMAGE is page:9, which is not available") as caught:
        Wanted(typed={"frontend": "page:9"}).found(carrier)
    looked = caught.value.found.splitlines()[1]
    for place in ("docker, which carries the nodes", "podman, yours", "its registry: manifest unknown"):
        assert place in looked
    assert "docker build --tag page:9" in caught.value.fix
    assert "make up APP=" in caught.value.fix


def test_an_image_that_the_stacks_file_names_keeps_its_name_and_is_carried_where_it_is_here(
    machine: Machine, cluster: Cluster, step: Heard
) -> None:
    _has(machine, "team/api:2")
    wanted = Wanted(filed={"backend": "team/api:2", "frontend": "registry.example.com/page:2"})
    built = wanted.found(cluster.engine).build(step)
    machine.file("docker.ids", f"docker.io/team/api:2 {_ID}\n")
    images.carry(cluster, built, step)

    assert (built.by_tier["backend"], built.by_tier["frontend"]) == (
        "team/api:2",
        "registry.example.com/page:2",
    )
    # By the name that the kubelet asks for.
    assert (machine.root / "loaded").read_text().split() == ["docker.io/team/api:2"]
    assert not wanted.overrides("backend")


def test_a_folder_is_built_each_time_and_named_after_what_came_of_it(
    machine: Machine, cluster: Cluster, step: Heard
) -> None:
    recipe = Recipe(
        dockerfile=Path("/shop/api.Dockerfile"),
        context=Path("/shop"),
        arguments={"MODE": "live"},
        target="run",
    )
    wanted = Wanted(recipes={"backend": recipe})
    names = []
    for content in (_ID, _ID, _OTHER):
        machine.file("content", content)
        found = wanted.found(cluster.engine)
        assert found.named() is None
        names.append(found.build(step).by_tier["backend"])

    assert names[0] == names[1] == "localhost/app/backend:4a5b6c7d8e9f"
    assert names[2] == "localhost/app/backend:0f1e2d3c4b5a"
    command = machine.called("docker", "build")[0]
    assert "--build-arg MODE=live --target run --file /shop/api.Dockerfile" in command
    assert command.endswith(" /shop")
    assert "building" not in (machine.root / "docker.ids").read_text()


def test_what_was_typed_goes_before_a_folder_a_folder_before_the_file_and_the_demo_is_last(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = machine.file("shop/frontend/Dockerfile").parents[1]
    filed = {"feastflow:backend": {"image": "filed:1"}, "feastflow:frontend": {"image": "filed:2"}}
    assert application.wanted({}) == Wanted()
    assert application.wanted(filed) == Wanted(filed={"backend": "filed:1", "frontend": "filed:2"})
    database = {"feastflow:database": {"image": "postgres:17", "upgradeFrom": "postgres:15"}}
    assert application.wanted(filed | database).further == ("postgres:17", "postgres:15")

    monkeypatch.setenv("BACKEND_IMAGE", "typed:1")
    monkeypatch.setenv("APP", str(shop))

    found = application.wanted(filed)
    assert found.typed == {"backend": "typed:1"}
    assert list(found.recipes) == ["frontend"]
    assert found.filed == {}


def test_carried_images_are_each_archive_named_after_its_content(
    machine: Machine, cluster: Cluster, step: Heard
) -> None:
    for content in (_ID, _OTHER):
        _has(machine, "api:2", content)
        held = Held(name="docker.io/library/api:2", engine=cluster.engine, id=content)
        machine.file("loaded")
        images.carry(cluster, AppImages(by_tier={}, held=(held,)), step)

    archives = [re.findall(r"/images/(\w+)/", call)[0] for call in machine.called("docker", "import")]
    assert len(set(archives)) == 2
