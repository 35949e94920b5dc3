"""One format of every error that the user can fix, in every room."""

import re
from pathlib import Path

from components.settings.problem import problem
from policies.configuration import ConfigurationError
from tools.toolchain.errors import UserError

_ROOT = Path(__file__).parents[2]


def test_each_fact_is_a_paragraph_and_its_further_lines_stand_below_its_first() -> None:
    assert problem("feastflow:edge", "a\nb", "it matters", "type\nthis") == (
        "feastflow:edge\n  found: a\n         b\n  why:   it matters\n  next:  type\n         this"
    )


def test_the_tools_and_the_policies_say_it_in_the_same_format() -> None:
    assert str(UserError("a\nb", "c", "d")) == problem("error", "a\nb", "c", "d")
    error = str(ConfigurationError("policies:levels", "a", "d"))
    assert error == problem("policies:levels", "a", re.findall("why: +(.*)", error)[0], "d")


def test_the_format_is_written_in_three_places_alone() -> None:
    # The policies run alone, and so do the tools that a workflow and a bare machine begin with.
    sources = [path for room in ("components", "policies", "tools") for path in (_ROOT / room).rglob("*.py")]
    written = [path for path in sources if "why:   " in path.read_text("utf-8")]
    assert [str(path.relative_to(_ROOT)) for path in sorted(written)] == [
        "components/settings/problem.py",
        "policies/configuration.py",
        "tools/toolchain/errors.py",
    ]
