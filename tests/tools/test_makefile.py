"""The Makefile: `make` lists every command, and each command that a message names is one of them."""

import re
import subprocess

import pytest

from .fakes import ROOT

_TEXT = (ROOT / "Makefile").read_text()
_RULES = dict(re.findall(r"^([a-z][a-z0-9-]*):([^=\n]*)", _TEXT, re.MULTILINE))
# What other targets need first and is never typed.
_HELPERS = {
    name
    for name, rest in _RULES.items()
    if "##" not in rest and any(name in other.partition("##")[0].split() for other in _RULES.values())
}
_COMMANDS = re.compile(r"(?:`|: |sudo )make ((?:[a-z][a-z-]*\b ?)+)")
_READ = [
    ROOT / "README.md",
    *(
        path
        for room in ("toolchain", "cluster", "local", "state", "delivery", "drills", "bench", "docs")
        for path in (ROOT / room).rglob("*.[mp][dy]")
    ),
]


def _run(*arguments: str) -> str:
    command = ["make", "--no-print-directory", *arguments]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - the project's own
    return done.stdout


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_make_lists_every_target_with_what_it_does(arguments: list[str]) -> None:
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", _run(*arguments), re.MULTILINE))

    assert set(listed) == set(_RULES) - _HELPERS
    assert max(map(len, listed.values())) <= 90


def test_no_target_is_taken_for_a_file() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", _TEXT, re.MULTILINE)

    assert sorted(phony.split()) == sorted(_RULES)


def test_a_target_that_others_need_needs_no_second_description() -> None:
    assert set(_HELPERS) >= {"venv"}


@pytest.mark.parametrize("path", _READ, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_message_or_a_page_names_exists(path: object) -> None:
    text = (ROOT / str(path)).read_text()
    named = {word for words in _COMMANDS.findall(text) for word in words.split()}

    assert named <= set(_RULES)


def test_the_messages_are_found_in_which_commands_are_named() -> None:
    named = {
        word for path in _READ for words in _COMMANDS.findall(path.read_text()) for word in words.split()
    }

    assert {"up", "down", "status", "clean-cache"} <= named


def test_variables_that_choose_the_application_reach_the_commands() -> None:
    (exported,) = re.findall(r"^export (.*)$", _TEXT, re.MULTILINE)

    assert {"APP", "BACKEND_IMAGE", "FRONTEND_IMAGE", "CONTEXT", "STACK", "METRICS"} <= set(exported.split())
