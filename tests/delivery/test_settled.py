"""The images of a deployment: by digest, recorded, and the same when the run is started again."""

import json
from pathlib import Path

import pytest

from tools.delivery import reference, settled
from tools.delivery.registry import Registry
from tools.toolchain.errors import UserError

from . import registries
from .registries import Served

_PINNED = "registry.example.com/page:1@sha256:" + "a" * 64


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return the environment that the runner gives to a step."""
    return {
        "GITHUB_ENV": str(tmp_path / "env"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "FRONTEND_IMAGE": _PINNED,
    }


def test_what_a_tag_stands_for_is_settled_once_and_deployed_again_whatever_it_is_by_then(
    registry: Served, environ: dict[str, str], tmp_path: Path
) -> None:
    tagged = f"{registry.host}/settled/{tmp_path.name.replace('_', '-')}:1.0.0"
    first = Registry().push(registries.layout(tmp_path / "one", "one"), reference.parse(tagged))
    config = {"shop:backend": {"image": tagged}, "shop:database": {"image": "postgres:15"}}
    record = tmp_path / "images" / "images.json"

    found = settled.settle(record, config, "shop", environ, Registry())
    second = Registry().push(registries.layout(tmp_path / "two", "two"), reference.parse(tagged))
    again = settled.settle(record, config, "shop", environ, Registry())

    assert first.digest != second.digest
    assert found == again == {"backend": first, "frontend": reference.parse(_PINNED)}
    lines = (tmp_path / "env").read_text().splitlines()
    assert lines == [f"BACKEND_IMAGE={first}", f"FRONTEND_IMAGE={_PINNED}"] * 2
    summary = (tmp_path / "summary").read_text()
    assert "## Images, as in this run's earlier attempt" in summary
    assert "The database's `postgres:15` has no digest" in summary


def test_an_image_with_a_digest_is_asked_of_no_registry(environ: dict[str, str], tmp_path: Path) -> None:
    found = settled.settle(tmp_path / "images.json", {}, "shop", environ, Registry())

    assert found == {"frontend": reference.parse(_PINNED)}


@pytest.mark.parametrize(
    "record",
    [
        "[]",
        "no JSON",
        json.dumps({"backend": "registry.example.com/api:1"}),
        json.dumps({"other": _PINNED}),
        json.dumps({"backend": f"{_PINNED}\nPATH=/tmp"}),
    ],
)
def test_a_record_of_another_shape_is_not_deployed(
    environ: dict[str, str], tmp_path: Path, record: str
) -> None:
    (tmp_path / "images.json").write_text(record)

    with pytest.raises(UserError):
        settled.settle(tmp_path / "images.json", {}, "shop", environ, Registry())
    assert not (tmp_path / "env").exists()
