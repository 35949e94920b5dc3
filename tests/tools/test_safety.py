"""The tests that docs/safety.md names: each exists."""

import re

from .fakes import ROOT

_DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def test_every_sequence_of_the_page_is_tried_by_a_test_of_that_name() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "safety.md").read_text(encoding="utf-8"))
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in _DEFINED.findall(path.read_text(encoding="utf-8"))
    }

    assert set(named) - defined == set()
    assert len(named) == len(set(named))
    assert len(named) >= 46
