"""The application's images: a tag follows the image's content, and nodes get the images that they lack."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from components.settings.model.pooler import Pooler
from components.settings.values import majors
from tools.cli import images
from tools.cli.images import AppImages
from tools.cluster import nodeimage
from tools.cluster.engine import Engine
from tools.cluster.handle import Cluster
from tools.toolchain.errors import UserError

from .fakes import Heard, Machine

_NODES = "x-control-plane x-worker"
# `built` and `loaded` have the existing tags; an import loads the argument of `save`.
_DOCKER = f"""
case "$1" in
  image) case "$2 $3" in "inspect --format") false ;; inspect*) grep -qx "$3" "$ROOT/built" ;; esac ;;
  build) while [ "$1" != --tag ]; do shift; done; echo "$2" >> "$ROOT/built" ;;
  ps) printf '%s\\n' {_NODES} ;;
  save) shift 3; printf '%s\\n' "$@" > "$ROOT/saved" ;;
  exec)
    case "$*" in
      *list*) cat "$ROOT/loaded.$2" 2>/dev/null || : ;;
      *import*) [ ! -e "$ROOT/full" ] || {{ echo "no space left on device" >&2; exit 1; }}
        cat "$ROOT/saved" > "$ROOT/loaded.$2" ;;
    esac ;;
esac
"""


@pytest.fixture
def engine(machine: Machine) -> Engine:
    """Return the user's Docker, without images."""
    machine.file("built")
    machine.program("docker", _DOCKER)
    return Engine(command="docker", own=False, why="")


