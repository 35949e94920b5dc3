"""Every command that the documentation shows is run by a test, as it stands there.

A command is a line of a `sh` block, or a span of code that begins with one of the programs a reader has and
names more than a subcommand. A test takes it from here by its text, so that neither can change without the
other: `tests/tools/test_documentation.py` compares what the pages show with what tests take.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`((?:make|pulumi|kubectl|pip|eval|export|python3?|\.venv/bin/\w+) [^`\n]+)`")
# A flag, a variable, something to fill in: what only names `kubectl describe pod` has none of them.
_WHOLE = re.compile(r" -|=|<|\$")
_COMMENT = re.compile(r"\s+# .*$")


def shown(text: str) -> set[str]:
    """Return the commands that a page of this text shows, without comments."""
    lines = {_COMMENT.sub("", line) for block in _BLOCK.findall(text) for line in block.splitlines()}
    spans = {span for span in _SPAN.findall(_BLOCK.sub("", text)) if _WHOLE.search(span)}
    return {line for line in lines | spans if line}


@cache
def _all() -> frozenset[str]:
    return frozenset(command for page in PAGES for command in shown(page.read_text(encoding="utf-8")))


def documented(command: str, instead: Mapping[str, str] | None = None) -> str:
    """Return the command for a shell, with a test's own names `instead` of the examples that stand in it.

    Raises:
        AssertionError: when no page shows the command, or an example does not stand in it.
    """
    assert command in _all(), f"no page shows this command: {command}"
    for example, own in (instead or {}).items():
        assert example in command, f"{example} does not stand in: {command}"
        command = command.replace(example, own)
    return command
