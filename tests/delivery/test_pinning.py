"""`make images-pin`: digests next to the tags in a stack's file, and nothing else changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.delivery import pinning, reference
from tools.delivery.reference import Reference
from tools.delivery.registry import Registry
from tools.toolchain.errors import UserError

from ..documented import documented
from . import registries, repository
from .registries import Served

_A, _B = (f"sha256:{sign * 64}" for sign in "ab")
_FILE = f"""\
# Ours.
config:
  other:image: kept:1
  shop:backend:
    image: registry.example.com/api:1.4.2   # the API
    release:
      canary: {{weight: 10, image: 'registry.example.com/api:1.5.0'}}
  shop:frontend:
    # Quoted, and pinned before.
    image: "registry.example.com/page:2@{_A}"
  shop:database: {{image: registry.example.com/pg@{_A}, storage: 1Gi}}
  shop:secret:
    image: {{secure: AAAB}}
"""


def _always(_: Reference) -> str:
    return _B


def test_tags_get_digests_and_every_other_character_stays() -> None:
    text, found = pinning.pinned(_FILE, "shop", _always, again=False)

    assert text == _FILE.replace("api:1.4.2 ", f"api:1.4.2@{_B} ").replace("api:1.5.0'", f"api:1.5.0@{_B}'")
    assert [(each.setting, each.why) for each in found] == [
        ("shop:backend.image", ""),
        ("shop:backend.release.canary.image", ""),
        ("shop:frontend.image", "has a digest"),
        ("shop:database.image", "has a digest"),
    ]


def test_asked_again_a_tag_gets_the_digest_that_it_has_now_and_what_has_no_tag_stays() -> None:
    text, found = pinning.pinned(_FILE, "shop", _always, again=True)

    assert f'"registry.example.com/page:2@{_B}"' in text
    assert f"registry.example.com/pg@{_A}," in text
    assert found[-1].why == "has a digest and no tag"


def test_a_second_time_nothing_changes() -> None:
    once, _ = pinning.pinned(_FILE, "shop", _always, again=False)

    assert pinning.pinned(once, "shop", _always, again=False)[0] == once


def test_the_command_writes_what_the_registry_says_and_refuses_what_it_does_not_have(
    registry: Served, tmp_path: Path
) -> None:
    clone = repository.made(tmp_path / "clone", ("prod",))
    image = f"{registry.host}/pinned/api:1.0.0"
    clone.edit(
        "Pulumi.prod.yaml", "  feastflow:backend:\n", f"  feastflow:backend:\n    image: {image} # ours\n"
    )
    before = (clone.folder / "Pulumi.prod.yaml").read_text()
    line = documented("make images-pin STACK=prod")

    refused = _typed(line, clone.folder)
    assert (refused.returncode != 0, "does not have it" in refused.stderr) == (True, True), refused.stderr
    assert (clone.folder / "Pulumi.prod.yaml").read_text() == before

    pushed = Registry().push(registries.layout(tmp_path / "layout", "pinned"), reference.parse(image))
    done = _typed(line, clone.folder)
    assert done.returncode == 0, done.stderr
    assert (clone.folder / "Pulumi.prod.yaml").read_text() == before.replace(image, str(pushed))

    newer = Registry().push(registries.layout(tmp_path / "newer", "newer"), reference.parse(image))
    assert _typed(line, clone.folder).returncode == 0
    assert str(pushed) in (clone.folder / "Pulumi.prod.yaml").read_text()
    done = _typed(documented("make images-pin STACK=prod ALL=yes"), clone.folder)
    assert done.returncode == 0, done.stderr
    assert (clone.folder / "Pulumi.prod.yaml").read_text() == before.replace(image, str(newer))


def _typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S602 - a command of the documentation
        f"{line} PYTHON={sys.executable}", shell=True, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("image", ["Not/An Image", "app:1:2"])
def test_what_is_no_image_is_refused_before_anything_is_written(image: str) -> None:
    with pytest.raises(UserError, match="is no reference"):
        pinning.pinned(f"config:\n  shop:backend: {{image: '{image}'}}\n", "shop", _always, again=False)


@pytest.mark.parametrize("text", ["config: {a: [&x 1, &x 2]}\n", "config: {}\n---\nconfig: {}\n"])
def test_a_file_that_only_the_engine_reads_is_refused_in_words(text: str) -> None:
    with pytest.raises(UserError, match="cannot be changed in its place"):
        pinning.pinned(text, "feastflow", lambda _: "", again=False)
