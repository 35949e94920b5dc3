"""Reports of previews, read only in their own shape: their author is not trusted."""

import dataclasses
import json
from pathlib import Path

import pytest

from tools.delivery import report as reports
from tools.delivery.report import Change, Preview, Report, Violation
from tools.toolchain.errors import UserError

_REPORT = Report(
    base="b" * 40,
    head="a" * 40,
    previews=(
        Preview(
            stack="dev",
            changes=(
                Change(operation="replace", kind="Secret", name="x", because=("data",), lines=("! a",)),
            ),
            unchanged=3,
            violations=(Violation(policy="p", level="advisory", message="m"),),
            errors=("e",),
        ),
    ),
)


def test_what_is_written_is_read_again() -> None:
    assert reports.read(reports.written(_REPORT)) == _REPORT


def _changed(path: tuple[str | int, ...], value: object) -> str:
    document = json.loads(reports.written(_REPORT))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '"text"',
        "{}",
        "[" * 100_000,
        _changed(("more",), 1),
        _changed(("format",), 2),
        _changed(("format",), True),
        _changed(("head",), 7),
        _changed(("previews",), {}),
        _changed(("previews",), [{"stack": "a"}] * 51),
        _changed(("previews", 0, "stack"), "<b>"),
        _changed(("previews", 0, "unchanged"), "3"),
        _changed(("previews", 0, "errors"), "e"),
        _changed(("previews", 0, "errors", 0), None),
        _changed(("previews", 0, "changes", 0, "operation"), "explode"),
        _changed(("previews", 0, "changes", 0, "lines"), [["nested"]]),
        _changed(("previews", 0, "errors", 0), "\ud800"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="the report cannot be read"):
        reports.read(text)


def test_a_report_beyond_measure_is_not_even_parsed(tmp_path: Path) -> None:
    long = dataclasses.replace(_REPORT, head="a" * 5_000_000)
    file = tmp_path / "report.json"
    file.write_text(reports.written(long))

    with pytest.raises(UserError, match="more than 4194304 bytes"):
        reports.read(reports.written(long))
    with pytest.raises(UserError, match="more than 4194304 bytes"):
        reports.load(file)


def test_a_link_or_a_folder_in_the_reports_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text(reports.written(_REPORT))
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")

    assert reports.load(tmp_path / "real.json") == _REPORT
    for path in (tmp_path / "link.json", tmp_path, tmp_path / "none.json"):
        with pytest.raises(UserError, match="is no file"):
            reports.load(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(b"\xff\xfe")

    with pytest.raises(UserError, match="cannot be read"):
        reports.load(tmp_path / "report.json")
