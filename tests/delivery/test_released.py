"""Stacks of the newest release, from states that were kept, previewed with the present program.

How a state comes here: `tests/apiserver/released.py`. The take-over itself, of the first version that was
used, with its data and customers, is the part `upgrade` of acceptance.
"""

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.delivery import protection
from tools.delivery.engine import Engine
from tools.delivery.program import Program
from tools.delivery.report import Change, Preview
from tools.toolchain import pulumi
from tools.toolchain.console import Step

from ..apiserver.released import FOLDER, STACKS
from ..apiserver.teams import IMAGES
from . import repository
from .repository import Repository


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return the present program with the settings that were deployed then."""
    made = repository.made(tmp_path_factory.mktemp("released") / "clone", STACKS)
    for stack in STACKS:
        settings = Program(folder=made.folder).settings(stack)
        for tier in ("backend", "frontend"):
            section = {**(settings.get(f"feastflow:{tier}") or {}), "image": IMAGES[f"{tier.upper()}_IMAGE"]}
            made.configure(stack, **{f"feastflow__{tier}": section})
    return made


def _preview(clone: Repository, stack: str, room: Path) -> Preview:
    with Step("toolchain", "looking for pulumi") as step:
        cli = pulumi.ensure(Path(sys.prefix), step)
    state: dict[str, Any] = json.loads(gzip.decompress((FOLDER / f"{stack}.json.gz").read_bytes()))
    engine = Engine(folder=room / stack, stack=stack, cli=cli, venv=Path(sys.prefix).resolve())
    program = Program(folder=clone.folder)
    engine.load(program, state)
    return engine.preview(program)


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_of_the_newest_release_is_taken_over_without_a_replacement_or_a_loss(
    clone: Repository, stack: str, tmp_path: Path
) -> None:
    found = _preview(clone, stack, tmp_path)

    assert (found.errors, found.violations, found.unprotected) == ((), (), ())
    assert found.unchanged > len(found.changes)
    made = {_same(each) for each in found.changes if each.operation == "create"}
    ended = [each for each in found.changes if each.operation in {"replace", "delete"}]
    # A ConfigMap or a Job of other content has another name.
    assert [each for each in ended if each.operation == "replace" or _same(each) not in made] == []
    assert not any(protection.loses(each) for each in ended)


def _same(change: Change) -> tuple[str, str]:
    return change.kind, re.sub(r"-[0-9a-f]{10}$", "", change.name)
