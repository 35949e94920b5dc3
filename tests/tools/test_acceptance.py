"""PART, ORDER and KEEP of acceptance, and its order, which is drawn and can be repeated."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tools.toolchain.errors import UserError

from ..acceptance.parts import command, parts, shuffled
from ..documented import ROOT, documented


def test_without_a_part_all_of_them_run() -> None:
    assert Path(command("", "", "")[-1]).name == "acceptance"


def test_the_parts_that_are_named_run_and_no_other() -> None:
    files = [Path(each).name for each in command("rotation, drills", "", "") if each.endswith(".py")]

    assert files == ["test_rotation.py", "test_drills.py"]


def test_a_part_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UserError, match="PART names rotations") as refused:
        command("drills,rotations", "", "")

    assert ",".join(parts()) in refused.value.fix
    assert "rotation" in parts()


def test_an_order_that_is_no_number_is_refused() -> None:
    with pytest.raises(UserError, match="ORDER is 'first'"):
        command("", "first", "")


@pytest.mark.parametrize(("keep", "kept"), [("", False), ("no", False), ("yes", True), ("1", True)])
def test_the_cluster_is_kept_only_when_that_is_asked_for(keep: str, kept: bool) -> None:  # noqa: FBT001
    assert ("--keep" in command("", "", keep)) is kept


def test_an_order_can_be_repeated_and_most_seeds_draw_another() -> None:
    files = [f"test_{name}.py" for name in parts()]

    assert shuffled(reversed(files), 7) == shuffled([*files, *files], 7)
    assert sorted(shuffled(files, 7)) == files
    assert len({tuple(shuffled(files, seed)) for seed in range(20)}) > 15


def test_make_hands_the_named_part_to_acceptance() -> None:
    line = shlex.split(documented("make acceptance PART=rotation"))
    told = subprocess.run(  # noqa: S603 - a developer's own
        [*line, "--dry-run"],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    named = line[-1].removeprefix("PART=")

    assert told.rstrip().endswith("python -m tests.acceptance")
    assert command(named, "", "")[-1].endswith(f"test_{named}.py")
    assert line[:2] == shlex.split(documented("make acceptance"))


def test_the_documented_line_for_one_test_names_a_file_and_tests_that_are_there() -> None:
    line = shlex.split(documented(".venv/bin/python -m pytest tests/e2e/test_05_paths.py -k database"))

    assert line[-1] in (ROOT / line[3]).read_text()


def test_the_page_about_testing_lists_every_part_and_no_other() -> None:
    text = (ROOT / "docs" / "testing.md").read_text()
    section = text.partition("## The parts of acceptance")[2].partition("\n## ")[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == parts()
