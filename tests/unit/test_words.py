"""The words of docstrings and pages: those of Kubernetes, Pulumi and PostgreSQL, verb or noun first."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from .recorder import ROOT

_FOLDERS = ("components", "demo", "policies", "tests", "tools")
# A docstring begins with a verb (a function's) or a noun (a module's, a class's), not with a question.
_QUESTION = re.compile(r"(?:How|What|When|Where|Whether|Which|Who|Whose)\b")
_WORDS = re.compile(r"\b(?:anew|nobody|somebody|whoever|to be had)\b", re.IGNORECASE)
# Decisions up to this number are history and stay as they were written.
_HISTORY = 69


def questions(text: str) -> list[str]:
    """Return the docstrings of a Python text that begin with a question, by their first lines."""
    first_lines = (docstring.partition("\n")[0] for docstring in _docstrings(text))
    return [line for line in first_lines if _QUESTION.match(line)]


def words(text: str) -> list[str]:
    """Return the lines of a text that have a word which Kubernetes' own vocabulary has no use for."""
    return [line.strip() for line in text.splitlines() if _WORDS.search(line)]


def _docstrings(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def _is_history(name: str) -> bool:
    number = re.fullmatch(r"docs/decisions/(\d{4})-.*", name)
    return number is not None and int(number[1]) <= _HISTORY


@cache
def _found() -> dict[str, list[str]]:
    """Return what is found in each file of the project's own, by its path from the root."""
    modules = [*ROOT.glob("*.py"), *(path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.py"))]
    pages = [*ROOT.glob("*.md"), ROOT / "demo" / "README.md", *(ROOT / "docs").rglob("*.md")]
    found = {}
    for path in modules:
        if "node_modules" not in path.parts:
            text = path.read_text(encoding="utf-8")
            found[str(path.relative_to(ROOT))] = [*questions(text), *words("\n".join(_docstrings(text)))]
    for path in pages:
        name = str(path.relative_to(ROOT))
        found[name] = [] if _is_history(name) else words(path.read_text(encoding="utf-8"))
    return found


def test_docstrings_and_pages_have_the_projects_words() -> None:
    assert {name: lines for name, lines in _found().items() if lines} == {}
    assert len(_found()) > 700


@pytest.mark.parametrize("line", ["Whether it runs.", "What it is:", "How"])
def test_a_docstring_that_begins_with_a_question_is_found(line: str) -> None:
    assert questions(f'def it():\n    """{line}"""\n') == [line]
    assert questions(f'"""{line}\n\nMore.\n"""\n') == [line]


def test_a_docstring_that_says_what_it_returns_is_none() -> None:
    assert questions('def it():\n    """Return what it is."""\n\n\ndef other():\n    pass\n') == []
    assert questions('class It:\n    """Whatever there is."""\n') == []


def test_the_words_are_found_in_any_case_and_only_as_words() -> None:
    text = "Nobody asks.\nsomebody's\nIt is made anew,\nnot to be had.\nwhoever\n"

    assert len(words(text)) == len(text.splitlines())
    assert words("a renewal, anewer, whatever") == []
