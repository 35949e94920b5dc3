"""The drills' journal: what is broken is on disk until it is repaired."""

from pathlib import Path

import pytest

from tools.drills import journal
from tools.drills.journal import Entry, Journal
from tools.toolchain.errors import UserError

ENTRY = Entry(drill="node-drained", stack="prod", facts={"nodes": ["x-worker"]})


@pytest.fixture
def book(tmp_path: Path) -> Journal:
    return Journal(path=tmp_path / "state" / "x.json")


def test_a_drill_is_open_from_its_beginning_to_its_end_for_every_reader(book: Journal) -> None:
    assert book.open() is None
    book.begin(ENTRY)
    assert Journal(path=book.path).open() == ENTRY
    book.end()
    book.end()
    assert book.open() is None


@pytest.mark.parametrize("text", ["", "[]", '{"drill": "x"}', '{"drill": "x", "stack": "dev", "facts": 7}'])
def test_a_journal_that_cannot_be_read_is_not_taken_for_an_empty_one(book: Journal, text: str) -> None:
    book.begin(ENTRY)
    book.path.write_text(text)
    with pytest.raises(UserError, match=r"cannot be read(.|\n)*make status(.|\n)*rm "):
        book.open()


def test_each_cluster_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert journal.of("a").path != journal.of("b").path
    assert tmp_path in journal.of("a").path.parents
