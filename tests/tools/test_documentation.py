"""Documentation: tests run the commands that the pages show, and CI runs `make test`."""

import ast
import subprocess
from pathlib import Path

import pytest

from ..documented import PAGES, documented, shown
from .fakes import ROOT

_TESTS = sorted((ROOT / "tests").rglob("*.py"))


def _taken(path: Path) -> set[str]:
    """Return the commands that a file's functions take from the documentation, by their text."""
    text = path.read_text()
    # Most files take none, and to parse them all takes a second.
    outermost = ast.parse(text).body if "documented(" in text else ()
    functions = (node for node in outermost if isinstance(node, ast.FunctionDef | ast.ClassDef))
    calls = (node for function in functions for node in ast.walk(function) if isinstance(node, ast.Call))
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id == "documented"
        and isinstance(call.args[0], ast.Constant)
    }


def test_every_command_that_a_page_shows_is_run_by_a_test_and_no_test_runs_another() -> None:
    pages = {command for page in PAGES for command in shown(page.read_text())}
    taken = {command for path in _TESTS for command in _taken(path)}

    assert pages - taken == set(), "no test runs these"
    assert taken - pages == set(), "no page shows these"
    assert len(pages) > 30


def test_a_command_is_a_line_of_a_block_or_a_span_with_more_than_a_subcommand() -> None:
    text = (
        "Say `make up` or `make up STACK=prod`, never `kubectl describe pod`.\n"
        "```sh\nmake down   # deletes it\n\npulumi up\n```\n```yaml\nmake: no\n```\n"
    )

    assert shown(text) == {"make up STACK=prod", "make down", "pulumi up"}


def test_examples_are_replaced_only_where_they_stand() -> None:
    assert documented("make preview STACK=prod", {"prod": "dev"}) == "make preview STACK=dev"
    with pytest.raises(AssertionError, match="does not stand in"):
        documented("make preview STACK=prod", {"staging": "dev"})
    nothing = "make nothing"
    with pytest.raises(AssertionError, match="no page shows"):
        documented(nothing)


def test_ci_runs_what_a_developer_runs() -> None:
    command = documented("make test")

    assert f"exec {command}\n" in (ROOT / ".ci" / "run").read_text()


def test_the_cache_is_removed_by_the_documented_command(tmp_path: Path) -> None:
    stale = tmp_path / "cache" / "feastflow" / "bin" / "stale"
    for folder in (stale, tmp_path / "cache" / "other"):
        folder.mkdir(parents=True)
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    for command, left in (
        (documented("make clean-cache"), ["feastflow", "other"]),
        (documented("make clean-cache ALL=yes"), ["other"]),
    ):
        subprocess.run(command.split(), cwd=ROOT, env=environment, check=True, capture_output=True)  # noqa: S603 - a developer's own
        assert not stale.exists()
        assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == left