@pytest.fixture
def demo(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small application."""
    machine.file("demo/backend/app/main.py", "print()\n")
    machine.file("demo/backend/tests/test_main.py", "def test(): ...\n")
    machine.file("demo/backend/Dockerfile", "FROM scratch\n")
    machine.file("demo/frontend/Dockerfile", "FROM scratch\n")
    machine.file("demo/frontend/app/page.tsx", "export default 1\n")
    monkeypatch.setattr(images, "_DEMO", machine.root / "demo")
    return machine.root / "demo"


def test_a_tag_follows_the_content_of_its_own_image(engine: Engine, demo: Path, step: Heard) -> None:
    app = demo / "backend" / "app"
    changes: dict[str, Callable[[], object]] = {
        "changed": lambda: (app / "main.py").write_text("print(1)\n"),
        "built otherwise": lambda: (demo / "backend" / "Dockerfile").write_text("FROM other\n"),
        "added": (app / "new.py").touch,
        "renamed": lambda: (app / "main.py").rename(app / "other.py"),
        "removed": (app / "new.py").unlink,
    }
    first = images.build(engine, step)
    seen = {first.by_tier["backend"]}
    for name, change in changes.items():
        change()
        built = images.build(engine, step)
        assert built.by_tier["backend"] not in seen, name
        assert built.by_tier["frontend"] == first.by_tier["frontend"]
        seen.add(built.by_tier["backend"])


def test_tests_and_what_building_leaves_behind_do_not_count(
    machine: Machine, engine: Engine, demo: Path, step: Heard
) -> None:
    before = images.build(engine, step)
    for name in (
        "backend/tests/test_main.py",
        "backend/app/__pycache__/main.pyc",
        "backend/.ruff_cache/x",
        "backend/.hypothesis/x",
        "frontend/node_modules/react/index.js",
        "frontend/.next/server.js",
        "frontend/next-env.d.ts",
        "frontend/tsconfig.tsbuildinfo",
    ):
        machine.file(f"{demo.name}/{name}", "changed")
        assert images.build(engine, step) == before, name


def test_an_image_that_is_there_is_not_built_again(
    machine: Machine, engine: Engine, demo: Path, step: Heard
) -> None:
    built = images.build(engine, step)
    images.build(engine, step)

    assert len(machine.called("docker", "build")) == 2
    assert f"--tag {built.by_tier['backend']} {demo}/backend" in machine.called("docker", "build")[0]


@pytest.mark.usefixtures("demo")
def test_with_the_users_engine_official_bases_are_used_and_postgresql_is_pulled(
    machine: Machine, engine: Engine, step: Heard
) -> None:
    assert images.build(engine, step).by_tier.keys() == {"backend", "frontend"}
    assert machine.called("docker", "--build-arg") == []


@pytest.mark.usefixtures("demo")
def test_the_poolers_image_is_built_where_there_is_a_pooler_and_the_official_one_cannot_be_pulled(
    machine: Machine, engine: Engine, step: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.program("podman", _DOCKER)
    own = replace(engine, command="podman", own=True)
    monkeypatch.setattr("tools.cluster.nodeimage.debian", lambda *_: nodeimage.debian_name())
    assert images.build(own, step).pooler is None
    assert machine.called("podman", "pgbouncer.Dockerfile") == []

    built = images.build(own, step, pooler=True)
    assert built.pooler in built.all()
    assert len(machine.called("podman", "pgbouncer.Dockerfile")) == 1
    # The settings read from the tag that it is new enough.
    assert Pooler(image=str(built.pooler))
    assert images.build(engine, step, pooler=True).pooler is None


def test_a_tag_follows_the_base_it_is_built_on(
    machine: Machine, engine: Engine, demo: Path, step: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.program("podman", _DOCKER)
    own = replace(engine, command="podman", own=True)
    monkeypatch.setattr("tools.cluster.nodeimage.debian", lambda *_: nodeimage.debian_name())
    monkeypatch.setattr("tools.cluster.nodeimage.debian_name", lambda: "debian:1")
    first = images.build(own, step)
    monkeypatch.setattr("tools.cluster.nodeimage.debian_name", lambda: "debian:2")
    second = images.build(own, step)

    assert (
        len(
            {
                first.by_tier["backend"],
                second.by_tier["backend"],
                images.build(engine, step).by_tier["backend"],
            }
        )
        == 3
    )
    assert first.by_tier["database"] != second.by_tier["database"]
    # The dockerfile installs postgresql-15, and the program reads the version from the tag.
    assert [majors.tagged(each.by_tier["database"]) for each in (first, second)] == [15, 15]
    assert "BASE_IMAGE=localhost/feastflow/python:" in machine.called("podman", f"{demo}/backend")[0]


@pytest.fixture
def cluster(engine: Engine) -> Cluster:
    """Return two nodes."""
    return Cluster(name="x", port=1, engine=engine, kubeconfig=Path("/k"), tools=Path("/t"))


_IMAGES = AppImages(by_tier={"backend": "b:1", "frontend": "f:1"})


def test_images_are_carried_to_every_node_once(machine: Machine, cluster: Cluster, step: Heard) -> None:
    images.carry(cluster, _IMAGES, step)
    images.carry(cluster, _IMAGES, step)

    imports = machine.called("docker", "import")
    assert sorted(call.split()[1] for call in imports) == _NODES.split()
    assert len(machine.called("docker", "save")) == 1
    assert (machine.root / "loaded.x-worker").read_text() == "b:1\nf:1\n"


def test_a_node_that_lost_its_images_gets_them_from_the_archive_that_is_there(
    machine: Machine, cluster: Cluster, step: Heard
) -> None:
    images.carry(cluster, _IMAGES, step)
    (machine.root / "loaded.x-worker").unlink()
    images.carry(cluster, _IMAGES, step)

    assert (machine.root / "loaded.x-worker").read_text() == "b:1\nf:1\n"
    assert len(machine.called("docker", "save")) == 1


def test_images_that_cannot_be_carried_are_refused_with_what_the_node_said(
    machine: Machine, cluster: Cluster, step: Heard
) -> None:
    machine.file("full")

    with pytest.raises(
        UserError, match=r"could not be carried to the nodes: no space left(.|\n)*room on the disk"
    ):
        images.carry(cluster, _IMAGES, step)
