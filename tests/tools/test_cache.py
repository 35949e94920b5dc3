"""The cache: an entry is whole or absent, also after an interruption."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.toolchain import cache

from .fakes import Machine, ended, python, writes


def test_an_entry_is_made_once() -> None:
    cache.entry("bin", "a", writes("first"))
    again = cache.entry("bin", "a", writes("second"))

    assert (again / "file").read_text() == "first"


def test_nothing_is_under_the_entrys_name_before_it_is_whole() -> None:
    final = cache.home() / "bin" / "a"
    seen: list[bool] = []

    def make(folder: Path) -> None:
        seen.append(final.exists() or folder == final)
        writes()(folder)

    assert cache.entry("bin", "a", make) == final
    assert seen == [False]


def test_a_maker_that_fails_leaves_no_entry_and_the_next_one_begins_with_an_empty_folder() -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.entry("bin", "a", fail)

    assert cache.find("bin", "a") is None
    assert sorted(path.name for path in cache.entry("bin", "a", writes()).glob("[!.]*")) == ["file"]


def _truncate(path: Path) -> None:
    os.truncate(path, 3)


def _truncate_unnoticed(path: Path) -> None:
    changed = path.stat().st_mtime_ns
    os.truncate(path, 3)
    os.utime(path, ns=(changed, changed))


def _change(path: Path) -> None:
    path.write_text("CONTENT")


def _forget_manifest(path: Path) -> None:
    (path.parent / ".manifest.json").unlink()


def _tear_manifest(path: Path) -> None:
    os.truncate(path.parent / ".manifest.json", 10)


def _empty_manifest(path: Path) -> None:
    os.truncate(path.parent / ".manifest.json", 0)


@pytest.mark.parametrize(
    "tear",
    [
        _truncate,
        _truncate_unnoticed,
        _change,
        Path.unlink,
        _forget_manifest,
        _tear_manifest,
        _empty_manifest,
    ],
)
def test_a_torn_entry_is_not_found_and_is_made_again(tear: Callable[[Path], None]) -> None:
    entry = cache.entry("bin", "a", writes("content"))
    tear(entry / "file")

    assert cache.find("bin", "a") is None
    assert (cache.entry("bin", "a", writes("content")) / "file").read_text() == "content"
    assert cache.find("bin", "a") == entry


def test_an_entry_whose_files_were_only_touched_is_whole() -> None:
    entry = cache.entry("bin", "a", writes())
    os.utime(entry / "file", (1, 1))

    assert cache.find("bin", "a") == entry


def _child(script: str) -> "subprocess.Popen[str]":
    child = python(f"from tools.toolchain import cache\n{script}")
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def test_a_process_killed_while_it_makes_an_entry_leaves_nothing_half_made() -> None:
    child = _child(
        "def make(folder):\n"
        "    (folder / 'half').write_text('half')\n"
        "    print('ready', flush=True)\n"
        "    input()\n"
        "cache.entry('bin', 'a', make)\n"
    )
    ended(child)

    assert cache.find("bin", "a") is None
    assert sorted(path.name for path in cache.entry("bin", "a", writes()).glob("[!.]*")) == ["file"]
    assert [path.name for path in (cache.home() / "bin").iterdir()] == ["a"]


def test_a_lock_keeps_a_second_process_out_until_the_first_has_died() -> None:
    child = _child("with cache.locked('a'):\n    print('ready', flush=True)\n    input()\n")
    entered = threading.Event()

    def enter() -> None:
        with cache.locked("a"):
            entered.set()

    second = threading.Thread(target=enter)
    second.start()
    try:
        assert not entered.wait(0.05)
    finally:
        ended(child)
    assert entered.wait(5)
    second.join()


def test_who_waited_for_an_entry_takes_the_one_that_was_made_meanwhile() -> None:
    child = _child("with cache.locked('bin-a'):\n    print('ready', flush=True)\n    input()\n")
    made: list[Path] = []
    waiting = threading.Thread(target=lambda: made.append(cache.entry("bin", "a", writes("late"))))
    waiting.start()
    threading.Event().wait(0.05)
    folder = cache.home() / "bin" / "a"
    folder.mkdir(parents=True)
    writes("early")(folder)
    cache._write_manifest(folder)
    ended(child)
    waiting.join(5)

    assert (made[0] / "file").read_text() == "early"


def test_entries_and_state_are_where_the_user_wants_them(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache.home() == machine.root / "cache" / "feastflow"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", "")
    assert cache.home() == machine.root / "home" / ".cache" / "feastflow"
    assert cache.state_home() == machine.root / "home" / ".local" / "state" / "feastflow"


def test_a_key_tells_apart_contents_names_and_where_one_part_ends(machine: Machine) -> None:
    one = machine.file("one/a", "text").parent
    renamed = machine.file("renamed/b", "text").parent
    changed = machine.file("changed/a", "texts").parent

    assert len({cache.key(one), cache.key(renamed), cache.key(changed), cache.key(one, "x")}) == 4
    assert cache.key("ab", "c") != cache.key("a", "bc")


def test_a_key_does_not_count_what_python_compiled(machine: Machine) -> None:
    folder = machine.file("one/a", "text").parent
    before = cache.key(folder)
    machine.file("one/__pycache__/a.pyc", "compiled")

    assert cache.key(folder) == before


def test_only_the_entries_used_last_are_kept_and_the_one_in_use_is_one_of_them() -> None:
    entries = [cache.entry("images", name, writes()) for name in ("a", "b", "c")]
    for age, entry in enumerate(reversed(entries)):
        os.utime(entry, (10**9 - age, 10**9 - age))
    cache.keep_newest("images", 2, entries[0])

    assert [entry.exists() for entry in entries] == [True, False, True]


def test_a_thread_that_waits_for_another_one_of_its_own_process_does_so_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work() -> None:
        with cache.locked("x"):
            done.set()

    done = threading.Event()
    with cache.locked("x"):
        thread = threading.Thread(target=work)
        thread.start()
        assert not done.wait(0.05)
    thread.join(10)

    assert done.is_set()
    assert capsys.readouterr().err == ""


def test_a_draft_is_gone_after_its_block_and_what_a_cut_run_left_a_day_later() -> None:
    with cache.draft() as first:
        (first / "file").touch()
    left = first.parent / "left"
    left.mkdir()
    with cache.draft():
        assert left.exists()
    os.utime(left, (10**9, 10**9))
    with cache.draft():
        assert not left.exists()
    assert not first.exists()
