"""Files and folders that are their owner's alone, whatever the umask, and old ones that were not."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.stacks import workspace
from tools.stacks.releases import Releases
from tools.toolchain import private, process


@pytest.fixture(autouse=True)
def _careless() -> Iterator[None]:
    """Yield a umask that lets everybody read."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_what_is_written_is_its_owners_alone_with_every_folder_that_was_missing(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "c.yaml"

    private.write(file, "one")
    private.write(file, "two", durable=True)

    assert file.read_text("utf-8") == "two"
    assert (mode(file), mode(file.parent), mode(file.parent.parent)) == (0o600, 0o700, 0o700)
    assert [path.name for path in file.parent.iterdir()] == ["c.yaml"]


def test_what_earlier_versions_left_open_is_closed_and_links_are_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch(mode=0o644)
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True, mode=0o755)
    (root / "folder" / "program").touch(mode=0o755)
    (root / "folder" / "link").symlink_to(elsewhere)

    assert set(private.tidy(root)) == {root, root / "folder", root / "folder" / "program"}

    assert (mode(root), mode(root / "folder"), mode(root / "folder" / "program")) == (0o700, 0o700, 0o700)
    assert mode(elsewhere) == 0o644
    assert private.tidy(root) == []
    assert private.tidy(tmp_path / "nothing") == []


@pytest.mark.parametrize("streamed", [False, True])
def test_a_program_is_given_its_own_umask_and_this_process_keeps_its(
    tmp_path: Path, *, streamed: bool
) -> None:
    command = [sys.executable, "-c", f"open({str(tmp_path / 'made')!r}, 'w')"]
    if streamed:
        process.stream(command, umask=private.UMASK)
    else:
        process.output(command, umask=private.UMASK)
    assert mode(tmp_path / "made") == 0o600
    (tmp_path / "own").touch()
    assert mode(tmp_path / "own") == 0o666


def test_a_workspace_with_its_settings_and_releases_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = workspace.of("uid", "dev")
    made.write("dev", {})
    Releases(folder=made.folder / "releases" / "dev").begin({"a": "b"})

    paths = [tmp_path / "state", *(tmp_path / "state").rglob("*")]
    assert len(paths) > 6
    assert {str(path): oct(mode(path)) for path in paths if mode(path) & 0o077} == {}


def test_a_link_is_replaced_in_one_step_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    link = tmp_path / "plugin"
    for target in (tmp_path / "old", tmp_path / "new"):
        private.link(link, target)
        assert link.readlink() == target
    assert [path.name for path in tmp_path.iterdir()] == ["plugin"]


def test_two_files_that_differ_in_their_ending_alone_do_not_share_a_draft(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml.draft").mkdir()
    private.write(tmp_path / "dev.json", "whole")
    assert (tmp_path / "dev.json").read_text() == "whole"
