"""PART, ORDER and KEEP of acceptance, and its order, which is drawn and can be repeated."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tools.toolchain.errors import UserError

from ..acceptance.parts import LANES, SLOW, command, lanes, parts, shuffled
from ..documented import ROOT, documented


def test_without_a_part_all_of_them_run() -> None:
    assert Path(command("", "", "")[-1]).name == "acceptance"


def test_the_parts_that_are_named_run_and_no_other() -> None:
    files = [Path(each).name for each in command("rotation, drills", "", "") if each.endswith(".py")]

    assert files == ["test_rotation.py", "test_drills.py"]


def test_slow_tests_of_the_lanes_run_with_all_parts_or_by_their_name_and_need_no_cluster() -> None:
    assert (lanes(""), lanes("slow"), lanes("rotation,slow")) == (LANES,) * 3
    assert lanes("rotation") == ()
    assert command("slow", "", "") == []
    files = [Path(each).name for each in command("slow,rotation", "", "") if each.endswith(".py")]
    assert files == ["test_rotation.py"]


def test_acceptance_runs_every_lane_that_leaves_slow_tests_out() -> None:
    mark = f"mark.{SLOW}"
    having = {
        path.relative_to(ROOT / "tests").parts[0]
        for path in (ROOT / "tests").rglob("test_*.py")
        if mark in path.read_text(encoding="utf-8")
    }

    assert having == set(LANES)


@pytest.mark.parametrize(
    ("said", "selection"),
    [("", '-m "not slow"'), ("no", '-m "not slow"'), ("only", "-m slow"), ("yes", "-q tests")],
)
def test_a_lane_leaves_its_slow_tests_out_unless_it_is_told_or_one_is_named(
    said: str, selection: str
) -> None:
    assert selection in " ".join(_make("state", f"SLOW={said}").split())
    assert "slow" not in _make("state", f"SLOW={said}", "TEST=tests/state/test_move.py")


def test_a_wish_about_slow_tests_that_is_none_is_refused() -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        _make("state", "SLOW=perhaps")

    assert "SLOW is perhaps" in refused.value.stderr
    assert "make state SLOW=only" in refused.value.stderr


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


def _make(*arguments: str) -> str:
    """Return the commands that make would run."""
    return subprocess.run(  # noqa: S603 - a developer's own
        ["/usr/bin/env", "make", *arguments, "--dry-run"],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_make_hands_the_named_part_to_acceptance() -> None:
    line = shlex.split(documented("make acceptance PART=rotation"))
    told = _make(*line[1:])
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
