"""Pins of the workflows' linters: the versions asked for, and their hashes."""

import re
from pathlib import Path

_HERE = Path(__file__).parent


def test_the_lock_holds_the_zizmor_that_was_asked_for_and_every_package_has_a_hash() -> None:
    asked = re.search(r"^zizmor==[\d.]+$", (_HERE / "requirements.in").read_text(), re.MULTILINE)
    entries = re.split(r"^(?=[\w-]+==)", (_HERE / "requirements.txt").read_text(), flags=re.MULTILINE)[1:]

    assert asked
    assert any(entry.startswith(f"{asked[0]} ") for entry in entries)
    assert all("--hash=sha256:" in entry for entry in entries)
